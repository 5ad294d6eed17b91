"""The command line: words, wiring, exit codes."""

from __future__ import annotations

from okr_sync.cli.program import main

__all__ = ["main"]
