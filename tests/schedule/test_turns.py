"""Claims leave room for who waits for a run of everything, however busy the schedules are."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from okr_sync.core.slots import Interval, Schedule
from okr_sync.schedule.claiming import Claimed, Claimer
from okr_sync.store import Store, ledger, turns
from tests.store.builders import NOW
from tests.store.empty import new_store

UTC_ZONE, QUARTER, MINUTE = ZoneInfo("UTC"), timedelta(minutes=15), timedelta(minutes=1)
BOTH: dict[str, Schedule] = {"chat": Interval(QUARTER), "tracker": Interval(QUARTER)}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path / "okr-sync.db")


def _end(store: Store, run: int) -> None:
    with store.writing() as session:
        ledger.finish_run(session, run, NOW, "ok", "")


@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
def test_while_somebody_waits_no_slot_is_begun_and_afterwards_each_has_its_run(store: Store, apart: bool) -> None:
    """What is due meanwhile waits, too. Seen red without the look at the line."""
    claimer = Claimer(store, QUARTER, QUARTER, "a:1", lambda _: True, apart=apart)
    first = claimer.claim({"chat": BOTH["chat"]}, UTC_ZONE, NOW)
    assert first == Claimed(1, "slot", frozenset({"chat"}))
    with store.writing() as session:
        turn = turns.ask(session, NOW, "b:1", NOW + QUARTER)
    assert claimer.claim(BOTH, UTC_ZONE, NOW) is None
    _end(store, 1)
    assert claimer.claim(BOTH, UTC_ZONE, NOW + MINUTE) is None
    asked = Claimer(store, QUARTER, QUARTER, "b:1", lambda _: True, apart=apart).begin("now", NOW + MINUTE, turn)
    with store.writing() as session:
        turns.give_back(session, turn, "b:1")
    assert claimer.claim(BOTH, UTC_ZONE, NOW + 2 * MINUTE) is None
    _end(store, asked.run)
    assert claimer.claim(BOTH, UTC_ZONE, NOW + 3 * MINUTE) == Claimed(3, "slot", frozenset({"tracker"}))
    with store.reading() as session:
        assert [row.outcome for row in ledger.runs(session)] == ["running", "ok", "ok"]
