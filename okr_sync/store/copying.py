"""Copies all rows of one store into another, between databases too; both have the newest schema."""

from __future__ import annotations

from itertools import islice
from typing import Any

from sqlalchemy import Integer, false, func, select
from sqlmodel import Session

from okr_sync.store.tables import DefinitionRow, Run, Table, sql

BATCH = 2_000  # rows that are in memory at once


def rows(session: Session) -> int:
    """Return the number of rows in all tables."""
    counts = [select(func.count()).select_from(table) for table in Table.metadata.sorted_tables]
    return sum(session.connection().execute(count).scalar_one() for count in counts)


def holds_anything(session: Session) -> bool:
    """Return whether anything was ever written to the store, of whatever version: all begins with a run."""
    firsts = (select(table.c.id).limit(1) for table in (sql(Run), sql(DefinitionRow)))
    return any(session.connection().execute(first).first() is not None for first in firsts)


def clear(session: Session) -> None:
    """Delete all rows."""
    for table in reversed(Table.metadata.sorted_tables):
        session.connection().execute(table.delete())


def copy(reader: Session, writer: Session) -> int:
    """Insert every row that `reader` sees through `writer`; return how many."""
    copied = 0
    for table in Table.metadata.sorted_tables:
        found = reader.connection().execute(select(table), execution_options={"yield_per": BATCH}).mappings()
        while batch := [dict(row) for row in islice(found, BATCH)]:
            writer.connection().execute(table.insert(), batch)
            copied += len(batch)
    return copied


def count_on(session: Session) -> None:
    """Let counted keys go on behind the rows that were copied with theirs; SQLite does so by itself."""
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        return
    for table in Table.metadata.sorted_tables:
        key: list[Any] = list(table.primary_key)
        if len(key) == 1 and isinstance(key[0].type, Integer) and not key[0].foreign_keys:
            sequence = func.pg_get_serial_sequence(table.name, key[0].name)
            following = func.coalesce(func.max(key[0]), 0) + 1
            connection.execute(select(func.setval(sequence, following, false())).select_from(table))
