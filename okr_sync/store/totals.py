"""Sums over the run ledger: what sources cost, how runs ended, which one ended last."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session

from okr_sync.core.costs import COUNTED
from okr_sync.store.ledger import RUNS, SOURCES, RunRow, run
from okr_sync.store.statements import Row, fetch, fetch_one

__all__ = ["SourceCost", "last_finished", "runs_by_outcome", "source_costs"]


@dataclass(frozen=True, slots=True)
class SourceCost:
    """What one source cost in all runs of the ledger; None: nobody counted that in any of them."""

    source: str
    requests: int
    retries: int
    seconds: float
    received: int | None
    not_modified: int | None
    points: int | None


def source_costs(session: Session) -> tuple[SourceCost, ...]:
    """Return what each source ever asked cost, by name."""
    summed = (func.sum(SOURCES.c[name]).label(name) for name in COUNTED)
    statement = select(SOURCES.c.source, *summed).group_by(SOURCES.c.source).order_by(SOURCES.c.source)
    return tuple(SourceCost(**_whole(row)) for row in fetch(session, statement))


def _whole(row: Row) -> dict[str, Any]:
    """Return the row with the numbers that PostgreSQL sums up as decimals as they were."""
    return {name: int(value) if isinstance(value, Decimal) else value for name, value in row.items()}


def runs_by_outcome(session: Session) -> dict[str, int]:
    """Return outcome → number of runs, those under way as `running`."""
    statement = select(RUNS.c.outcome, func.count().label("number")).group_by(RUNS.c.outcome).order_by(RUNS.c.outcome)
    return {row["outcome"]: row["number"] for row in fetch(session, statement)}


def last_finished(session: Session) -> RunRow | None:
    """Return the newest run that ended, with sources and entries; None when none did."""
    statement = select(RUNS.c.id).where(RUNS.c.finished.is_not(None)).order_by(RUNS.c.id.desc()).limit(1)
    found = fetch_one(session, statement)
    return None if found is None else run(session, found["id"])
