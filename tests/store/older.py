"""Stores as earlier versions of the program left them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import command
from sqlalchemy import Connection, MetaData, NullPool, Table, create_engine

from okr_sync.store import schema
from tests.store.builders import HOUR, NOW

RUN = {"trigger": "once", "owner": "host:1", "outcome": "ok", "started": NOW, "lease_until": NOW + HOUR}


class Older:
    """A store of an earlier schema, written to without the program."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def insert(self, table: str, **row: Any) -> None:
        """Insert one row into a table as it was then."""
        known = Table(table, MetaData(), autoload_with=self.connection)
        self.connection.execute(known.insert().values(row))


@contextmanager
def at_revision(url: str, revision: str) -> Iterator[Older]:
    """Bring the empty database at `url` to a revision, and give it to be filled."""
    with create_engine(url, poolclass=NullPool).begin() as connection:
        config = schema.alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        yield Older(connection)
