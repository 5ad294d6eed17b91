"""A run begins when nobody else writes any more, not when its process began to wait for that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from okr_sync.core.slots import Interval
from okr_sync.schedule.claiming import Claimer
from okr_sync.store import Store, ledger
from tests.edge.sync_play import House, house
from tests.store.empty import empty

QUARTER, WAIT = timedelta(minutes=15), timedelta(seconds=20)


class Busy(Store):
    """A store in which somebody else writes while we wait: the run before ends, and time passes, until we may."""

    until_then: Callable[[], object] = bool

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Give the session of the only writer, once the one before is done."""
        meanwhile, self.until_then = self.until_then, bool
        meanwhile()
        with super().writing() as session:
            yield session


def _by_slot(made: House) -> object:
    claimer = Claimer(made.store, QUARTER, QUARTER, "b:1", lambda _: True, clock=lambda: made.now)
    return claimer.claim({"": Interval(QUARTER)}, ZoneInfo("UTC"), made.now)


def _by_hand(made: House) -> object:
    claimer = Claimer(made.store, QUARTER, QUARTER, "b:1", lambda _: True, clock=lambda: made.now)
    return claimer.begin("now", made.now)


@pytest.mark.parametrize("begin", [_by_slot, _by_hand, House.sync], ids=["slot", "now", "sync"])
def test_a_run_that_waited_for_another_writer_begins_after_the_run_before_has_ended(
    tmp_path: Path, begin: Callable[[House], object]
) -> None:
    """Else both seem to have been under way at once.

    Red without the second look at the clock in `Claimer.claim`, in `Claimer.begin`, or in `ledger.begin_run`: each for
    its own way to begin.
    """
    plain = house(tmp_path)
    empty(tmp_path / "okr-sync.db")
    store = Busy.open(f"sqlite:///{tmp_path / 'okr-sync.db'}")
    assert isinstance(store, Busy)
    made = replace(plain, store=store)
    before = ledger.begin_run(store, made.now - WAIT, "now", QUARTER, "a:1", is_alive=lambda _: True)

    def end_the_run_before() -> None:
        made.now += WAIT
        with store.writing() as session:
            ledger.finish_run(session, before, made.now, "ok", "")

    store.until_then = end_the_run_before
    assert begin(made) is not None
    with store.reading() as session:
        later, first = ledger.runs(session)
    assert later.started == first.finished == made.now
