"""The cycles of the newest definitions with their state, and the audit trail of closings and reopenings."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from okr_sync.core.cycles import CycleState, judge_cycle
from okr_sync.core.model import Cycle
from okr_sync.errors import UsageError
from okr_sync.store import closings, definitions
from okr_sync.store.closings import Closing
from okr_sync.store.decoding import decode


def stored_cycles(session: Session, now: datetime) -> tuple[CycleState, ...]:
    """Return every cycle that is defined now, by its first day, as it reads `now`."""
    ends = closings.newest(session)
    cycles = sorted(
        (decode(Cycle, each.body) for each in definitions.in_force(session, "cycle")),
        key=lambda each: (each.first, each.id),
    )
    return tuple(_judged(cycle, ends.get(cycle.id), now) for cycle in cycles)


def stored_closings(session: Session, cycle: str) -> tuple[Closing, ...]:
    """Return the closings of a cycle, oldest first. Raises UsageError when it was never closed."""
    found = tuple(each for each in closings.closings(session, cycle) if each.action == "closed")
    if not found:
        raise UsageError(f"cycle {cycle} was never closed, so there is nothing to verify; `okr-sync cycles` lists them")
    return found


def _judged(cycle: Cycle, end: Closing | None, now: datetime) -> CycleState:
    sealed = closings.sealed(end) if end is not None and end.action == "closed" else None
    return judge_cycle(cycle, sealed, now, reopened=end is not None and end.action == "reopened")
