"""What takes no more writes in a run: closed cycles, and those whose grace is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlmodel import Session

from okr_sync.core.cycles import Frozen, beyond_grace, held_after_grace
from okr_sync.core.model import Book
from okr_sync.store import closings, results


def frozen_at(session: Session, book: Book, now: datetime) -> tuple[Frozen, ...]:
    """Return every cycle of the book that takes no more writes at `now`, with the states that stay."""
    ends = closings.newest(session)
    closed = {each.cycle: each for each in closings.frozen_cycles(ends)}
    reopened = {each.cycle for each in ends.values() if each.action == "reopened"}
    before = results.saved_snapshot(session) if beyond_grace(book, now, reopened) else None
    held = {each.cycle: each for each in held_after_grace(book, before, now, reopened)}
    return tuple((held | closed)[cycle.id] for cycle in book.cycles if cycle.id in held | closed)


def why_skipped(book: Book, frozen: Iterable[Frozen]) -> Mapping[str, str]:
    """Return key result id → why a run passes it over; those that are still computed are missing."""
    places = {each.cycle: each for each in frozen}
    found: dict[str, str] = {}
    for objective in book.objectives:
        place = places.get(objective.cycle)
        if place is None:
            continue
        held = {state.id for state in place.key_results}
        found.update(
            (each.id, place.why) for each in objective.key_results if place.sealed is not None or each.id in held
        )
    return found
