"""Slots: which due instants of which schedules have their run, and which of them are to be tried again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, select
from sqlmodel import Session

from okr_sync.core.freshness import AHEAD
from okr_sync.store import ledger
from okr_sync.store.statements import change_all, fetch, insert_all
from okr_sync.store.tables import Run, SlotRow, sql

SLOTS, RUNS = sql(SlotRow), sql(Run)
ENDED = ("ok", "partial", "failed")
OVERLAP = "overlap"  # the trigger of a run that was not begun since another one was under way
ATTEMPTS = 3  # of one slot, before the next one must do


def _newest() -> Select[Any]:
    """Return the newest slot of each schedule that is due by `now`, with its run.

    From name to name and then to the last instant, by index: grouped, all slots of all years would be read.
    """
    names = select(func.min(SLOTS.c.schedule).label("name")).cte("names", recursive=True)
    others, times = SLOTS.alias("others"), SLOTS.alias("times")
    following = select(func.min(others.c.schedule)).where(others.c.schedule > names.c.name).scalar_subquery()
    names = names.union_all(select(following).where(names.c.name.is_not(None)))
    due = (times.c.schedule == names.c.name, times.c.due <= bindparam("now", type_=SLOTS.c.due.type))
    last = select(func.max(times.c.due)).where(*due).correlate(names).scalar_subquery()
    found = select(SLOTS, RUNS.c.outcome, RUNS.c.started).select_from(names)
    found = found.join(SLOTS, (SLOTS.c.schedule == names.c.name) & (SLOTS.c.due == last))
    return found.join(RUNS, RUNS.c.id == SLOTS.c.run_id)


NEWEST = _newest()


@dataclass(frozen=True, slots=True)
class Span:
    """A run that ended by itself, when it was under way (the end is exclusive), and its schedule if it had a slot."""

    run_id: int
    trigger: str
    schedule: str | None
    started: datetime
    finished: datetime


@dataclass(frozen=True, slots=True)
class Slot:
    """A due instant of a schedule, its run so far, and how often it was tried."""

    schedule: str
    due: datetime
    run_id: int
    outcome: ledger.RunOutcome
    attempts: int
    started: datetime
    """When its run began, or when it was recorded that there was none."""

    def is_untimely(self, now: datetime) -> bool:
        """Return whether it was recorded as missed by a clock that was ahead: it may have its run yet."""
        return self.outcome == "missed" and self.started - now > AHEAD


def newest_slots(session: Session, now: datetime) -> dict[str, Slot]:
    """Return schedule → its newest slot that is due at or before `now`; a clock may have been ahead once."""
    found = session.connection().execute(NEWEST, {"now": now}).mappings()
    return {row["schedule"]: Slot(**row) for row in found}


def undo_untimely(session: Session, now: datetime) -> int:
    """Delete what a clock that was ahead of `now` recorded as missed; return how many slots may have a run again."""
    untimely = (RUNS.c.outcome == "missed") & (RUNS.c.started > now + AHEAD)
    session.execute(delete(SLOTS).where(SLOTS.c.run_id.in_(select(RUNS.c.id).where(untimely))))
    return int(session.connection().execute(delete(RUNS).where(untimely)).rowcount)


def slots_of(session: Session, run_id: int) -> dict[str, datetime]:
    """Return schedule → due instant of the slots that the run serves."""
    found = fetch(session, select(SLOTS).where(SLOTS.c.run_id == run_id).order_by(SLOTS.c.schedule))
    return {row["schedule"]: row["due"] for row in found}


def spans_since(session: Session, since: datetime) -> list[Span]:
    """Return the runs that ended by themselves after `since`, oldest first; one with many slots comes as often.

    When one that was broken off really ended, nobody knows.
    """
    columns = (RUNS.c.id.label("run_id"), RUNS.c.trigger, SLOTS.c.schedule, RUNS.c.started, RUNS.c.finished)
    joined = RUNS.outerjoin(SLOTS, SLOTS.c.run_id == RUNS.c.id)
    statement = select(*columns).select_from(joined).where(RUNS.c.finished > since, RUNS.c.outcome.in_(ENDED))
    return [Span(**row) for row in fetch(session, statement.order_by(RUNS.c.id, SLOTS.c.schedule))]


def claim(session: Session, run_id: int, due: Mapping[str, datetime]) -> None:
    """Give each slot its run. A slot has one row: whoever comes second is refused by its key."""
    rows = [{"schedule": name, "due": at, "run_id": run_id, "attempts": 1} for name, at in sorted(due.items())]
    insert_all(session, SLOTS, rows)


def try_again(session: Session, run_id: int, slots: Iterable[Slot]) -> None:
    """Give slots that have a run another one: one attempt more."""
    rows = [
        {"schedule": slot.schedule, "due": slot.due, "run_id": run_id, "attempts": slot.attempts + 1} for slot in slots
    ]
    change_all(session, SLOTS, rows, key=("schedule", "due"))


def record_missed(
    session: Session,
    schedule: str,
    due: Iterable[datetime],
    *,
    now: datetime,
    owner: str,
    why: str,
    trigger: str = "slot",
) -> int:
    """Give each slot a run that says missed and why; return how many. `trigger` OVERLAP: it was skipped, not lost."""
    at = list(due)
    whose = f" of {schedule}" if schedule else ""
    whys = [f"the slot of {each:%Y-%m-%d %H:%M:%S} UTC{whose}: {why}" for each in at]
    runs = ledger.record_missed(session, now, trigger, owner, whys)
    told = zip(at, runs, strict=True)
    rows = [{"schedule": schedule, "due": each, "run_id": run, "attempts": 0} for each, run in told]
    return insert_all(session, SLOTS, rows)
