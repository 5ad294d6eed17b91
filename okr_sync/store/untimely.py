"""Takes back what was judged by a clock that was ahead: it would be the newest there is for as long as that was."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Delete, Table, and_, delete, exists, select, update
from sqlmodel import Session

from okr_sync.core.freshness import AHEAD
from okr_sync.store.tables import DefinitionRow, DeliveryPointRow, LatestRow, PointRow, Run, SeriesRow, sql

__all__ = ["is_untimely", "take_back"]

RUNS, SERIES, LATEST, DEFINITIONS = sql(Run), sql(SeriesRow), sql(LatestRow), sql(DefinitionRow)
TOO_FAR = timedelta(hours=1)
POINTS = (sql(PointRow), sql(DeliveryPointRow))


def is_untimely(judged: datetime, now: datetime) -> bool:
    """Return whether what was judged then is of an instant that is still to come at `now`, by more than an hour.

    Below that runs go on behind it until the clock has caught up: workers whose clocks differ by minutes would take
    back each other's judgements else.
    """
    return judged - now > TOO_FAR


def take_back(session: Session, now: datetime) -> int:
    """Delete the points of instants that are still to come at `now`, by more than AHEAD; return how many.

    Their runs count as such that judged nothing, and the next one writes points of all that lost some. What these runs
    brought stays, and so does what the ledger says of them. What people changed meanwhile counts as changed now:
    what it replaced would be in force else for as long as the clock was ahead.
    """
    connection, late = session.connection(), now + AHEAD
    for end in (DEFINITIONS.c.since, DEFINITIONS.c.until):
        connection.execute(update(DEFINITIONS).where(end > late).values({end: now}))
    connection.execute(update(RUNS).where(RUNS.c.evaluated_at > late).values(evaluated_at=None))
    for each in POINTS:
        connection.execute(update(LATEST).where(_has_one(each, late)).values(point=""))
    return sum(connection.execute(_deletion(each, late)).rowcount for each in POINTS)


def _has_one(points: Table, late: datetime) -> ColumnElement[bool]:
    """Return the condition that the latest state has a point after `late`."""
    its = and_(SERIES.c.kind == LATEST.c.kind, SERIES.c.subject == LATEST.c.subject)
    return exists(select(1).where(its, points.c.series == SERIES.c.id, points.c.slot > late))


def _deletion(points: Table, late: datetime) -> Delete:
    """Return the statement that finds them by index: one search a series."""
    return delete(points).where(points.c.series.in_(select(SERIES.c.id)), points.c.slot > late)
