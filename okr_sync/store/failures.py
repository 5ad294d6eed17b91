"""Turns what a database says into a `StoreError` with what to do next."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError, StatementError

from okr_sync.errors import StoreError

BUSY = "another process is writing; try again when it is done"
EXHAUSTED = "the server has no connection left; run fewer workers or raise its limit, then try again"
UNREACHABLE = (
    "the server can't be reached or was stopped, and nothing of this transaction was saved; start it or correct "
    "`store`, and the next run goes on from there"
)
ADVICE = (
    ("database is locked", BUSY),
    ("lock timeout", BUSY),
    ("too many clients", EXHAUSTED),
    ("connection slots", EXHAUSTED),
    ("too many connections", EXHAUSTED),
    ("queuepool limit", EXHAUSTED),
    ("password", "correct user and password in what `store` refers to"),
    ('role "', "correct user and password in what `store` refers to"),
    ("statement timeout", "the database is too slow or too busy; nothing of this transaction was saved"),
    ("refused", UNREACHABLE),
    ("no such file or directory", UNREACHABLE),
    ("resolve host", UNREACHABLE),
    ("timeout expired", UNREACHABLE),
    ("starting up", UNREACHABLE),
    ("shutting down", UNREACHABLE),
    ("recovery mode", UNREACHABLE),
    ("accepting connections", UNREACHABLE),
    ("terminating connection", UNREACHABLE),
    ("connection is lost", UNREACHABLE),
    ("connection is closed", UNREACHABLE),
    ("closed the connection", UNREACHABLE),
    ("no connection to the server", UNREACHABLE),
    ("could not receive data", UNREACHABLE),
    ("could not send data", UNREACHABLE),
    ("read-only transaction", "readers write nothing; for a writer, name the primary server, not a standby"),
    ("permission denied", "let this user create and change tables in the database"),
    ("no space left", "free some space; nothing of this transaction was saved"),
    ('database "', "create it, or correct `store`; okr-sync makes tables, never a database"),
    ("unable to open", "it is gone or may not be opened; check the path and its permissions, or restore a backup"),
    ("readonly", "let this user write to the file and its folder, on a disk that is mounted for writing"),
    ("was changed while", "do it again; on a disk that is mounted read-only a reader can lock nobody out"),
    ("disk is full", "free some space; nothing of this transaction was saved"),
    ("disk i/o error", "the disk failed; check it, then restore a backup if the store does not open"),
    ("not a database", "point `store` to a store that okr-sync wrote, or to a path where nothing is yet"),
    ("malformed", "the file is damaged; restore a backup"),
    ("no such table", "its schema is incomplete; restore a backup"),
    ('relation "', "its schema is incomplete; restore a backup"),
    ("constraint", "the value was refused and nothing of this transaction was saved; please report this"),
    ("finite number", "the value was refused and nothing of this transaction was saved; correct it at its source"),
)
"""What the database says, in small letters, and what a person can do about it."""


def store_error(error: SQLAlchemyError, name: str) -> StoreError:
    """Return the error to raise for `error`, which happened in the store `name`. Never shows statements or values."""
    said = _said(error)
    advice = (what for word, what in ADVICE if word in said.casefold())
    return StoreError(f"The store {name}: {said}. What to do: {next(advice, 'see the error and try again')}.")


def _said(error: SQLAlchemyError) -> str:
    """Return the first line of what the database said: PostgreSQL tells values in the others."""
    if isinstance(error, StatementError):
        return str(error.orig).strip().partition("\n")[0].rstrip(".") if error.orig else type(error).__name__
    return str(error).partition("\n")[0].partition(" (Background")[0].rstrip(".")
