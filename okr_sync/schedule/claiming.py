"""Claims what is due: one run for the newest slots, a record for those that were missed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from sqlmodel import Session

from okr_sync.core.slots import Schedule, latest_slot, slots_until
from okr_sync.store import ledger, slots, turns
from okr_sync.store.database import Store
from okr_sync.store.processes import is_alive, this_process
from okr_sync.store.slots import ATTEMPTS, OVERLAP, Slot, Span

__all__ = ["Claimed", "Claimer"]

CHUNK = 500  # missed slots recorded in one transaction, so that no other writer waits long
MISSED = "no worker was there in time; the run of a later slot makes it good"
BROKEN_OFF = ("interrupted", "fenced")
SCHEDULED = ("slot", "retry")  # triggers of runs that serve slots


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run that holds the lease and is to be done, and the schedules that it serves."""

    run: int
    trigger: str
    schedules: frozenset[str]
    more: bool = False
    """Whether other schedules are due, too, which another worker may run beside it."""


@dataclass(frozen=True, slots=True)
class Claimer:
    """Claims for one process. `lease` and `deadline` are those of the runs that it begins.

    `apart`: each schedule has runs of its own, and those of different schedules are under way at once.
    """

    store: Store
    lease: timedelta
    deadline: timedelta
    owner: str = ""
    is_alive: Callable[[str], bool] = is_alive
    apart: bool = False
    after: Callable[[Session, datetime], object] | None = None
    """Called at the end of each transaction that claims, in it."""
    clock: Callable[[], datetime] | None = None
    """Read once nobody else writes, which may take long; None: an instant that is told is that one already."""

    def claim(self, schedules: Mapping[str, Schedule], zone: ZoneInfo, now: datetime) -> Claimed | None:
        """Return the run to do now, None when nothing is due or another run is under way that leaves no room for it.

        The newest due slot of each schedule gets one run together; `apart`, the schedule that waits longest gets one.
        Older slots without a run are recorded as missed, so after an outage there is one run that catches up. While a
        run is under way, slots of its own schedules are recorded as missed, and those of others wait unless they are
        `apart`; what came meanwhile is told as skipped, whether that is found before or after that run ended. A slot
        whose run was broken off is tried again, thrice at most. A schedule that never had a slot has its latest one.
        While somebody waits for a run of everything, nothing is begun. What a clock recorded as missed while it was
        ahead is undone.
        """
        while True:
            with self.store.writing() as session:
                begun = self._reached(now)
                found = self._claim(session, schedules, zone, begun)
                if self.after is not None:
                    self.after(session, begun)
            if found is not None:
                return found.claimed

    def begin(self, trigger: str, now: datetime, turn: int | None = None) -> Claimed:
        """Return a run of all sources that begins now.

        Raises BusyError when another is under way, or when others wait in the line before `turn`.
        """
        with self.store.writing() as session:
            begun = self._reached(now)
            ledger.require_none_under_way(session, begun, self._name(), is_alive=self.is_alive, turn=turn)
            return Claimed(self._open(session, begun, trigger), trigger, frozenset())

    def is_due(self, schedules: Mapping[str, Schedule], zone: ZoneInfo, now: datetime) -> bool:
        """Return whether `claim` has anything to do; asked first, since only writers make others wait."""
        with self.store.reading() as session:
            known = slots.newest_slots(session, now)
        return any(
            _to_be_tried(known.get(name))
            or (name in known and (known[name].outcome == "running" or known[name].is_untimely(now)))
            or bool(_due(schedule, zone, known.get(name), now, 1))
            for name, schedule in schedules.items()
        )

    def _claim(
        self, session: Session, schedules: Mapping[str, Schedule], zone: ZoneInfo, now: datetime
    ) -> _Step | None:
        """Return what was done; None when there is more to record first."""
        holders = ledger.runs_under_way(session, now, self._name(), is_alive=self.is_alive)
        newest = slots.newest_slots(session, now)
        if any(slot.is_untimely(now) for slot in newest.values()) and slots.undo_untimely(session, now):
            newest = slots.newest_slots(session, now)
        known = {name: slot for name, slot in newest.items() if name in schedules}
        due = {name: _due(each, zone, known.get(name), now, CHUNK) for name, each in schedules.items()}
        held = {name: each["id"] for each in holders for name in slots.slots_of(session, each["id"])}
        kept = [self._skip(session, name, due[name], now, run) for name, run in held.items() if name in due]
        if CHUNK in kept:
            return None
        if any(not self.apart or each["lease"] == ledger.ONLY_ONE for each in holders):
            return _Step(None)
        if turns.next_turn(session, now, self._name(), is_alive=self.is_alive) is not None:
            return _Step(None)
        waiting = _waiting(due, known, held.keys())
        chosen = waiting[:1] if self.apart else waiting
        due = {name: due[name] for name in chosen}
        for name, found in due.items():
            self._pass_over(session, name, found[:-1], now)
        if any(len(found) == CHUNK for found in due.values()):
            return None
        again = [known[name] for name in chosen if not due[name]]
        last = {name: found[-1] for name, found in due.items() if found}
        return _Step(self._begin(session, last, again, now, more=len(waiting) > len(chosen)))

    def _begin(
        self, session: Session, due: Mapping[str, datetime], again: list[Slot], now: datetime, *, more: bool
    ) -> Claimed | None:
        if not due and not again:
            return None
        trigger = "slot" if due else "retry"
        names = frozenset(due) | {slot.schedule for slot in again}
        run = self._open(session, now, trigger, ledger.lease_of(*names) if self.apart else ledger.ONLY_ONE)
        slots.claim(session, run, due)
        slots.try_again(session, run, again)
        return Claimed(run, trigger, names, more)

    def _open(self, session: Session, now: datetime, trigger: str, held: str = ledger.ONLY_ONE) -> int:
        until = now + self.deadline
        return ledger.open_run(session, now, trigger, self.lease, self._name(), deadline=until, held=held)

    def _pass_over(self, session: Session, name: str, due: list[datetime], now: datetime) -> None:
        """Record older slots: those that came while a run left no room for them were skipped, the others are missed."""
        spans = [each for each in slots.spans_since(session, due[0]) if self._left_no_room(each, name)] if due else []
        by_run: dict[int | None, list[datetime]] = {}
        for at in due:
            run = next((each.run_id for each in spans if each.started <= at < each.finished), None)
            by_run.setdefault(run, []).append(at)
        for run, found in by_run.items():
            if run is None:
                slots.record_missed(session, name, found, now=now, owner=self._name(), why=MISSED)
            else:
                self._skip(session, name, found, now, run)

    def _left_no_room(self, span: Span, name: str) -> bool:
        return not self.apart or span.schedule == name or span.trigger not in SCHEDULED

    def _skip(self, session: Session, name: str, due: list[datetime], now: datetime, run: int) -> int:
        why = f"run {run} was still under way"
        return slots.record_missed(session, name, due, now=now, owner=self._name(), why=why, trigger=OVERLAP)

    def _name(self) -> str:
        return self.owner or this_process()

    def _reached(self, now: datetime) -> datetime:
        """Return the instant at which nobody else writes: before it the last run may not have ended yet."""
        return now if self.clock is None else self.clock()


@dataclass(frozen=True, slots=True)
class _Step:
    """The end of claiming."""

    claimed: Claimed | None


def _due(schedule: Schedule, zone: ZoneInfo, known: Slot | None, now: datetime, most: int) -> list[datetime]:
    """Return the oldest slots that have no run yet, at most so many."""
    if known is None:
        latest = latest_slot(schedule, zone, now)
        return [] if latest is None else [latest]
    return list(islice(slots_until(schedule, zone, known.due, now), most))


def _waiting(due: Mapping[str, list[datetime]], known: Mapping[str, Slot], held: AbstractSet[str]) -> list[str]:
    """Return the schedules that have something to do and no run under way, the one that waits longest first."""
    since = {name: slot.due for name, slot in known.items() if _to_be_tried(slot)}
    since |= {name: found[0] for name, found in due.items() if found}
    return sorted(since.keys() - held, key=lambda name: (since[name], name))


def _to_be_tried(slot: Slot | None) -> bool:
    return slot is not None and slot.outcome in BROKEN_OFF and slot.attempts < ATTEMPTS
