"""Finds in the store's points where the numbers of a key result or an initiative begin to answer another question."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from okr_sync.core.diagnosis import comparable
from okr_sync.core.series import breaks
from okr_sync.core.snapshot import InitiativeState, KeyResultState, Snapshot
from okr_sync.store import results


def series_since(session: Session, state: KeyResultState | InitiativeState) -> datetime | None:
    """Return when the present series began; None when there is only one."""
    if isinstance(state, InitiativeState):
        work = breaks(results.delivery_points(session, state.id))
        return work[-1].slot if work else None
    found = breaks(results.points(session, "key_result", state.id))
    return found[-1].slot if found else None


def broken_since(session: Session, before: Snapshot | None, after: Snapshot) -> dict[str, datetime]:
    """Return id → when its present series began, of all that can't be compared with `before`."""
    if before is None:
        return {}
    old = {state.id: state for state in _states(before)}
    broken = [state for state in _states(after) if state.id in old and not comparable(old[state.id], state)]
    return {state.id: at for state in broken if (at := series_since(session, state)) is not None}


def _states(snapshot: Snapshot) -> tuple[KeyResultState | InitiativeState, ...]:
    return (*snapshot.key_results, *snapshot.initiatives)
