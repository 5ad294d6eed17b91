"""Every error this program raises on purpose, by what to do next.

OkrSyncError
 ├── ConfigError      fix the files: carries every mistake with file:line:column        exit 2
 ├── UsageError       type it differently: an unknown id, a bad option                  exit 2
 ├── StoreError       repair the store: unwritable, missing, from a newer version       exit 4
 ├── BusyError        wait: another run holds the lease                                 exit 5
 └── SourceError      one source failed; the others go on                               exit 3
      ├── TransientError   retry, after `retry_after` seconds if given
      ├── AccessError      fix the credential or the permission; never retried
      │    └── UnauthorizedError   the credential itself is refused: nothing more is sent, then one probe an hour
      ├── BudgetError      raise the budget of the source, or map less to it
      └── ProtocolError    the answer is not what the contract says; never retried
"""

from __future__ import annotations

from dataclasses import dataclass


class OkrSyncError(Exception):
    """Base of all; its text says what happened, where, and what to do next."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake in a user's file; `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class ConfigError(OkrSyncError):
    """The files are wrong; `mistakes` holds all of them, in file order."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes


class UsageError(OkrSyncError):
    """The command names something that is not there, or in a way that can't be read."""


class StoreError(OkrSyncError):
    """The store can't be opened, read or written."""


class BusyError(OkrSyncError):
    """Another run is under way."""


class SourceError(OkrSyncError):
    """A whole source failed. `fix` says what a person can do about it."""

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


class TransientError(SourceError):
    """It may work later: time-outs, 429, 5xx. `retry_after` is the server's own wish in seconds."""

    def __init__(self, message: str, *, fix: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, fix=fix)
        self.retry_after = retry_after


class AccessError(SourceError):
    """The credential or a permission is wrong; asking again can't help."""


class UnauthorizedError(AccessError):
    """The credential is not, or no longer, accepted: status 401, or a CAPTCHA that must be answered first."""


class BudgetError(SourceError):
    """The source was sent as many requests in this run as it may be sent."""


class ProtocolError(SourceError):
    """The other side answered something that its contract does not allow."""
