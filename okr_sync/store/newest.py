"""Makes the schema of a new store at once, as all revisions one after the other would leave it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from okr_sync.store.schema import MIGRATIONS, revisions, upgrade

__all__ = ["file_of", "fill"]

BETWEEN = ";\n\n"


def file_of(revision: str, database: str, folder: str = MIGRATIONS) -> Path:
    """Return the file with the statements that make that revision on `sqlite` or `postgresql`; it may not be there."""
    return Path(folder, "newest", f"{revision}.{database}.sql")


def fill(connection: Connection, folder: str = MIGRATIONS) -> tuple[str, ...]:
    """Give an empty database the newest schema inside the connection's transaction; return its revisions, oldest first.

    Walking through all revisions takes thirty times as long, and loads Alembic: so it does where nobody wrote down yet
    what they lead to.
    """
    known = revisions(folder)
    file = file_of(known[-1], connection.dialect.name, folder)
    if not file.exists():
        return upgrade(connection)
    plain = connection.execution_options(no_parameters=True)
    for statement in file.read_text("utf-8").split(BETWEEN):
        plain.exec_driver_sql(statement)
    return known
