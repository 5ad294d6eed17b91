"""Databases as the `sql` connector needs them: made to only read, stopped in time, their errors understood."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import sqlalchemy
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from connectors.sql_address import place_of
from connectors.sql_failures import explain_refusal
from okr_sync import connector as api

EXTRAS = {
    "postgresql": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "snowflake": "snowflake",
    "bigquery": "bigquery",
}
_STEPS = 10_000  # of SQLite's machine between two looks at the clock


@dataclass(frozen=True, slots=True)
class Limits:
    """What one statement may take, and the IANA name of the zone in which the database tells times without one."""

    seconds: float
    rows: int
    timezone: str


def open_engine(url: URL, limits: Limits) -> Engine:
    """Return an engine whose connections only read, within limits. Raises SourceError when there is no driver."""
    backend = url.get_backend_name()
    try:
        engine = sqlalchemy.create_engine(
            _without_writing(url),
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"connect_timeout": max(2, round(limits.seconds))}
            if backend in {"postgresql", "mysql", "mariadb"}
            else {},
            execution_options={"postgresql_readonly": True} if backend == "postgresql" else {},
        )
    except (ImportError, NoSuchModuleError) as error:
        extra = EXTRAS.get(backend)
        fix = f'pip install "okr-sync[{extra}]"' if extra else f"install the SQLAlchemy dialect for {backend}"
        raise api.SourceError(f"the driver of {url.drivername} is not installed", fix=fix) from error
    except ArgumentError:
        said = f"the driver can't use the address {place_of(url)}"
        raise api.AccessError(said, fix="see the page of this kind for the addresses of each database") from None

    @sqlalchemy.event.listens_for(engine, "connect")
    def _on_connect(raw: Any, _record: object) -> None:
        if statements := _session(backend, raw, limits):
            cursor = raw.cursor()
            for statement in statements:
                cursor.execute(statement)
            cursor.close()
            raw.commit()

    return engine


def connect(engine: Engine, url: URL) -> Connection:
    """Return a connection. Raises AccessError or TransientError when there is none."""
    try:
        return engine.connect()
    except DBAPIError as error:
        raise explain_refusal(error, url) from None


def limit_rows(statement: str, backend: str, rows: int) -> str:
    """Return the statement as it is to be sent, so that PostgreSQL too returns no more than one row too many."""
    return f"SELECT * FROM (\n{statement}\n) AS asked LIMIT {rows + 1}" if backend == "postgresql" else statement  # noqa: S608


def limit_time(connection: Connection, seconds: float) -> None:
    """Let SQLite stop a statement after `seconds` from now; servers do so themselves."""
    if connection.dialect.name == "sqlite":
        until = time.monotonic() + seconds
        raw: Any = connection.connection.dbapi_connection
        raw.set_progress_handler(lambda: time.monotonic() > until, _STEPS)


def _without_writing(url: URL) -> URL:
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        return url.set(database=f"file:{quote(url.database)}", query={**url.query, "mode": "ro", "uri": "true"})
    return url


def _session(backend: str, raw: Any, limits: Limits) -> list[str]:
    """Return the statements that make a new connection safe."""
    seconds, rows = limits.seconds, limits.rows + 1
    match backend:
        case "sqlite":
            return ["PRAGMA query_only = ON"]
        case "postgresql":
            reading, zone = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", f"TIME ZONE '{limits.timezone}'"
            return [reading, f"SET SESSION {zone}", f"SET SESSION statement_timeout = {round(seconds * 1000)}"]
        case "mysql" | "mariadb":
            mariadb = "mariadb" in raw.get_server_info().lower()
            stop = f"max_statement_time = {seconds}" if mariadb else f"max_execution_time = {round(seconds * 1000)}"
            said = [stop, f"sql_select_limit = {rows}", "time_zone = '+00:00'", "TRANSACTION READ ONLY"]
            return [f"SET SESSION {each}" for each in said]
        case "snowflake":
            stop = f"STATEMENT_TIMEOUT_IN_SECONDS = {math.ceil(seconds)}"
            return [f"ALTER SESSION SET {stop}, ROWS_PER_RESULTSET = {rows}"]
        case _:
            return []
