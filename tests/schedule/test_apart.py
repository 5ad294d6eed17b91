"""Laws of runs apart: schedules run side by side, each has one run at a time, and what they judge is in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from okr_sync.connector import Answer, Ask, Reading
from okr_sync.core.slots import Interval, Schedule
from okr_sync.errors import BusyError
from okr_sync.schedule.claiming import Claimed, Claimer
from okr_sync.store import Store, ledger, results, slots, verifying
from okr_sync.sync import sync
from okr_sync.sync.run import World
from tests.edge.sync_play import House, house, key_result_of, numbers
from tests.store.builders import NOW
from tests.store.empty import new_store

UTC_ZONE, QUARTER = ZoneInfo("UTC"), timedelta(minutes=15)
BOTH: dict[str, Schedule] = {"chat": Interval(QUARTER), "tracker": Interval(2 * QUARTER)}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path / "okr-sync.db")


def _claimer(store: Store, owner: str = "a:1", *, apart: bool = True) -> Claimer:
    return Claimer(store, timedelta(minutes=1), 10 * QUARTER, owner, lambda _owner: True, apart=apart)


def _claim(store: Store, at: datetime, schedules: Mapping[str, Schedule] = BOTH, owner: str = "a:1") -> Claimed | None:
    return _claimer(store, owner).claim(schedules, UTC_ZONE, at)


def _outcomes(store: Store) -> list[str]:
    with store.reading() as session:
        return [row.outcome for row in reversed(ledger.runs(session, 100))]


def test_each_schedule_that_is_due_has_a_run_of_its_own_beside_the_others(store: Store) -> None:
    """With one lease for all runs the second claim finds nothing; seen red so."""
    assert _claim(store, NOW) == Claimed(1, "slot", frozenset({"chat"}), more=True)
    assert _claim(store, NOW, owner="b:1") == Claimed(2, "slot", frozenset({"tracker"}))
    assert _claim(store, NOW, owner="c:1") is None
    assert _outcomes(store) == ["running", "running"]


def test_a_schedule_has_one_run_at_a_time_and_its_slots_meanwhile_are_missed(store: Store) -> None:
    only = {"chat": BOTH["chat"]}
    assert _claim(store, NOW, only) == Claimed(1, "slot", frozenset({"chat"}))
    with store.writing() as session:
        ledger.renew_lease(session, 1, NOW + 4 * QUARTER)
    assert _claim(store, NOW + QUARTER, only, owner="b:1") is None
    assert _outcomes(store) == ["running", "missed"]


def test_the_schedule_that_waits_longest_is_first(store: Store) -> None:
    assert _claim(store, NOW, {"tracker": BOTH["tracker"]}) == Claimed(1, "slot", frozenset({"tracker"}))
    with store.writing() as session:
        ledger.finish_run(session, 1, NOW, "ok", "")
    claimed = _claim(store, NOW + 2 * QUARTER, {**BOTH, "archive": Interval(QUARTER / 3)})
    assert claimed is not None
    assert claimed.schedules == frozenset({"archive"}) or claimed.schedules == frozenset({"chat"})
    assert claimed.more


def test_a_run_of_all_sources_is_beside_no_other(store: Store) -> None:
    """Without the look at all leases it would begin; seen red with a look at its own lease only."""
    assert _claim(store, NOW) is not None
    with pytest.raises(BusyError, match="Run 1 by a:1 is under way"):
        _claimer(store, "b:1").begin("now", NOW)
    with store.writing() as session:
        ledger.finish_run(session, 1, NOW, "ok", "")
    assert _claimer(store, "b:1").begin("now", NOW).run == 2
    assert _claim(store, NOW) is None
    assert _claimer(store, apart=False).claim(BOTH, UTC_ZONE, NOW) is None


def test_runs_that_were_broken_off_are_tried_again_apart(store: Store) -> None:
    for run in (1, 2):
        assert _claim(store, NOW) is not None
        with store.writing() as session:
            ledger.close_unfinished(session, run, NOW, "interrupted", "killed")
            if run == 2:
                break
            assert slots.slots_of(session, 1)
    first = _claim(store, NOW)
    assert first is not None
    second = _claim(store, NOW, owner="b:1")
    assert second is not None
    assert first.schedules | second.schedules == BOTH.keys()


def _beside(played: House, name: str, run: int, at: datetime) -> Any:
    world = World(clock=lambda: at, sleep=played.slept.append)
    return sync(played.store, played.config, world, registry=played.registry, begun=run, only=frozenset({name}))


def _open(store: Store, schedule: str, at: datetime) -> int:
    with store.writing() as session:
        held = ledger.lease_of(schedule)
        return ledger.open_run(session, at, "slot", timedelta(minutes=5), "a:1", held=held)


def test_a_run_judges_behind_what_others_judged_while_it_asked_its_source(tmp_path: Path) -> None:
    """Its own number and theirs count, no point is before a newer one; seen red with the instant of its begin."""

    def answer(ask: Ask[Any]) -> Answer:
        if not done:
            done.append(
                _beside(played, "good", _open(played.store, "good", played.now + QUARTER), played.now + QUARTER)
            )
        return dict.fromkeys(ask.queries, (Reading(7.0),))

    done: list[Any] = []
    played = house(tmp_path, bad=numbers(answer))
    report = _beside(played, "bad", _open(played.store, "bad", played.now), played.now)
    assert [key_result_of(report, name).value for name in ("good", "bad")] == [5.0, 7.0]
    assert done[0].snapshot.at < report.snapshot.at
    assert {change.id for change in report.changes if change.subject == "key_result"} == {"bad"}
    with played.store.reading() as session:
        saved = results.saved_snapshot(session)
        assert saved is not None
        assert saved.at == report.snapshot.at
        at = [point.slot for point in results.points(session, "key_result", "bad")]
        assert all(earlier < later for earlier, later in pairwise(at))
        assert verifying.verify(session) == ()


def test_a_run_that_nobody_judged_beside_judges_at_its_begin(tmp_path: Path) -> None:
    played = house(tmp_path)
    first = _beside(played, "good", _open(played.store, "good", played.now), played.now)
    assert first.snapshot.at == played.now
    later = replace(played, now=played.now + QUARTER)
    assert _beside(later, "good", _open(played.store, "good", later.now), later.now).snapshot.at == later.now
