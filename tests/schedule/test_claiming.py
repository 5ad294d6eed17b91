"""Laws of claiming: one run a slot, one run after an outage, and a reason for every slot without one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okr_sync.core.slots import Interval, Schedule
from okr_sync.errors import BusyError
from okr_sync.schedule.claiming import MISSED, Claimed, Claimer
from okr_sync.store import Store, ledger
from okr_sync.store.slots import ATTEMPTS, newest_slots
from tests.store.builders import HOUR, NOW
from tests.store.empty import new_store

UTC_ZONE, QUARTER = ZoneInfo("UTC"), timedelta(minutes=15)
EVERY = {"": Interval(QUARTER)}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path / "okr-sync.db")


def _claimer(store: Store, owner: str = "a:1", *, alive: bool = True) -> Claimer:
    return Claimer(store, timedelta(minutes=1), 10 * QUARTER, owner, lambda _owner: alive)


def _claim(store: Store, at: datetime, schedules: dict[str, Schedule] | None = None) -> Claimed | None:
    return _claimer(store).claim(EVERY if schedules is None else schedules, UTC_ZONE, at)


def _end(store: Store, run: int, at: datetime) -> None:
    with store.writing() as session:
        ledger.finish_run(session, run, at, "ok", "")


def _runs(store: Store) -> list[tuple[str, str]]:
    with store.reading() as session:
        return [(row.trigger, row.outcome) for row in reversed(ledger.runs(session, 10_000))]


def test_a_schedule_that_never_ran_has_its_latest_slot_at_once_and_then_none_until_the_next(store: Store) -> None:
    late = NOW + timedelta(minutes=7)
    claimed = _claim(store, late)
    assert claimed == Claimed(1, "slot", frozenset({""}))
    _end(store, 1, late)
    with store.reading() as session:
        assert newest_slots(session, late)[""].due == NOW
    assert not _claimer(store).is_due(EVERY, UTC_ZONE, NOW + QUARTER - timedelta(seconds=1))
    assert _claim(store, NOW + QUARTER - timedelta(seconds=1)) is None
    assert _claimer(store).is_due(EVERY, UTC_ZONE, NOW + QUARTER)
    assert _claim(store, NOW + QUARTER) == Claimed(2, "slot", frozenset({""}))


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(1, 90) | st.just(1030), min_size=1, max_size=2))
def test_after_any_outage_one_run_catches_up_and_each_other_slot_is_missed(
    tmp_path_factory: pytest.TempPathFactory, away: list[int]
) -> None:
    store = new_store(tmp_path_factory.mktemp("store") / "okr-sync.db")
    _claim(store, NOW)
    _end(store, 1, NOW)
    at = NOW
    for slots in away:
        at += slots * QUARTER
        claimed = _claim(store, at)
        assert claimed is not None
        _end(store, claimed.run, at)
    outcomes = [outcome for _, outcome in _runs(store)]
    assert outcomes.count("ok") == 1 + len(away)
    assert outcomes.count("missed") == sum(away) - len(away)


def test_slots_of_the_schedule_under_way_are_missed_and_those_of_others_wait(store: Store) -> None:
    both: dict[str, Schedule] = {"": Interval(QUARTER), "tracker": Interval(2 * QUARTER)}
    assert _claim(store, NOW) == Claimed(1, "slot", frozenset({""}))
    with store.writing() as session:
        ledger.renew_lease(session, 1, NOW + HOUR)
    assert _claim(store, NOW + QUARTER, both) is None
    assert [outcome for _, outcome in _runs(store)] == ["running", "missed"]
    with store.reading() as session:
        said = ledger.runs(session, 1)[0].summary
    assert said == "the slot of 2026-10-05 09:15:00 UTC: run 1 was still under way"
    _end(store, 1, NOW + QUARTER)
    assert _claim(store, NOW + QUARTER, both) == Claimed(3, "slot", frozenset({"tracker"}))


def _said(store: Store) -> list[tuple[str, str]]:
    """Return (trigger, why) of all slots without a run, oldest first."""
    with store.reading() as session:
        found = [(row.trigger, row.summary) for row in ledger.runs(session, 100) if row.outcome == "missed"]
    return [(trigger, said.partition(": ")[2]) for trigger, said in reversed(found)]


def test_slots_that_came_under_a_run_are_skipped_also_when_that_is_seen_after_its_end(store: Store) -> None:
    """And those for which nobody was there are told apart. Seen red without the look at runs that ended."""
    _claim(store, NOW)
    _end(store, 1, NOW + 2.5 * QUARTER)
    assert _claim(store, NOW + 5 * QUARTER) is not None
    assert _said(store) == [("overlap", "run 1 was still under way")] * 2 + [("slot", MISSED)] * 2


def test_slots_that_came_after_a_worker_died_are_missed_however_late_its_run_is_closed(store: Store) -> None:
    """Seen red with every run that is closed instead of those that ended by themselves."""
    _claim(store, NOW)
    assert _claim(store, NOW + 3 * QUARTER) is not None
    assert _runs(store)[0] == ("slot", "fenced")
    assert _said(store) == [("slot", MISSED)] * 2


def test_a_run_of_everything_leaves_no_room_and_one_of_another_schedule_does_where_they_run_apart(store: Store) -> None:
    both: dict[str, Schedule] = {"a": Interval(QUARTER), "b": Interval(QUARTER)}
    apart = replace(_claimer(store), apart=True)
    assert apart.claim({"a": both["a"]}, UTC_ZONE, NOW) == Claimed(1, "slot", frozenset({"a"}))
    assert apart.claim({"b": both["b"]}, UTC_ZONE, NOW) == Claimed(2, "slot", frozenset({"b"}))
    _end(store, 2, NOW)
    _end(store, 1, NOW + 2.5 * QUARTER)
    assert apart.claim({"b": both["b"]}, UTC_ZONE, NOW + 3 * QUARTER) is not None
    assert _said(store) == [("slot", MISSED)] * 2
    _end(store, 5, NOW + 3 * QUARTER)
    apart.begin("now", NOW + 3 * QUARTER)
    _end(store, 6, NOW + 5.5 * QUARTER)
    assert apart.claim({"b": both["b"]}, UTC_ZONE, NOW + 6 * QUARTER) is not None
    assert _said(store)[2:] == [("overlap", "run 6 was still under way")] * 2


def test_schedules_that_are_due_together_have_one_run_together(store: Store) -> None:
    both: dict[str, Schedule] = {"": Interval(QUARTER), "tracker": Interval(2 * QUARTER)}
    assert _claim(store, NOW, both) == Claimed(1, "slot", frozenset({"", "tracker"}))


def test_a_slot_whose_run_was_broken_off_is_tried_again_and_then_left(store: Store) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        claimed = _claim(store, NOW)
        assert claimed == Claimed(attempt, "slot" if attempt == 1 else "retry", frozenset({""}))
        with store.writing() as session:
            assert ledger.close_unfinished(session, attempt, NOW, "interrupted", "killed") == "interrupted"
    assert not _claimer(store).is_due(EVERY, UTC_ZONE, NOW)
    assert _claim(store, NOW) is None
    with store.reading() as session:
        assert newest_slots(session, NOW)[""].attempts == ATTEMPTS


def test_the_run_of_a_dead_process_of_this_host_is_interrupted_and_tried_again_at_once(store: Store) -> None:
    _claim(store, NOW)
    claimed = _claimer(store, "a:2", alive=False).claim(EVERY, UTC_ZONE, NOW)
    assert claimed == Claimed(2, "retry", frozenset({""}))
    assert _runs(store) == [("slot", "interrupted"), ("retry", "running")]


def test_a_run_beyond_its_lease_is_fenced_and_its_renewal_refused(store: Store) -> None:
    _claim(store, NOW)
    later = NOW + timedelta(minutes=1)
    claimed = _claimer(store, "b:1").claim(EVERY, UTC_ZONE, later)
    assert claimed == Claimed(2, "retry", frozenset({""}))
    with store.writing() as session:
        assert not ledger.renew_lease(session, 1, later + HOUR)
        assert ledger.renew_lease(session, 2, later + HOUR)
    assert _runs(store)[0] == ("slot", "fenced")


def test_a_clock_that_was_ahead_once_does_not_stop_the_schedule(store: Store) -> None:
    for at in (NOW, NOW + 2 * QUARTER, NOW + QUARTER, NOW + 3 * QUARTER):
        claimed = _claim(store, at)
        if claimed is not None:
            _end(store, claimed.run, at)
    assert [outcome for _, outcome in _runs(store)] == ["ok", "ok", "ok", "ok"]
    with store.reading() as session:
        assert [slot.run_id for slot in newest_slots(session, NOW + 2 * QUARTER).values()] == [3]


def test_what_a_clock_that_was_ahead_recorded_as_missed_has_its_run_when_it_is_due(store: Store) -> None:
    """Seen red without the look at when it was recorded: no run for as long as the clock was ahead."""
    ahead = NOW + 40 * QUARTER
    for at in (NOW, ahead):
        claimed = _claim(store, at)
        assert claimed is not None
        _end(store, claimed.run, at)
    assert [outcome for _, outcome in _runs(store)] == ["ok", *(39 * ["missed"]), "ok"]
    for number in range(1, 4):
        at = NOW + number * QUARTER
        assert _claimer(store).is_due(EVERY, UTC_ZONE, at)
        claimed = _claim(store, at)
        assert claimed is not None
        _end(store, claimed.run, at)
    assert [outcome for _, outcome in _runs(store)] == 5 * ["ok"]


def test_a_run_at_once_is_refused_while_another_is_under_way(store: Store) -> None:
    assert _claimer(store).begin("now", NOW) == Claimed(1, "now", frozenset())
    with pytest.raises(BusyError, match="Run 1 by a:1 is under way since 2026-10-05 09:00:00 UTC"):
        _claimer(store, "b:2").begin("now", NOW)
