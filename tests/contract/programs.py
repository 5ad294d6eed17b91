"""Writes small programs for the tests of connectors that run some."""

from __future__ import annotations

import sys
from pathlib import Path


def program(file: Path, code: str) -> str:
    """Write an executable Python program; return its path."""
    file.write_text(f"#!{sys.executable} -IS\n{code}", "utf-8")
    file.chmod(0o755)
    return str(file)
