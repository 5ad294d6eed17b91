"""Turns what a database says into a `StoreError` with what to do next."""

from __future__ import annotations

from sqlalchemy.exc import StatementError

from okr_sync.errors import StoreError

ADVICE = (
    ("database is locked", "another process is writing; try again when it is done"),
    ("unable to open", "it is gone or may not be opened; check the path and its permissions, or restore a backup"),
    ("readonly", "the file may not be written; give this user write permission to it and its folder"),
    ("disk is full", "free some space; nothing of this transaction was saved"),
    ("disk i/o error", "the disk failed; check it, then restore a backup if the store does not open"),
    ("not a database", "point `store` to a store that okr-sync wrote, or to a path where nothing is yet"),
    ("malformed", "the file is damaged; restore a backup"),
    ("no such table", "its schema is incomplete; restore a backup"),
    ("constraint", "the value was refused and nothing of this transaction was saved; please report this"),
    ("finite number", "the value was refused and nothing of this transaction was saved; correct it at its source"),
)
"""What the database says, in small letters, and what a person can do about it."""


def store_error(error: StatementError, name: str) -> StoreError:
    """Return the error to raise for `error`, which happened in the store `name`. Never shows statements or values."""
    said = str(error.orig) if error.orig else type(error).__name__
    advice = (what for word, what in ADVICE if word in said.casefold())
    return StoreError(f"The store {name}: {said}. What to do: {next(advice, 'see the error and try again')}.")
