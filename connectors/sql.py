"""Reads metrics from databases: each distinct statement runs once, in a transaction that can only read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError

from connectors import sql_database as database
from connectors.sql_address import place_of
from connectors.sql_failures import explain_failure
from connectors.sql_rows import Table, read_rows
from connectors.sql_settings import SqlQuery, SqlSettings
from okr_sync import connector as api


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
            return f"connected to {place_of(url)}"

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
            return explain_failure(error, url, limits.timeout)
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
