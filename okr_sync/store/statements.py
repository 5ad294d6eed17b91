"""The few shapes of statements that the store sends: read rows, insert many, change many by key, put one."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    String,
    Table,
    any_,
    bindparam,
    func,
    select,
)
from sqlalchemy import and_ as every
from sqlalchemy.exc import StatementError
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlalchemy.types import TypeEngine
from sqlmodel import Session
from sqlmodel.sql.sqltypes import UTCDateTime

from okr_sync.store import arrays

T = TypeVar("T")
Row: TypeAlias = Mapping[str, Any]
"""Column → value."""
NOTHING: Row = MappingProxyType({})
CHUNK = 500  # values in one IN (…): far below the limits of SQLite (32,766) and PostgreSQL (65,535)
_TO_MICROSECONDS = len("2026-10-05 09:00:00.000000")


def fetch(session: Session, statement: Executable) -> list[dict[str, Any]]:
    """Return all rows of `statement`."""
    result = session.connection().execute(statement)
    names = tuple(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result.all()]


def fetch_plain(session: Session, statement: Executable) -> Sequence[Sequence[Any]]:
    """Return all rows of `statement`, each as its values in the order of the columns."""
    return session.connection().execute(statement).all()


def fetch_one(session: Session, statement: Executable) -> dict[str, Any] | None:
    """Return the first row of `statement`, or None."""
    row = session.connection().execute(statement).mappings().first()
    return None if row is None else dict(row)


def insert_one(session: Session, table: Table, row: Row) -> int:
    """Insert a row into a table with a counted key; return the key."""
    key: Any = session.connection().execute(table.insert().values(_storable(row))).inserted_primary_key
    return int(key[0])


def insert_all(session: Session, table: Table, rows: Sequence[Row]) -> int:
    """Insert `rows` (same columns in each); return how many."""
    if not rows:
        return 0
    return insert_columns(session, table, {name: [row[name] for row in rows] for name in rows[0]})


def insert_columns(session: Session, table: Table, columns: Mapping[str, Sequence[Any]]) -> int:
    """Insert rows told as the values of each column, equally many (at least one); return how many.

    Values are made ready a column at a time: row by row that takes longer than storing them.
    """
    connection = session.connection()
    number = len(next(iter(columns.values())))
    columns = {**{name: [value] * number for name, value in _defaults(table).items()}, **columns}
    ready = _all_ready(connection.dialect, table, columns)
    if _goes_at_once(connection, number):
        arrays.insert(connection, table, ready)
        return number
    statement = table.insert().inline().compile(dialect=connection.dialect, column_keys=list(columns))
    names = statement.positiontup
    rows: list[Any]
    if names is None:
        rows = [dict(zip(ready, values, strict=True)) for values in zip(*ready.values(), strict=True)]
    else:
        rows = list(zip(*(ready[name] for name in names), strict=True))
    connection.exec_driver_sql(str(statement), rows)
    return number


def change_all(session: Session, table: Table, rows: Sequence[Row], key: tuple[str, ...]) -> int:
    """Change the rows that `key` names, each once, to what `rows` say (same columns in each); return how many."""
    connection = session.connection()
    if _goes_at_once(connection, len(rows)):
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        arrays.change(connection, table, _all_ready(connection.dialect, table, columns), key)
    elif rows:
        found = every(*(table.c[name] == bindparam(f"key_{name}") for name in key))
        changed: dict[str, Any] = {name: bindparam(f"new_{name}") for name in rows[0] if name not in key}
        connection.execute(table.update().where(found).values(changed), [_bound(row, key) for row in rows])
    return len(rows)


def put_one(session: Session, table: Table, row: Row, key: tuple[str, ...], *, first: Row = NOTHING) -> bool:
    """Insert `row` if `key` names no row yet, else change that row where it says anything else; return whether it did.

    `first` is what a new row says besides; it changes none that is there.
    """
    said = select(*(table.c[name] for name in row)).where(*(table.c[name] == row[name] for name in key))
    known = fetch_one(session, said)
    if known is None:
        return insert_all(session, table, [{**first, **row}]) == 1
    return differ(known, _storable(row)) and change_all(session, table, [row], key) == 1


def differ(known: Row, row: Row) -> bool:
    """Return whether `row` says anything else than `known` does."""
    return any(known[name] != value for name, value in row.items())


def _bound(row: Row, key: tuple[str, ...]) -> dict[str, Any]:
    return {(f"key_{name}" if name in key else f"new_{name}"): value for name, value in _storable(row).items()}


def _storable(row: Row) -> Row:
    # JSON may escape half a surrogate pair or a NUL; no database, or not each, takes them, and one title must not
    # stop a whole source.
    return {name: _text(value) if isinstance(value, str) else value for name, value in row.items()}


@functools.cache
def _defaults(table: Table) -> dict[str, Any]:
    return {each.name: each.default.arg for each in table.c if isinstance(each.default, ScalarElementColumnDefault)}


def _goes_at_once(connection: Connection, number: int) -> bool:
    return number > 1 and connection.dialect.name == "postgresql"


def _all_ready(dialect: Dialect, table: Table, columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    return {name: _ready(values, _way(table.c[name].type, dialect)) for name, values in columns.items()}


def _way(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """Return what makes a value ready for the driver; None: it takes values of this kind as they are."""
    if isinstance(kind, UTCDateTime) and dialect.name == "sqlite":
        return written
    return kind.dialect_impl(dialect).bind_processor(dialect)


def written(instant: datetime | None) -> str | None:
    """Return an instant as SQLAlchemy writes it into SQLite, in a fifth of the time: three instants an item add up.

    Raises ValueError for one without a zone.
    """
    if instant is None:
        return None
    if instant.utcoffset() is None:
        raise ValueError(f"{instant} has no zone")
    return instant.astimezone(UTC).isoformat(" ", "microseconds")[:_TO_MICROSECONDS]


def _ready(values: Sequence[Any], process: Callable[[Any], Any] | None) -> Sequence[Any]:
    """Return the values of a column as the driver takes them. Raises StatementError for one that can't be stored."""
    try:
        whole = "".join(values)
    except TypeError:  # not all of them are texts
        whole = "".join([value for value in values if isinstance(value, str)])
    if "\0" in whole or not whole.isascii():
        values = [_text(value) if isinstance(value, str) else value for value in values]
    if process is None:
        return values
    try:
        if all(value is values[0] for value in values):
            return [process(values[0])] * len(values)
        return [process(value) for value in values]
    except (TypeError, ValueError) as error:
        raise StatementError(str(error), None, None, error) from error


def _text(value: str) -> str:
    whole = value.replace("\0", "\ufffd") if "\0" in value else value
    return whole if whole.isascii() else whole.encode(errors="replace").decode()


def among(session: Session, column: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a column of texts holds one of `values`, which are sent as one: SQLAlchemy takes longer
    for hundreds of parameters than the database for the rows.
    """
    if session.connection().dialect.name == "postgresql":
        return column == any_(bindparam(None, list(values), type_=ARRAY(String)))
    told = func.json_each(json.dumps(values)).table_valued("value")
    return column.in_(select(told.c.value))


def batches(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Yield `values` as they come in lists of at most `size`."""
    ahead = iter(values)
    while batch := list(islice(ahead, size)):
        yield batch


def chunks(values: Iterator[str] | Sequence[str] | frozenset[str]) -> Iterator[list[str]]:
    """Yield `values` in sorted lists of at most CHUNK."""
    ordered = iter(sorted(values))
    while chunk := list(islice(ordered, CHUNK)):
        yield chunk
