"""Forgets by retention: what is older than a limit and no answer rests on.

Of points the last one of each day stays, of observations what counts, of runs those that anything refers to, of
letters what still waits, of troubles what is open, of remembered answers those in use.
Definitions, closings, baselines, check-ins, transitions and memberships stay for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Exists, delete, exists, func, not_, select, type_coerce
from sqlalchemy import Table as SqlTable
from sqlmodel import Session

from okr_sync.store import postgres
from okr_sync.store.statements import batches
from okr_sync.store.tables import (
    ContextRow,
    DeliveryPointRow,
    EtagRow,
    Observation,
    OutboxRow,
    PointRow,
    ReportMark,
    Run,
    RunEntry,
    RunSource,
    SeriesRow,
    StampRow,
    Table,
    TroubleRow,
    sql,
)

RUNS, MARKS, OBSERVATIONS = sql(Run), sql(ReportMark), sql(Observation)
OUTBOX, TROUBLES, ETAGS = sql(OutboxRow), sql(TroubleRow), sql(EtagRow)
POINTS = (sql(PointRow), sql(DeliveryPointRow))
PACKED = tuple(f"pk_{table.name}" for table in POINTS)
"""The indexes of points."""
DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows went."""

    points: int = 0
    delivery_points: int = 0
    observations: int = 0
    run_entries: int = 0
    run_sources: int = 0
    report_marks: int = 0
    runs: int = 0
    outbox: int = 0
    troubles: int = 0
    etags: int = 0

    def total(self) -> int:
        """Return the sum."""
        return sum(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, slots=True)
class Piece:
    """One sort of rows that goes by itself; what is left is sound, whether or not the following pieces go, too."""

    name: str
    """As in `Pruned`; empty: not counted."""
    find: Callable[[Session, datetime], list[Any]]
    """What may go, as `remove` takes it; nothing is written."""
    remove: Callable[[Session, datetime, Sequence[Any]], int]
    """Delete what may still go of some that were found, perhaps long ago; return how many rows."""
    size: int = 500
    """How many to remove at once."""


def prune(session: Session, before: datetime) -> Pruned:
    """Delete what is older than `before` (exclusive) and not needed; return how much. Days are those of UTC."""
    gone = dict.fromkeys((field.name for field in fields(Pruned)), 0)
    for piece in PIECES:
        for some in batches(piece.find(session, before), piece.size):
            removed = piece.remove(session, before, some)
            if piece.name:
                gone[piece.name] += removed
    return Pruned(**gone)


