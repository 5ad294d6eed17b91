"""The few shapes of statements that the store sends: read rows, insert many, change many by key, put one."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

import orjson
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    FromClause,
    Select,
    String,
    Table,
    any_,
    bindparam,
    column,
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
TOGETHER = 100  # rows of one statement
CHUNK = 500  # values in one IN (…): far below the limits of SQLite (32,766) and PostgreSQL (65,535)
_TO_MICROSECONDS = len("2026-10-05 09:00:00.000000")


def fetch(session: Session, statement: Executable, told: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return all rows of `statement`; `told` are the values of its bindparams.

    One that is made once, with bindparams, takes half the time of one that is made for each call.
    """
    result = session.connection().execute(statement, told)
    names = tuple(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result.all()]


def fetch_plain(session: Session, statement: Executable) -> Sequence[Sequence[Any]]:
    """Return all rows of `statement`, each as its values in the order of the columns."""
    return session.connection().execute(statement).all()


def rows_of(session: Session, statement: Executable) -> Iterator[Sequence[Any]]:
    """Yield all rows like `fetch_plain`, one after the other: for those that may be too many to hold."""
    return iter(session.connection().execute(statement))


def fetch_one(session: Session, statement: Executable, told: dict[str, Any] | None = None) -> dict[str, Any] | None:
    """Return the first row of `statement`, or None; `told` are the values of its bindparams."""
    row = session.connection().execute(statement, told).mappings().first()
    return None if row is None else dict(row)


def insert_one(session: Session, table: Table, row: Row) -> int:
    """Insert a row into a table with a counted key; return the key."""
    key: Any = session.connection().execute(table.insert().values(_storable(row))).inserted_primary_key
    return int(key[0])


def insert_counted(session: Session, table: Table, rows: Sequence[Row]) -> list[int]:
    """Insert rows (same columns in each) into a table with a counted key; return their keys, in their order."""
    if not rows:
        return []
    (key,) = table.primary_key
    statement = table.insert().returning(key, sort_by_parameter_order=True)
    return [int(row[0]) for row in session.connection().execute(statement, list(map(_storable, rows)))]


def insert_all(session: Session, table: Table, rows: Sequence[Row]) -> int:
    """Insert `rows` (same columns in each); return how many."""
    if not rows:
        return 0
    return insert_columns(session, table, {name: [row[name] for row in rows] for name in rows[0]})


def insert_columns(
    session: Session, table: Table, columns: Mapping[str, Sequence[Any]], ready_made: Collection[str] = ()
) -> int:
    """Insert rows told as the values of each column, equally many (at least one); return how many.

    Values are made ready a column at a time: row by row that takes longer than storing them. Those of the columns
    `ready_made` are as the driver takes them.
    """
    connection = session.connection()
    number = len(next(iter(columns.values())))
    columns = {**{name: [value] * number for name, value in _defaults(table).items()}, **columns}
    made = {name: columns[name] for name in ready_made}
    ready = _all_ready(connection.dialect, table, {name: columns[name] for name in columns.keys() - made.keys()}) | made
    if _goes_at_once(connection, number):
        arrays.insert(connection, table, ready)
        return number
    statement = table.insert().inline().compile(dialect=connection.dialect, column_keys=list(columns))
    names = statement.positiontup
    if names is None:
        rows = [dict(zip(ready, values, strict=True)) for values in zip(*ready.values(), strict=True)]
        connection.exec_driver_sql(str(statement), rows)
    else:
        _insert_many(connection, str(statement), list(zip(*(ready[name] for name in names), strict=True)))
    return number


