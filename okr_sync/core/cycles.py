"""A cycle's life: draft, active, closing, closed; and what no longer moves in a cycle that is over.

A cycle is draft before its first instant, active until its end (exclusive), closing from then on, and closed from its
closing until it is reopened. Late data counts while it is closing: until the end of its `grace` if it has one, else
until it is closed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal, TypeAlias

from okr_sync.core.facts import SourceState
from okr_sync.core.freshness import refresh
from okr_sync.core.model import Book, Cycle
from okr_sync.core.numbers import show_instant, show_share
from okr_sync.core.rollup import roll_up_objectives
from okr_sync.core.snapshot import KeyResultState, ObjectiveState, Snapshot

__all__ = [
    "CycleState",
    "CycleStatus",
    "Frozen",
    "Sealed",
    "beyond_grace",
    "freeze",
    "held_after_grace",
    "judge_cycle",
    "sealed_off",
]

CycleStatus: TypeAlias = Literal["draft", "active", "closing", "closed"]


@dataclass(frozen=True, slots=True)
class Sealed:
    """Who closed a cycle, when, with which words."""

    at: datetime
    author: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class CycleState:
    """A cycle at one instant: `first` and `last` are local days, both inclusive.

    `late_until` is the instant (exclusive) until which late data counts; None: until the cycle is closed.
    """

    id: str
    first: date
    last: date
    state: CycleStatus
    reason: str
    late_until: datetime | None = None
    sealed: Sealed | None = None


@dataclass(frozen=True, slots=True)
class Frozen:
    """The states of a cycle that take no more writes, and why; `sealed` None: its grace is over, it is not closed."""

    cycle: str
    why: str
    objectives: tuple[ObjectiveState, ...]
    key_results: tuple[KeyResultState, ...]
    sealed: Sealed | None = None


def judge_cycle(cycle: Cycle, sealed: Sealed | None, now: datetime, *, reopened: bool = False) -> CycleState:
    """Return the cycle's state at `now`, given its closing in force, with a sentence that says why.

    A reopened cycle has no grace: data counts until it is closed again.
    """
    late_until = None if cycle.grace is None or reopened else cycle.end + cycle.grace
    state, reason = _status_of(cycle, sealed, late_until, now)
    return CycleState(cycle.id, cycle.first, cycle.last, state, reason, late_until, sealed)


def _status_of(
    cycle: Cycle, sealed: Sealed | None, late_until: datetime | None, now: datetime
) -> tuple[CycleStatus, str]:
    if sealed is not None:
        note = f": {sealed.note}" if sealed.note else ""
        return "closed", f"closed {show_instant(sealed.at)} by {sealed.author}{note}"
    if now < cycle.start:
        return "draft", f"starts {cycle.first}"
    if now < cycle.end:
        return "active", f"ends {cycle.last}"
    if late_until is None:
        return "closing", f"ended {cycle.last}; late data counts until it is closed"
    if now < late_until:
        return "closing", f"ended {cycle.last}; late data counts until {show_instant(late_until)}"
    return "closing", f"ended {cycle.last}; no data counts since {show_instant(late_until)}: close it"


def beyond_grace(book: Book, now: datetime, reopened: Collection[str] = ()) -> tuple[tuple[Cycle, datetime], ...]:
    """Return the cycles whose grace is over at `now` (inclusive), but for those that were reopened, and since when."""
    ends = ((each, each.end + each.grace) for each in book.cycles if each.grace is not None)
    return tuple((cycle, over) for cycle, over in ends if over <= now and cycle.id not in reopened)


def held_after_grace(
    book: Book, before: Snapshot | None, now: datetime, reopened: Collection[str] = ()
) -> tuple[Frozen, ...]:
    """Return what stays as it was judged `before`, because the grace of its cycle is over at `now`.

    A cycle that was not judged at or after its end yet is judged once more: nothing of it is held, nor of one that was
    reopened.
    """
    if before is None:
        return ()
    return tuple(
        Frozen(
            cycle.id,
            f"the grace of cycle {cycle.id} ended {show_instant(over)}",
            *_states_of(cycle.id, before),
        )
        for cycle, over in beyond_grace(book, now, reopened)
        if cycle.end <= before.at
    )


def sealed_off(cycle: str, snapshot: Snapshot) -> tuple[tuple[ObjectiveState, ...], tuple[KeyResultState, ...]]:
    """Return the cycle's objectives and key results as a closing keeps them.

    Each input has its time from then on: what was as fresh as its source's last success is as old as its `as_of`.
    """
    objectives, key_results = _states_of(cycle, snapshot)
    return objectives, tuple(_dated(state) for state in key_results)


def freeze(snapshot: Snapshot, book: Book, frozen: Iterable[Frozen], sources: Mapping[str, SourceState]) -> Snapshot:
    """Return the snapshot with everything frozen as it was, and the other objectives rolled up anew.

    Of a closed cycle, all is *closed* with its score, and what was added to it later is unknown.
    """
    places = {each.cycle: _Place(each) for each in frozen}
    if not places:
        return snapshot
    cycles = {state.id: state.cycle for state in snapshot.objectives}
    homes = [places.get(cycles[state.objective]) for state in snapshot.key_results]
    kept = tuple(home.kept(state) if home else state for home, state in zip(homes, snapshot.key_results, strict=True))
    rolled = roll_up_objectives(book, {state.id: state for state in kept}, snapshot.at)
    whole = replace(
        snapshot,
        objectives=tuple(places[each.cycle].objective(each) if each.cycle in places else each for each in rolled),
        key_results=tuple(home.marked(state) if home else state for home, state in zip(homes, kept, strict=True)),
    )
    return refresh(whole, sources, snapshot.at)


class _Place:
    """A frozen cycle and its states by id."""

    def __init__(self, frozen: Frozen) -> None:
        self._frozen = frozen
        self._objectives = {state.id: state for state in frozen.objectives}
        self._key_results = {state.id: state for state in frozen.key_results}

    def kept(self, state: KeyResultState) -> KeyResultState:
        known = self._key_results.get(state.id)
        if known is not None:
            return replace(known, objective=state.objective)
        if self._frozen.sealed is None:
            return state
        why = f"it was added after cycle {self._frozen.cycle} was closed"
        return replace(
            state, value=None, progress=None, score=None, expected=None, status="unknown", reason=why, inputs=()
        )

    def marked(self, state: KeyResultState) -> KeyResultState:
        if self._frozen.sealed is None or state.id not in self._key_results:
            return state
        return replace(state, status="closed", stale=False, reason=_final(self._frozen.sealed, state))

    def objective(self, state: ObjectiveState) -> ObjectiveState:
        known = self._objectives.get(state.id)
        if self._frozen.sealed is None or known is None:
            return state
        return replace(known, status="closed", reason=_final(self._frozen.sealed, known))


def _states_of(cycle: str, snapshot: Snapshot) -> tuple[tuple[ObjectiveState, ...], tuple[KeyResultState, ...]]:
    objectives = tuple(state for state in snapshot.objectives if state.cycle == cycle)
    ids = {state.id for state in objectives}
    return objectives, tuple(state for state in snapshot.key_results if state.objective in ids)


def _dated(state: KeyResultState) -> KeyResultState:
    return replace(state, inputs=tuple(replace(each, time=each.time or state.as_of) for each in state.inputs))


def _final(sealed: Sealed, state: ObjectiveState | KeyResultState) -> str:
    score = "without a score" if state.score is None else f"with {show_share(state.score)}"
    return f"closed {show_instant(sealed.at)} {score}: {state.status.replace('_', ' ')}: {state.reason}"
