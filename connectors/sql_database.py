"""Databases as the `sql` connector needs them: made to only read, stopped in time, their errors understood."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

import sqlalchemy
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from okr_sync import connector as api

DRIVERS = {"mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql", "postgres": "postgresql+psycopg"}
EXTRAS = {
    "postgresql": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "snowflake": "snowflake",
    "bigquery": "bigquery",
}
_SECRET = frozenset(
    {"access_token", "passwd", "password", "private_key", "private_key_passphrase", "sslpassword", "token"}
)
_STEPS = 10_000  # of SQLite's machine between two looks at the clock
_DENIED = re.compile(
    r"authentication failed|no password|access denied|does not exist|unknown database|unable to open|not permitted|"
    r"incorrect username|no pg_hba",
    re.IGNORECASE,
)
_SLOW = re.compile(
    r"statement timeout|interrupted|max_statement_time|maximum statement execution|timed out", re.IGNORECASE
)
_BROKEN = re.compile(r"not a database|malformed")
_FORBIDDEN = re.compile(r"permission denied|command denied|access denied|insufficient privilege", re.IGNORECASE)
_ABSENT = re.compile(r"does not exist|no such|doesn't exist|unknown column", re.IGNORECASE)


def parse_url(text: str) -> URL:
    """Return the URL with the driver that we use where it names none. Raises ValueError without repeating the text."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("expected a database URL like postgresql://okr@db.example.com/sales") from None
    return url.set(drivername=DRIVERS.get(url.drivername, url.drivername))


@dataclass(frozen=True, slots=True)
class Limits:
    """What one statement may take, and the IANA name of the zone in which the database tells times without one."""

    seconds: float
    rows: int
    timezone: str


def place_of(url: URL) -> str:
    """Return the address without password and options."""
    who = f"{url.username}@" if url.username else ""
    return f"{url.get_backend_name()}://{who}{url.host or ''}{f':{url.port}' if url.port else ''}/{url.database or ''}"


def secrets_of(url: URL) -> tuple[str, ...]:
    """Return the password, and options that are as good as one."""
    options = (value for key, value in url.query.items() if key.casefold() in _SECRET)
    return tuple(text for text in (str(url.password or ""), *map(str, options)) if text)


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


def explain_refusal(error: DBAPIError, url: URL) -> api.SourceError:
    """Return what a failed connection means."""
    place, said = place_of(url), hide(error, url)
    if _DENIED.search(said):
        return api.AccessError(
            f"{place} lets us not in: {said}", fix="correct `url`, the user or `password` of this source"
        )
    return api.TransientError(
        f"{place} can't be reached: {said}", fix="check that the database runs and can be reached"
    )


def explain_failure(error: DBAPIError, url: URL, seconds: float) -> api.Miss:
    """Return what a failed statement means. Raises SourceError when the connection was lost, or the file is broken."""
    place, said = place_of(url), hide(error, url)
    if error.connection_invalidated:
        raise api.TransientError(
            f"the connection to {place} was lost: {said}", fix="it is tried again at the next run"
        ) from None
    if _BROKEN.search(said):
        raise api.ProtocolError(f"{place} is no database: {said}", fix="restore it, or correct `url`") from None
    if _SLOW.search(said):
        return api.Miss("unreachable", f"took longer than {seconds:g} s ({said}); ask for less, or raise `timeout`")
    if _FORBIDDEN.search(said):
        return api.Miss("denied", f"{said}; grant SELECT on it to {url.username}")
    if _ABSENT.search(said):
        return api.Miss("not_found", f"{said}; correct the statement")
    return api.Miss("invalid", f"{said}; correct the statement")


def hide(error: DBAPIError, url: URL) -> str:
    """Return the first line of the driver's own words, without the password that drivers like to quote."""
    text = next(iter(str(error.orig).strip().splitlines()), type(error.orig).__name__)
    for secret in secrets_of(url):
        for form in {secret, quote(secret, safe=""), quote_plus(secret)}:
            text = text.replace(form, "***")
    return text


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
