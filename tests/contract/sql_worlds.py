"""The same survey in a SQLite file, in PostgreSQL and in MariaDB, for the tests of `sql`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.sql import Sql
from okr_sync.connector import AccessError, Caller, ProtocolError, Referenced
from okr_sync.testing.metrics import BadQuestion, Breakage, MetricWorld
from tests.servers.mariadb import MariaDb
from tests.servers.postgres import GUARDED, Postgres

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
PASSWORD = "s3cret/p@ss"

ROWS = [
    ("2026-09-30 00:00:00", "eu", "30"), ("2026-10-01 00:00:00", "eu", "31"), ("2026-10-01 00:00:00", "us", "41"),
    ("2026-11-01 00:00:00", "eu", "33.5"), ("2026-11-01 00:00:00", "us", "NULL"), ("2026-12-01 00:00:00", "eu", "99"),
]  # fmt: skip
SERIES = "SELECT asked AS time, nps FROM survey WHERE region = 'eu' AND asked BETWEEN :start AND :end"
REGIONS = "SELECT region AS ref, max(nps) AS value FROM survey WHERE asked >= :start AND asked <= :now GROUP BY region"


@dataclass(frozen=True, slots=True)
class Database:
    """A database of a test: the settings that reach it, and a way to run statements as its owner."""

    name: str
    settings: Mapping[str, Any]
    execute: Callable[[str], None]


def fill(database: Database) -> Database:
    """Create the survey."""
    kind = "TEXT" if database.name == "sqlite" else "TIMESTAMP" if database.name == "postgres" else "DATETIME"
    database.execute(f"CREATE TABLE survey (asked {kind}, region VARCHAR(9), nps DECIMAL(9, 2))")
    for asked, region, nps in ROWS:
        database.execute(f"INSERT INTO survey VALUES ('{asked}', '{region}', {nps})")  # noqa: S608
    return database


def sqlite(folder: Path) -> Database:
    """Return a new database in a file."""
    file = folder / "sales.db"

    def execute(statement: str) -> None:
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute(statement)

    return fill(Database("sqlite", {"url": f"sqlite:///{file}"}, execute))


@contextmanager
def postgres_database(server: Postgres) -> Iterator[Database]:
    """Yield a new database in PostgreSQL, reached by its owner."""
    with server.fresh() as name:
        yield fill(
            Database("postgres", {"url": server.url(name)}, lambda statement: server.execute(statement, database=name))
        )


@contextmanager
def mariadb_database(server: MariaDb) -> Iterator[Database]:
    """Yield a new database in MariaDB, reached by root."""
    server.execute("CREATE DATABASE sales")
    try:
        yield fill(
            Database("mariadb", {"url": server.url(database="sales")}, lambda each: server.execute("USE sales", each))
        )
    finally:
        server.execute("DROP DATABASE sales")


class SqlWorld(MetricWorld):
    """The survey, asked by two metrics with statements of their own and two that share one."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.newest = 33.5
        bad = {
            "typo": BadQuestion({"sql": "SELECT nsp FROM survey"}, "correct the statement"),
            "table": BadQuestion({"sql": "SELECT nps FROM surveys"}, "surveys"),
            "rows": BadQuestion({"sql": "SELECT nps FROM survey WHERE nps > 0"}, "5 rows where one value belongs"),
            "text": BadQuestion({"sql": "SELECT 'many'"}, "'many' is no number; CAST it"),
            "nothing": BadQuestion({"sql": "SELECT nps FROM survey WHERE region = 'mars'"}, "returned no value"),
            "region": BadQuestion({"statement": "regions", "ref": "usa"}, "there is: us"),
            "name": BadQuestion({"statement": "region"}, "there is: regions"),
        }
        moments = {"series": {START: 31.0, datetime(2026, 11, 1, tzinfo=UTC): 33.5}}
        super().__init__(START, NOW, requests=4, bad=bad, moments=moments)
        if database.name == "sqlite":
            self.breakages = {
                "no database": Breakage(self._spoil, ProtocolError, "no database"),
                "gone": Breakage(self.file.unlink, AccessError, "sales.db"),
            }

    @property
    def file(self) -> Path:
        """SQLite's file."""
        return Path(self.database.settings["url"].removeprefix("sqlite:///"))

    def _spoil(self) -> None:
        self.file.write_text("hello" * 200)

    def guard(self, create: str, change: str) -> None:
        """Let the connector come as the user who needs a password."""
        self.database.execute(create)
        self.secrets = (PASSWORD,)
        self.breakages = {"wrong password": Breakage(lambda: self.database.execute(change), AccessError, GUARDED)}

    def connect(self, caller: Caller) -> Sql:
        """Return a connector."""
        return Sql(Sql.Settings.model_validate(self.settings()), caller)

    def settings(self) -> Mapping[str, Any]:
        """Return the address, and the statement that two metrics share."""
        shared = {"statements": {"regions": REGIONS}, **self.database.settings}
        if not self.secrets:
            return shared
        url = str(shared["url"]).replace("okr@", f"{GUARDED}@").replace("root@", f"{GUARDED}@")
        return {**shared, "url": url, "password": Referenced(PASSWORD)}

    def questions(self) -> Mapping[str, Mapping[str, Any]]:
        """Return dated rows, one value, and two rows of one statement."""
        return {
            "series": {"sql": SERIES},
            "count": {"sql": "SELECT count(*) FROM survey WHERE asked BETWEEN :start AND :now"},
            "eu": {"statement": "regions", "ref": "eu"},
            "us": {"statement": "regions", "ref": "us"},
        }

    def truth(self, ref: str) -> tuple[float, ...]:
        """Return the values by hand."""
        return {"series": (31.0, self.newest), "count": (4.0,), "eu": (self.newest,), "us": (41.0,)}[ref]

    def change(self, ref: str) -> None:
        """Correct the last value of the survey."""
        self.newest = 35.0
        self.database.execute("UPDATE survey SET nps = 35 WHERE nps = 33.5")
