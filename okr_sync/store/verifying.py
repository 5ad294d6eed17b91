"""Checks what must hold of every store, whoever wrote it, by queries; each says how many rows break it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Select, and_, exists, func, not_, or_, select
from sqlalchemy import Table as SqlTable
from sqlmodel import Session

from okr_sync.store import etags, points
from okr_sync.store.counts import miscounted
from okr_sync.store.statements import fetch
from okr_sync.store.tables import (
    ClosingRow,
    DefinitionRow,
    DeliveryPointRow,
    LatestRow,
    MembershipRow,
    PointRow,
    Run,
    Table,
    sql,
)
from okr_sync.store.tables.shape import Finite

RUNS, MEMBERSHIPS, DEFINITIONS, CLOSINGS = sql(Run), sql(MembershipRow), sql(DefinitionRow), sql(ClosingRow)
POINTS, DELIVERY, LATEST = sql(PointRow), sql(DeliveryPointRow), sql(LatestRow)
LARGEST = 1.7976931348623157e308  # the largest finite double


@dataclass(frozen=True, slots=True)
class Flaw:
    """A law that does not hold, and how many rows break it (0: it can't be counted)."""

    law: str
    rows: int
    example: str = ""

    def text(self) -> str:
        """Return one line that says so."""
        named = f", one is {self.example}" if self.example else ""
        return f"not so: {self.law} ({self.rows} rows{named})"


def verify(session: Session) -> tuple[Flaw, ...]:
    """Return every law that does not hold; empty when the store is sound."""
    return tuple(flaw for law, broken in LAWS.items() for flaw in _flaws(law, list(broken(session))))


def _flaws(law: str, examples: list[str]) -> Iterator[Flaw]:
    if examples:
        yield Flaw(law, len(examples), examples[0])


def _damaged(session: Session) -> Iterator[str]:
    if session.connection().dialect.name == "sqlite":
        said = session.connection().exec_driver_sql("PRAGMA integrity_check").scalars()
        yield from (line for line in said if line != "ok")


def _orphans(session: Session) -> Iterator[str]:
    for table in Table.metadata.sorted_tables:
        for column in table.columns:
            for key in column.foreign_keys:
                target = key.column.table.alias()
                there = exists().where(target.c[key.column.name] == column)
                yield from _named(session, table, select(*table.primary_key).where(column.is_not(None), not_(there)))


def _infinite(session: Session) -> Iterator[str]:
    for table in Table.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Finite):
                beyond = not_(column.between(-LARGEST, LARGEST))
                yield from _named(session, table, select(*table.primary_key).where(column.is_not(None), beyond))


def _crowded_slots(session: Session) -> Iterator[str]:
    for table in (POINTS, DELIVERY):
        columns = [table.c.series, table.c.slot]
        yield from _named(session, table, select(*columns).group_by(*columns).having(func.count() > 1))


def _open_runs(session: Session) -> Iterator[str]:
    running = RUNS.c.outcome == "running"
    ended = and_(RUNS.c.finished.is_not(None), RUNS.c.lease.is_(None))
    held = and_(RUNS.c.finished.is_(None), RUNS.c.lease.is_not(None))
    wrong = or_(and_(running, not_(held)), and_(not_(running), not_(ended)))
    yield from _named(session, RUNS, select(RUNS.c.id).where(wrong))


def _overlapping(session: Session) -> Iterator[str]:
    held = (MEMBERSHIPS.c.source, MEMBERSHIPS.c.container, MEMBERSHIPS.c.item)
    order = (MEMBERSHIPS.c.since, MEMBERSHIPS.c.id)
    earlier = func.lag(MEMBERSHIPS.c.id).over(partition_by=held, order_by=order)
    until = func.lag(MEMBERSHIPS.c.until).over(partition_by=held, order_by=order)
    rows = select(MEMBERSHIPS.c.id, MEMBERSHIPS.c.since, earlier.label("earlier"), until.label("ended")).subquery()
    overlaps = or_(rows.c.ended.is_(None), rows.c.ended > rows.c.since)
    yield from _named(session, MEMBERSHIPS, select(rows.c.id).where(rows.c.earlier.is_not(None), overlaps))
    backwards = select(MEMBERSHIPS.c.id).where(MEMBERSHIPS.c.until < MEMBERSHIPS.c.since)
    yield from _named(session, MEMBERSHIPS, backwards)


def _twice_in_force(session: Session) -> Iterator[str]:
    of = (DEFINITIONS.c.kind, DEFINITIONS.c.subject)
    in_force = select(*of).where(DEFINITIONS.c.until.is_(None)).group_by(*of).having(func.count() > 1)
    yield from _named(session, DEFINITIONS, in_force)


def _changed_closings(session: Session) -> Iterator[str]:
    for row in fetch(session, select(CLOSINGS).where(CLOSINGS.c.body.is_not(None)).order_by(CLOSINGS.c.id)):
        if hashlib.sha256(row["body"].encode()).hexdigest() != row["sha256"]:
            yield f"closings {row['id']}"


def _other_than_newest(session: Session) -> Iterator[str]:
    newest = points.newest_told(session)
    for row in fetch(session, select(LATEST).order_by(LATEST.c.kind, LATEST.c.position)):
        if newest.get((row["kind"], row["subject"])) != json.loads(row["point"]):
            yield f"latest {row['kind']} {row['subject']}"


def _named(session: Session, table: SqlTable, statement: Select[tuple[object, ...]]) -> Iterator[str]:
    for row in session.connection().execute(statement):
        yield f"{table.name} {' '.join(map(str, row))}"


LAWS: dict[str, Callable[[Session], Iterator[str]]] = {
    "the database finds no damage in itself": _damaged,
    "what a row refers to is there": _orphans,
    "numbers are finite": _infinite,
    "a slot has one point of each key result, objective and initiative": _crowded_slots,
    "a run is closed, or under way with a lease": _open_runs,
    "an item is in a container once at a time": _overlapping,
    "one version of a definition is in force": _twice_in_force,
    "a closing has the hash of its bytes": _changed_closings,
    "the latest state is that of the newest point": _other_than_newest,
    "a remembered answer can be unpacked": etags.unreadable,
    "what is kept of a container is what counting its items says": miscounted,
}
"""What must hold → the rows that break it, by table and key."""
