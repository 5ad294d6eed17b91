"""A house whose store is a database on a server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import make_url

from okr_sync.store.postgres import connection_words
from tests.bar.house import House


@dataclass
class PostgresHouse(House):
    """A folder with the config, and the address of an empty database."""

    address: str

    @property
    def url(self) -> str:
        """The address of the store."""
        return self.address

    def damage(self) -> list[tuple[Any, ...]]:
        """Return nothing: the server checks its pages and references by itself."""
        return []

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what the store holds, instants as text in UTC; nothing while there is none, or no server."""
        try:
            with psycopg.connect(**connection_words(make_url(self.address))) as connection:
                connection.execute("SET TIME ZONE 'UTC'")
                found = connection.execute(query.encode()).fetchall()
        except (psycopg.OperationalError, psycopg.errors.UndefinedTable):
            return []
        return [tuple(str(each) if isinstance(each, datetime) else each for each in row) for row in found]

    def _words(self, words: tuple[str, ...]) -> list[str]:
        return [*super()._words(words), "--store", self.address]