def _insert_many(connection: Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    """Insert rows in SQLite, TOGETHER in a statement: one a row takes half as much time again."""
    whole = len(rows) - len(rows) % TOGETHER
    into, _, row = statement.rpartition(" VALUES ")
    for begin in range(0, whole, TOGETHER):
        told = tuple(chain.from_iterable(rows[begin : begin + TOGETHER]))
        connection.exec_driver_sql(f"{into} VALUES {', '.join([row] * TOGETHER)}", told)
    if rows[whole:]:
        connection.exec_driver_sql(statement, rows[whole:])


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
    return {name: _column_ready(dialect, table.c[name].type, values) for name, values in columns.items()}


def _column_ready(dialect: Dialect, kind: TypeEngine[Any], values: Sequence[Any]) -> Sequence[Any]:
    """Return the values of a column as the driver takes them. Raises StatementError for one that can't be stored."""
    instants = isinstance(kind, UTCDateTime) and dialect.name == "sqlite"
    process = None if instants else kind.dialect_impl(dialect).bind_processor(dialect)
    try:
        if len(set(map(id, values))) == 1:
            return (all_written(values[:1]) if instants else _ready(values[:1], process)) * len(values)
        return all_written(values) if instants else _ready(values, process)
    except (TypeError, ValueError) as error:
        raise StatementError(str(error), None, None, error) from error


def all_written(instants: Sequence[datetime | None]) -> list[str | None]:
    """Return instants as `written` does, in a fifth of its time: orjson takes all at once."""
    try:
        told = orjson.loads(orjson.dumps(instants))
    except orjson.JSONEncodeError:  # a zone that it doesn't know
        return [written(each) for each in instants]
    pairs = zip(instants, told, strict=True)
    return [stored(text) if each is not None and each.tzinfo is UTC else written(each) for each, text in pairs]


def stored(text: str) -> str:
    """Return an instant in UTC as SQLite keeps it of one as orjson writes it, which leaves out a fraction of zero."""
    return f"{text[:10]} {text[11:26]}" if text[19] == "." else f"{text[:10]} {text[11:19]}.000000"


def written(instant: datetime | None) -> str | None:
    """Return an instant as SQLAlchemy writes it into SQLite, in a fifth of the time: three instants an item add up.

    Raises ValueError for one without a zone.
    """
    if instant is None:
        return None
    if instant.tzinfo is UTC:  # as nearly all are
        return instant.isoformat(" ", "microseconds")[:_TO_MICROSECONDS]
    if instant.utcoffset() is None:
        raise ValueError(f"{instant} has no zone")
    return instant.astimezone(UTC).isoformat(" ", "microseconds")[:_TO_MICROSECONDS]


def _ready(values: Sequence[Any], process: Callable[[Any], Any] | None) -> list[Any]:
    """Return values as the driver takes them. Raises TypeError or ValueError for one that can't be stored."""
    try:
        whole = "".join(values)
    except TypeError:  # not all of them are texts
        whole = "".join([value for value in values if isinstance(value, str)])
    if "\0" in whole or not whole.isascii():
        values = [_text(value) if isinstance(value, str) else value for value in values]
    return list(values) if process is None else [process(value) for value in values]


def _text(value: str) -> str:
    whole = value.replace("\0", "\ufffd") if "\0" in value else value
    return whole if whole.isascii() else whole.encode(errors="replace").decode()


def fetch_among(
    session: Session, statement: Select[Any], column: ColumnElement[Any], values: Collection[str], told: Row = NOTHING
) -> Iterator[dict[str, Any]]:
    """Yield the rows of `statement`, which is made once, where a column of texts holds one of `values`.

    They are sent as one, CHUNK at a time: SQLAlchemy takes longer for hundreds of parameters than the database for the
    rows. `told` are the values of the statement's own bindparams.
    """
    postgres = session.connection().dialect.name == "postgresql"
    wanted = _among(statement, column, postgres=postgres)
    for chunk in chunks(values):
        yield from fetch(session, wanted, {**told, "among": chunk if postgres else json.dumps(chunk)})


@functools.cache
def _among(statement: Select[Any], column: ColumnElement[Any], *, postgres: bool) -> Select[Any]:
    if postgres:
        return statement.where(column == any_(bindparam("among", type_=ARRAY(String))))
    named = func.json_each(bindparam("among", type_=String)).table_valued("value")
    return statement.where(column.in_(select(named.c.value)))


def told_rows(session: Session, columns: Mapping[str, Sequence[str]]) -> FromClause:
    """Return rows of texts, told as the values of each column, as something that a statement may select from.

    They are sent as one parameter (PostgreSQL: one a column), cleaned as texts that are stored.
    """
    clean = {name: _ready(values, None) for name, values in columns.items()}
    if session.connection().dialect.name == "postgresql":
        arrays_of = (bindparam(None, list(values), type_=ARRAY(String)) for values in clean.values())
        return func.unnest(*arrays_of).table_valued(*(column(name, String) for name in clean)).render_derived()
    rows = func.json_each(json.dumps(list(zip(*clean.values(), strict=True)))).table_valued("value")
    taken = (func.json_extract(rows.c.value, f"$[{at}]", type_=String).label(name) for at, name in enumerate(clean))
    return select(*taken).subquery()


def batches(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Yield `values` as they come in lists of at most `size`."""
    ahead = iter(values)
    while batch := list(islice(ahead, size)):
        yield batch


def chunks(values: Iterable[str]) -> Iterator[list[str]]:
    """Yield `values` in sorted lists of at most CHUNK."""
    ordered = iter(sorted(values))
    while chunk := list(islice(ordered, CHUNK)):
        yield chunk