def pack(session: Session) -> None:
    """Make the indexes of points small again; on SQLite they are.

    Points come in the order of time and lie in the index series by series, so each page there is split in the middle
    when it is full, and its first half never fills again: PostgreSQL keeps them half empty. Readers of points wait
    while it lasts, the overview doesn't.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        for index in PACKED:
            postgres.pack(connection, index)


def _crowded(table: SqlTable, session: Session, before: datetime) -> list[int]:
    """Return the series that have a point before `before` with another one behind it on its day."""
    following = func.lead(table.c.slot).over(partition_by=table.c.series, order_by=table.c.slot)
    slots = select(table.c.series, table.c.slot, type_coerce(following, BigInteger).label("following")).subquery()
    slot = type_coerce(slots.c.slot, BigInteger)
    same_day = slot.op("/")(DAY) == slots.c.following.op("/")(DAY)
    found = select(slots.c.series).where(slots.c.slot < before, same_day).distinct().order_by(slots.c.series)
    return list(session.connection().execute(found).scalars())


def _thin(table: SqlTable, session: Session, before: datetime, some: Sequence[int]) -> int:
    removed = 0
    for series in some:
        rows = session.connection().execute(select(table.c.slot).where(table.c.series == series).order_by(table.c.slot))
        gone = _followed_on_their_day(rows.scalars(), before)
        for slots in batches(gone):
            session.connection().execute(delete(table).where(table.c.series == series, table.c.slot.in_(slots)))
        removed += len(gone)
    return removed


def _followed_on_their_day(slots: Iterable[datetime], before: datetime) -> list[datetime]:
    last: dict[date, datetime] = {}
    gone = []
    for slot in slots:
        day = slot.astimezone(UTC).date()
        if day in last and last[day] < before:
            gone.append(last[day])
        last[day] = slot
    return gone


def _unshared(shared: SqlTable, column: str, session: Session, _before: datetime) -> list[int]:
    """Return what points had in common that are no longer there; a run is needed as long as a stamp names it."""
    unused = [shared.c.id.not_in(select(points.c[column])) for points in POINTS]
    return list(session.connection().execute(select(shared.c.id).where(*unused).order_by(shared.c.id)).scalars())


def _forget(shared: SqlTable, column: str, session: Session, _before: datetime, some: Sequence[int]) -> int:
    """Delete what still nobody shares: a point may have come since that was found."""
    used = [select(points.c[column]).where(points.c[column].in_(some)) for points in POINTS]
    return _delete(session, shared, shared.c.id.in_(some), *(shared.c.id.not_in(each) for each in used))


def _superseded(session: Session, before: datetime) -> list[int]:
    """Return the readings that a later row for the same time and question replaced; never the first of a series."""
    of = (OBSERVATIONS.c.metric, OBSERVATIONS.c.valid_time, OBSERVATIONS.c.question)
    asked = OBSERVATIONS.c.question.is_not(None)
    first = select(func.min(OBSERVATIONS.c.id)).where(asked).group_by(of[0], of[2])
    last = select(func.max(OBSERVATIONS.c.id)).where(asked).group_by(*of)
    old = select(OBSERVATIONS.c.id).where(asked, OBSERVATIONS.c.recorded_at < before)
    statement = old.where(OBSERVATIONS.c.id.not_in(first), OBSERVATIONS.c.id.not_in(last))
    return list(session.connection().execute(statement).scalars())


def _old_marks(session: Session, before: datetime) -> list[int]:
    newest = select(func.max(MARKS.c.id)).group_by(MARKS.c.name)
    statement = select(MARKS.c.id).where(MARKS.c.at < before, MARKS.c.id.not_in(newest))
    return list(session.connection().execute(statement).scalars())


def _old_runs(session: Session, before: datetime) -> list[int]:
    """Return the runs that ended before `before`, but for the newest that judged."""
    judged = select(func.max(RUNS.c.id)).where(RUNS.c.evaluated_at.is_not(None))
    old = select(RUNS.c.id).where(RUNS.c.finished < before, RUNS.c.id.not_in(judged))
    return list(session.connection().execute(old.order_by(RUNS.c.id)).scalars())


def _runs_with(table: SqlTable, session: Session, before: datetime) -> list[int]:
    with_some = set(session.connection().execute(select(table.c.run_id).distinct()).scalars())
    return [run for run in _old_runs(session, before) if run in with_some]


def _details(table: SqlTable, session: Session, _before: datetime, some: Sequence[int]) -> int:
    return _delete(session, table, table.c.run_id.in_(some))


def _unneeded_runs(session: Session, before: datetime) -> list[int]:
    needed = set[int]()
    for column in _references():
        needed.update(session.connection().execute(select(column).where(column.is_not(None)).distinct()).scalars())
    return [run for run in _old_runs(session, before) if run not in needed]


def _forget_runs(session: Session, _before: datetime, some: Sequence[int]) -> int:
    unneeded = [not_(_exists(column)) for column in _references()]
    return _delete(session, RUNS, RUNS.c.id.in_(some), *unneeded)


def _exists(column: ColumnElement[Any]) -> Exists:
    return exists().where(column == RUNS.c.id)


def _references() -> Iterator[ColumnElement[Any]]:
    for table in Table.metadata.sorted_tables:
        for column in table.columns:
            if any(key.column is RUNS.c.id for key in column.foreign_keys):
                yield column


def _by_id(table: SqlTable, session: Session, _before: datetime, some: Sequence[int]) -> int:
    return _delete(session, table, table.c.id.in_(some))


def _older(column: ColumnElement[Any], session: Session, before: datetime) -> list[bool]:
    """Return one true when anything is older."""
    found = session.connection().execute(select(column).where(column < before).limit(1)).first()
    return [] if found is None else [True]


def _delete_older(table: SqlTable, column: str, session: Session, before: datetime, _some: Sequence[bool]) -> int:
    return _delete(session, table, table.c[column] < before)


def _delete(session: Session, table: SqlTable, *which: ColumnElement[bool]) -> int:
    return session.connection().execute(delete(table).where(*which)).rowcount


def _shared(model: type[Table], column: str) -> Piece:
    """Return a piece by twos: for each that goes, the database looks through all points whether one still names it."""
    return Piece("", partial(_unshared, sql(model), column), partial(_forget, sql(model), column), size=2)


def _aged(name: str, table: SqlTable, column: str) -> Piece:
    return Piece(name, partial(_older, table.c[column]), partial(_delete_older, table, column))


PIECES = (
    *(
        Piece(name, partial(_crowded, table), partial(_thin, table), size=1)
        for name, table in zip(("points", "delivery_points"), POINTS, strict=True)
    ),
    _shared(ContextRow, "context"),
    _shared(StampRow, "stamp"),
    _shared(SeriesRow, "series"),
    *(
        Piece(name, partial(_runs_with, table), partial(_details, table), size=5)
        for name, table in (("run_entries", sql(RunEntry)), ("run_sources", sql(RunSource)))
    ),
    Piece("observations", _superseded, partial(_by_id, OBSERVATIONS)),
    Piece("report_marks", _old_marks, partial(_by_id, MARKS)),
    Piece("runs", _unneeded_runs, _forget_runs, size=20),
    _aged("outbox", OUTBOX, "ended_at"),
    _aged("troubles", TROUBLES, "resolved_at"),
    _aged("etags", ETAGS, "used_at"),
)
"""What goes, in an order in which each makes room for the next."""
