"""Forgets by retention: what is older than a limit and no answer rests on.

Of points the last one of each day stays, of observations what counts, of runs those that anything refers to, of
letters what still waits, of troubles what is open, of remembered answers those in use.
Definitions, closings, baselines, check-ins, transitions and memberships stay for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime

from sqlalchemy import Exists, Select, delete, exists, func, not_, select
from sqlalchemy import Table as SqlTable
from sqlmodel import Session

from okr_sync.store import postgres
from okr_sync.store.statements import batches, fetch
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
OUTBOX, TROUBLES, SERIES, ETAGS = sql(OutboxRow), sql(TroubleRow), sql(SeriesRow), sql(EtagRow)


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


def prune(session: Session, before: datetime) -> Pruned:
    """Delete what is older than `before` (exclusive) and not needed; return how much. Days are those of UTC."""
    thinned = [_thin(session, sql(model), before) for model in (PointRow, DeliveryPointRow)]
    _forget_unshared(session)
    details = [_run_details(session, sql(model), before) for model in (RunEntry, RunSource)]
    return Pruned(
        points=thinned[0],
        delivery_points=thinned[1],
        observations=_remove(session, OBSERVATIONS, _superseded(session, before)),
        run_entries=details[0],
        run_sources=details[1],
        report_marks=_old_marks(session, before),
        runs=_unneeded_runs(session, before),
        outbox=session.connection().execute(delete(OUTBOX).where(OUTBOX.c.ended_at < before)).rowcount,
        troubles=session.connection().execute(delete(TROUBLES).where(TROUBLES.c.resolved_at < before)).rowcount,
        etags=session.connection().execute(delete(ETAGS).where(ETAGS.c.used_at < before)).rowcount,
    )


def pack(session: Session) -> None:
    """Make the indexes of points small again; on SQLite they are.

    Points come in the order of time and lie in the index series by series, so each page there is split in the middle
    when it is full, and its first half never fills again: PostgreSQL keeps them half empty. Readers of points wait
    while it lasts, the overview doesn't.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        for model in (PointRow, DeliveryPointRow):
            postgres.pack(connection, f"pk_{model.__tablename__}")


def _thin(session: Session, table: SqlTable, before: datetime) -> int:
    removed = 0
    for series in session.connection().execute(select(SERIES.c.id).order_by(SERIES.c.id)).scalars().all():
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


def _forget_unshared(session: Session) -> None:
    """Delete what points had in common that are no longer there; a run is needed as long as a stamp names it."""
    for model, column in ((ContextRow, "context"), (StampRow, "stamp"), (SeriesRow, "series")):
        shared = sql(model)
        used = [select(sql(points).c[column]) for points in (PointRow, DeliveryPointRow)]
        unused = [shared.c.id.not_in(each) for each in used]
        session.connection().execute(delete(shared).where(*unused))


def _superseded(session: Session, before: datetime) -> list[int]:
    """Return the readings that a later row for the same time and question replaced; never the first of a series."""
    of = (OBSERVATIONS.c.metric, OBSERVATIONS.c.valid_time, OBSERVATIONS.c.question)
    asked = OBSERVATIONS.c.question.is_not(None)
    first = select(func.min(OBSERVATIONS.c.id)).where(asked).group_by(of[0], of[2])
    last = select(func.max(OBSERVATIONS.c.id)).where(asked).group_by(*of)
    old = select(OBSERVATIONS.c.id).where(asked, OBSERVATIONS.c.recorded_at < before)
    found = fetch(session, old.where(OBSERVATIONS.c.id.not_in(first), OBSERVATIONS.c.id.not_in(last)))
    return [row["id"] for row in found]


def _run_details(session: Session, table: SqlTable, before: datetime) -> int:
    old = select(RUNS.c.id).where(RUNS.c.finished < before, RUNS.c.id.not_in(_newest_judging()))
    return session.connection().execute(delete(table).where(table.c.run_id.in_(old))).rowcount


def _old_marks(session: Session, before: datetime) -> int:
    newest = select(func.max(MARKS.c.id)).group_by(MARKS.c.name)
    return session.connection().execute(delete(MARKS).where(MARKS.c.at < before, MARKS.c.id.not_in(newest))).rowcount


def _unneeded_runs(session: Session, before: datetime) -> int:
    unneeded = [not_(reference) for reference in _references()]
    old = (RUNS.c.finished < before, RUNS.c.id.not_in(_newest_judging()))
    return session.connection().execute(delete(RUNS).where(*old, *unneeded)).rowcount


def _references() -> Iterator[Exists]:
    for table in Table.metadata.sorted_tables:
        for column in table.columns:
            if any(key.column is RUNS.c.id for key in column.foreign_keys):
                yield exists().where(column == RUNS.c.id)


def _newest_judging() -> Select[tuple[int]]:
    return select(func.max(RUNS.c.id)).where(RUNS.c.evaluated_at.is_not(None))


def _remove(session: Session, table: SqlTable, ids: list[int]) -> int:
    for some in batches(ids):
        session.connection().execute(delete(table).where(table.c.id.in_(some)))
    return len(ids)
