"""Exit codes, one meaning each."""

from __future__ import annotations

from okr_sync.errors import BusyError, ConfigError, OkrSyncError, SourceError, StoreError, UsageError

DONE = 0
BUG = 1
BROKEN_CONFIG = 2  # the config or the words of the command
SOURCE_FAILED = 3  # done, but some source failed
FAILED = 4
ALREADY_RUNNING = 5
INTERRUPTED = 130  # by Ctrl-C, as shells say it

_BY_ERROR: tuple[tuple[type[OkrSyncError], int], ...] = (
    (ConfigError, BROKEN_CONFIG),
    (UsageError, BROKEN_CONFIG),
    (StoreError, FAILED),
    (BusyError, ALREADY_RUNNING),
    (SourceError, FAILED),
)

BY_OUTCOME = {"ok": DONE, "partial": SOURCE_FAILED, "failed": FAILED}
"""Outcome of a run → exit code."""


def exit_code(error: OkrSyncError) -> int:
    """Return the exit code of an error that ended a command."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), FAILED)
