"""The option `--wait` of all commands that need a moment in which no run is under way."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any

from cyclopts import Parameter

from okr_sync.render.words import clean
from okr_sync.store.waiting import Patience


def _require_span(_kind: Any, wait: Any) -> None:
    if not 0 <= wait < math.inf:
        raise ValueError("Must be a number of seconds, 0 or more.")


Wait = Annotated[
    float | bool,
    Parameter(
        negative="",
        validator=_require_span,
        help="While a run is under way, wait and take the next turn; with a number, at most so many seconds.",
    ),
]


def patience(wait: Wait, pause: Callable[[float], object] = time.sleep) -> Patience | None:
    """Return how a command waits that was told so: True without an end, a number so many seconds, 0 not at all."""
    if not wait:
        return None
    return Patience(_told, None if wait is True else wait, pause)


def _told(text: str) -> None:
    sys.stderr.write(f"{clean(text)}\n")  # stdout is for what the command brings
    sys.stderr.flush()
