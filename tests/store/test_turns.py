"""The line of those who wait for a run of everything: in their order, and held up by nobody who is gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from okr_sync.errors import BusyError
from okr_sync.store import Store, ledger, turns
from okr_sync.store.waiting import KEPT, LOOK, Patience, begin_in_turn
from tests.store.builders import HOUR, NOW

SECOND = timedelta(seconds=1)


class StoppedError(Exception):
    """What a pause raises when the waiting is to end."""


@dataclass
class Waiter:
    """A process that wants a run; its clock moves while it pauses, and `events` happen at their second."""

    store: Store
    owner: str = "a:1"
    now: datetime = NOW
    events: dict[float, object] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    alive: bool = True

    def run(self, seconds: float | None = None, *, patient: bool = True) -> int:
        """Return a run that began."""
        patience = Patience(self.said.append, seconds, self._pause, lambda: (self.now - NOW) / SECOND)
        return begin_in_turn(
            self.store,
            lambda: self.now,
            self._begin,
            patience=patience if patient else None,
            owner=self.owner,
            is_alive=self._is_alive,
        )

    def _begin(self, now: datetime, turn: int | None) -> int:
        return ledger.begin_run(self.store, now, "now", HOUR, self.owner, is_alive=self._is_alive, turn=turn)

    def _is_alive(self, _owner: str) -> bool:
        return self.alive

    def _pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        assert self.now < NOW + HOUR, "it waits for ever"
        for at in [at for at in self.events if (self.now - NOW).total_seconds() >= at]:
            happens = self.events.pop(at)
            assert callable(happens)
            happens()


def _busy(store: Store, lease: timedelta = HOUR) -> int:
    return ledger.begin_run(store, NOW, "slot", lease, "b:1", is_alive=lambda _: True)


def _end(store: Store, run: int) -> None:
    with store.writing() as session:
        ledger.finish_run(session, run, NOW, "ok", "")


def _ask(store: Store, owner: str, at: datetime = NOW) -> int:
    with store.writing() as session:
        return turns.ask(session, at, owner, at + KEPT)


def _line(store: Store, at: datetime = NOW) -> turns.Turn | None:
    with store.reading() as session:
        return turns.next_turn(session, at, "z:1", is_alive=lambda _: True)


def _in_the_way(store: Store, at: datetime) -> str:
    with store.reading() as session:
        found = ledger.in_the_way(session, at, "z:1", is_alive=lambda _: True)
    return "" if found is None else found.what


@pytest.fixture
def run(store: Store) -> int:
    """A run under way."""
    return _busy(store)


def test_a_run_begins_when_the_one_under_way_ended_and_its_place_is_free_again(store: Store, run: int) -> None:
    waiter = Waiter(store, events={100.0: lambda: _end(store, run)})
    begun = waiter.run()
    assert begun > run
    assert waiter.now == NOW + 100 * SECOND
    assert waiter.said == ["waiting: run 1 by b:1 is under way since 2026-10-05 09:00:00 UTC"]
    assert _line(store) is None
    with store.reading() as session:
        row = ledger.run(session, begun)
    assert row is not None
    assert row.started == waiter.now, "it begins when it begins, not when it was asked for"


def test_nobody_who_did_not_wait_begins_before_one_who_waits(store: Store, run: int) -> None:
    """Seen red without the look at the line."""
    turn = _ask(store, "a:1")
    _end(store, run)
    with pytest.raises(BusyError, match=r"A:1 waits for its turn since 2026-10-05 09:00:00 UTC; with --wait"):
        Waiter(store, "c:1").run(patient=False)
    assert ledger.begin_run(store, NOW, "now", HOUR, "a:1", is_alive=lambda _: True, turn=turn) > run


def test_those_who_wait_begin_in_their_order(store: Store, run: int) -> None:
    """Seen red with a line of which anybody may be next."""
    first = _ask(store, "c:1")
    order: list[str] = []

    def goes() -> None:
        order.append("c:1")
        with store.writing() as session:
            turns.give_back(session, first, "c:1")

    waiter = Waiter(store, events={5.0: lambda: _end(store, run), 9.0: goes})
    waiter.run()
    assert order == ["c:1"]
    assert waiter.now == NOW + 9 * SECOND
    assert waiter.said[-1] == "waiting: c:1 waits for its turn since 2026-10-05 09:00:00 UTC"


def test_without_patience_the_refusal_names_what_waits(store: Store, run: int) -> None:
    with pytest.raises(BusyError, match=r"Run 1 by b:1 is under way .* with --wait the next turn is yours"):
        Waiter(store).run(patient=False)
    assert _line(store) is None


def test_who_waited_long_enough_is_told_who_is_in_the_way_and_gives_its_place_back(store: Store, run: int) -> None:
    waiter = Waiter(store)
    with pytest.raises(BusyError, match=r"no turn within 7 s: run 1 by b:1 is under way since .*; try again"):
        waiter.run(7)
    assert waiter.now == NOW + 7 * SECOND
    assert _line(store) is None


def test_whatever_ends_the_waiting_the_place_is_given_back(store: Store, run: int) -> None:
    """Seen red without the giving back."""

    def stop() -> None:
        assert _line(store, NOW + 40 * SECOND) is not None, "it is kept as long as somebody waits"
        raise StoppedError

    with pytest.raises(StoppedError):
        Waiter(store, events={40.0: stop}).run()
    assert _line(store) is None


def test_a_place_that_nobody_keeps_ends_and_holds_up_nobody(store: Store) -> None:
    """Seen red with places without an end."""
    _ask(store, "c:1")
    assert _in_the_way(store, NOW + KEPT - SECOND)
    assert not _in_the_way(store, NOW + KEPT)
    waiter = Waiter(store)
    assert waiter.run() == 1
    assert waiter.now == NOW + KEPT


def test_a_process_of_this_host_that_is_gone_holds_up_nobody_at_all(store: Store) -> None:
    _ask(store, "a:2")
    assert Waiter(store, alive=False).run(patient=False) == 1


def test_who_slept_longer_than_its_place_counts_waits_anew_behind_the_others(store: Store, run: int) -> None:
    """SQLite gives the number of the forgotten place to the next; seen red with places that are known by it alone."""

    def oversleep() -> None:
        waiter.now += 2 * KEPT
        _ask(store, "c:1", waiter.now)

    def ends() -> None:
        found = _line(store, waiter.now)
        assert found is not None
        assert found.owner == "c:1"
        _end(store, run)

    waiter = Waiter(store, events={1.0: oversleep, 61.5 + LOOK: ends})
    waiter.run()
    assert waiter.now >= NOW + SECOND + 3 * KEPT, "the other's place ended first"
