"""Many rows in one statement of PostgreSQL: each column goes over as one array, in the binary form of the protocol.

A statement a row costs the server twice as much and this process five times as much. As text, arrays would cost more
still: each of their texts is escaped by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table

MOST = 10_000  # rows in one statement, so that the copies of long texts stay small


def insert(connection: Connection, table: Table, columns: Mapping[str, Sequence[Any]]) -> None:
    """Insert rows told as the values of each column, as the driver takes them, in their order."""
    names = ", ".join(_quoted(connection, name) for name in columns)
    statement = (
        f"INSERT INTO {_quoted(connection, table.name)} ({names}) SELECT * FROM {_unnested(connection, table, columns)}"  # noqa: S608 -- our own names
    )
    for some in _some(columns):
        connection.exec_driver_sql(statement, some)


def change(connection: Connection, table: Table, columns: Mapping[str, Sequence[Any]], key: Collection[str]) -> None:
    """Change the rows that the columns of `key` name, each once, to what the others say."""
    quoted = {name: _quoted(connection, name) for name in columns}
    said = ", ".join(f"{each} = told.{each}" for name, each in quoted.items() if name not in key)
    found = " AND ".join(f"kept.{quoted[name]} = told.{quoted[name]}" for name in key)
    told = f"{_unnested(connection, table, columns)} AS told ({', '.join(quoted.values())})"
    statement = f"UPDATE {_quoted(connection, table.name)} AS kept SET {said} FROM {told} WHERE {found}"  # noqa: S608 -- our own names
    for some in _some(columns):
        connection.exec_driver_sql(statement, some)


def _unnested(connection: Connection, table: Table, names: Collection[str]) -> str:
    types = [table.c[name].type.compile(connection.dialect) for name in names]
    return f"unnest({', '.join(f'%b::{type_}[]' for type_ in types)})"


def _some(columns: Mapping[str, Sequence[Any]]) -> Iterator[tuple[list[Any], ...]]:
    number = len(next(iter(columns.values())))
    for begin in range(0, number, MOST):
        yield tuple(list(values[begin : begin + MOST]) for values in columns.values())


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)
