"""Reads metrics from databases: each distinct statement runs once, in a transaction that can only read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, SecretStr, ValidationInfo, model_validator
from sqlalchemy import text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError

from connectors import sql_database as database
from connectors.sql_rows import Table, read_rows
from okr_sync import connector as api

PARAMETERS = frozenset({"start", "end", "now"})
_SILENT = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_READS = re.compile(r"[\s(]*(select|with|values|table)\b", re.IGNORECASE)


def _check_statement(sql: str) -> str:
    bare = _SILENT.sub(lambda found: ("x" if found[0][0] in "'\"" else " ") * len(found[0]), sql).rstrip()
    if bare.endswith(";"):
        bare, sql = bare[:-1], sql[: len(bare) - 1]
    if not _READS.match(bare) or ";" in bare:
        raise ValueError("expected one SELECT (or WITH … SELECT)")
    if unknown := set(text(sql).compile().params) - PARAMETERS:
        raise ValueError(f"unknown parameter :{min(unknown)}; there are :start, :end and :now; write \\: for a colon")
    return sql


def _check_url(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, str):
        return value
    url = database.parse_url(value)
    if database.secrets_of(url) and not isinstance(value, api.Referenced):
        raise ValueError("a password may not stand in a file; write `password: ${NAME}`, or the whole url as ${NAME}")
    folder = (info.context or {}).get("folder")
    if url.get_backend_name() == "sqlite" and url.database and folder is not None:
        url = url.set(database=str(Path(folder) / url.database))
    return SecretStr(url.render_as_string(hide_password=False))


Statement = Annotated[str, AfterValidator(_check_statement)]


class SqlSettings(api.Settings):
    """Which database, as whom, and how much a statement may ask of it."""

    url: Annotated[SecretStr, BeforeValidator(_check_url)] = Field(description="as SQLAlchemy has it; without password")
    password: api.Secret | None = Field(None, description="of the user in the url")
    timeout: float = Field(30, gt=0, le=3600, description="seconds for one statement")
    rows: int = Field(10_000, ge=1, le=1_000_000, description="that one statement may return")
    timezone: ZoneInfo = Field(ZoneInfo("UTC"), description="of dates and times that name none")
    statements: dict[str, Statement] = Field(default_factory=dict, description="name: SELECT that many metrics share")

    def address(self) -> URL:
        """Return the URL with the password in it."""
        url = database.parse_url(self.url.get_secret_value())
        return url if self.password is None else url.set(password=self.password.get_secret_value())


class SqlQuery(api.Query):
    """One number: a statement, and which of its rows are meant."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["sql"]}, {"required": ["statement"]}]})

    sql: Statement | None = Field(None, description="a SELECT; it may use :start, :end and :now")
    statement: str | None = Field(None, description="instead of sql: the name of one of the source's statements")
    ref: str | None = Field(None, description="only rows whose column `ref` is this")

    @model_validator(mode="after")
    def _one_statement(self) -> Self:
        if (self.sql is None) == (self.statement is None):
            raise ValueError("give exactly one of sql and statement")
        return self


class Sql(api.MetricSource):
    """A metric source over a database: statements that many metrics share run once, all on one connection."""

    kind = "sql"
    summary = "Numbers from databases: SQLite, PostgreSQL, MySQL, MariaDB, Snowflake, BigQuery"
    Settings = SqlSettings
    Query = SqlQuery
    HISTORY = True
    permissions = "The account needs SELECT on what the statements read, and nothing else."
    example = """\
sources: {shop: {kind: sql, url: "postgresql://okr@db.example.com/shop", password: "${SHOP_PASSWORD}"}}
metrics: {users: {source: shop, sql: "SELECT count(*) FROM users"}}
"""

    def probe(self) -> str:
        """Return who we are where. Raises SourceError when the database lets us not in."""
        url = self.settings.address()
        with self._connected(url):
            return f"connected to {database.place_of(url)}"

    def read(self, ask: api.Ask[Any]) -> api.Answer:
        """Return one outcome for every ref. Raises SourceError when there is no connection, or it breaks."""
        asked = {ref: query.sql or self.settings.statements.get(query.statement) for ref, query in ask.queries.items()}
        found: dict[str, Table | api.Miss] = {}
        if statements := list(dict.fromkeys(filter(None, asked.values()))):
            url = self.settings.address()
            with self._connected(url) as connection:
                for each in statements:
                    found[each] = self.caller.call(partial(self._run, connection, each, ask, url))
        return {ref: self._answer(query, found.get(asked[ref] or ""), ask) for ref, query in ask.queries.items()}

    @contextmanager
    def _connected(self, url: URL) -> Iterator[Connection]:
        limits = database.Limits(self.settings.timeout, self.settings.rows, self.settings.timezone.key)
        engine = database.open_engine(url, limits)
        try:
            connection = self.caller.call(lambda: database.connect(engine, url))
            with connection:
                yield connection
        finally:
            engine.dispose()

    def _run(self, connection: Connection, statement: str, ask: api.Ask[Any], url: URL) -> Table | api.Miss:
        limits = self.settings
        clause = text(database.limit_rows(statement, url.get_backend_name(), limits.rows))
        names = clause.compile().params
        bound = {name: self._bound(ask.start if name == "start" else ask.now, connection) for name in names}
        try:
            with connection.begin():
                database.limit_time(connection, limits.timeout)
                result = connection.execute(clause, bound)
                table = Table(tuple(map(str.casefold, result.keys())), result.fetchmany(limits.rows + 1))
                result.close()
        except DBAPIError as error:
            return database.explain_failure(error, url, limits.timeout)
        if len(table.rows) > limits.rows:
            return api.Miss("invalid", f"more than {limits.rows:,} rows; aggregate in the statement, or raise `rows`")
        return table

    def _bound(self, instant: datetime, connection: Connection) -> datetime | str:
        local = instant.astimezone(self.settings.timezone)
        match connection.dialect.name:
            case "sqlite":
                return f"{local:%Y-%m-%d %H:%M:%S}"
            case "mysql" | "mariadb":
                return local.replace(tzinfo=None)
            case _:
                return instant

    def _answer(self, query: SqlQuery, table: Table | api.Miss | None, ask: api.Ask[Any]) -> api.Outcome:
        if table is None:
            near = get_close_matches(query.statement or "", self.settings.statements, 1) or self.settings.statements
            return api.Miss("not_found", f"no statement {query.statement!r}; there is: {', '.join(near) or 'none'}")
        if isinstance(table, api.Miss):
            return table
        return read_rows(table, query.ref, ask, self.settings.timezone)
