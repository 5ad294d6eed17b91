"""How commands speak: JSON for machines, text for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from okr_sync.render.words import clean


def emit(document: Mapping[str, Any]) -> None:
    """Write a JSON document to stdout; foreign text in it can't steer a terminal."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n")


def say(text: str) -> None:
    """Write lines for people to stdout; foreign text in them can't steer a terminal."""
    sys.stdout.write("\n".join(clean(line) for line in text.rstrip("\n").split("\n")) + "\n")


def flush() -> None:
    """Hand over what was said so far, for those who read while the command still runs."""
    sys.stdout.flush()
