"""Laws of the daily housekeeping: once a day among all workers, whatever the clocks on the wall do and whoever dies."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from time import sleep

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okr_sync.alerts.watching import look
from okr_sync.config import Config, load
from okr_sync.core.alerting import Notice
from okr_sync.core.slots import latest_slot, slots_until
from okr_sync.schedule.housekeeping import Chore, Housekeeper
from okr_sync.schedule.limits import Limits
from okr_sync.store import Store
from okr_sync.store.alerts import Watching, troubles
from okr_sync.store.housekeeping import Kept, claim, finish, is_due, kept
from okr_sync.store.ledger import begin_run
from okr_sync.store.pruning import PIECES
from okr_sync.store.verifying import verify
from tests.bar.house import until
from tests.store.empty import new_store
from tests.store.test_keeping import judged

MAIN = """
timezone: Europe/Berlin
okrs: []
cycles:
  now: {start: 2020-01-01, end: 2090-12-31}
"""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NIGHT = datetime(2026, 10, 6, 1, 30, tzinfo=UTC)  # 03:30 in Berlin
THIRD = NIGHT + 2 * DAY
WATCHING = Watching(channels=("chat",))


def _config(folder: Path, more: str = "") -> Config:
    (folder / "okr-sync.yaml").write_text(MAIN + more, "utf-8")
    return load(folder / "okr-sync.yaml", {})


def _store(folder: Path) -> Store:
    """Return a store with three runs, of which nothing needs the second."""
    store = new_store(folder / "okr-sync.db")
    for hour in range(3):
        judged(store, 0.1, hour * HOUR)
    return store


def _keeper(store: Store, now: datetime, said: list[str] | None = None, owner: str = "a:1") -> Housekeeper:
    tell = [] if said is None else said
    clock = _Clock(now)
    return Housekeeper(store, f"sqlite:///{store.path}", Limits(), clock, threading.Event(), tell.append, owner)


class _Clock:
    """Stands still; crosses to the process as all that is in a chore."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def _done(store: Store) -> list[Kept]:
    with store.reading() as session:
        assert verify(session) == ()
        return kept(session, 99)


def _two_before(store: Store) -> None:
    """Let there have been a housekeeping at NIGHT and the next: by that of THIRD all that the store holds is old."""
    with store.writing() as session:
        for due in (NIGHT, NIGHT + DAY):
            assert claim(session, due, due, "a:1", due + HOUR)
            finish(session, due, due, {})


def test_a_worker_does_it_at_its_hour_once_and_says_what_went(tmp_path: Path) -> None:
    """Seen red with a claim that anybody may make: the second worker does it again."""
    store, said = _store(tmp_path), list[str]()
    config = _config(tmp_path, "housekeeping: {keep: 1 min}\n")
    assert not _keeper(store, NIGHT - timedelta(seconds=1)).look(config)
    _two_before(store)
    first, second = _keeper(store, THIRD + HOUR, said), _keeper(store, THIRD + HOUR, said, "b:2")
    assert [first.look(config), second.look(config), first.look(config)] == [True, False, False]
    assert said[0] == "housekeeping begins"
    assert said[1].startswith("housekeeping is done in ")
    assert "1 runs" in said[1]
    assert [(each.due, each.error, each.removed["runs"]) for each in _done(store)[:1]] == [(THIRD, None, 1)]


@pytest.mark.parametrize("ahead", [2 * DAY, 3653 * DAY])
def test_what_a_clock_makes_old_that_is_ahead_is_not_forgotten_for_days(tmp_path: Path, ahead: timedelta) -> None:
    """Seen red with an age by the clock alone: all but the newest goes for good, also in a store's first days."""
    store, config = _store(tmp_path), _config(tmp_path, "housekeeping: {keep: 1 min}\n")
    assert _keeper(store, NIGHT - DAY + ahead).look(config)
    assert _keeper(store, NIGHT + ahead).look(config)
    assert [each.removed for each in _done(store)] == [{}, {}]
    assert _keeper(store, NIGHT + DAY + ahead).look(config)
    assert _done(store)[0].removed


def test_nothing_is_forgotten_unless_somebody_asked_for_it_and_nothing_done_when_it_is_off(tmp_path: Path) -> None:
    store = _store(tmp_path)
    assert not _keeper(store, NIGHT).look(_config(tmp_path, "housekeeping: {time: off, keep: 1 d}\n"))
    assert _keeper(store, NIGHT + 900 * DAY).look(_config(tmp_path))
    assert [each.removed for each in _done(store)] == [{}]


def test_what_files_say_of_it_is_what_is_done(tmp_path: Path) -> None:
    default = _config(tmp_path).housekeeping
    assert (default.time and default.time.times(), default.keep) == ((time(3, 30),), None)
    said = _config(tmp_path, "housekeeping: {time: 23:05, keep: 400 d}\n").housekeeping
    assert (said.time and said.time.times(), said.keep) == ((time(23, 5),), 400 * DAY)
    assert _config(tmp_path, "housekeeping: {keep: 2 w}\n").housekeeping.time == default.time
    assert _config(tmp_path, "housekeeping: {time: off}\n").housekeeping.time is None


def test_many_workers_that_look_at_once_do_it_once(tmp_path: Path) -> None:
    """Seen red without the look inside of the writing transaction."""
    store, config, told = _store(tmp_path), _config(tmp_path), list[bool]()
    ready = threading.Barrier(4)

    def look_at_once(owner: str) -> None:
        keeper = replace(_keeper(store, NIGHT, owner=owner), do=_nothing)
        ready.wait()
        told.append(keeper.look(config))

    threads = [threading.Thread(target=look_at_once, args=(f"host:{number}",)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert sorted(told) == [False, False, False, True]
    assert len(_done(store)) == 1


@settings(max_examples=8, deadline=None)
@given(
    st.sampled_from(["2026-03-28", "2026-10-24", "2026-07-01"]),
    st.sampled_from(["02:30", "03:00", "00:00", "23:59"]),
    st.integers(20, 180),
)
def test_each_day_has_one_also_when_the_clocks_change(
    tmp_path_factory: pytest.TempPathFactory, first: str, at: str, minutes: int
) -> None:
    """Seen red when an instant counts as claimed for a later one only."""
    folder = tmp_path_factory.mktemp("store")
    config = _config(folder, f'housekeeping: {{time: "{at}"}}\n')
    wanted, zone = config.housekeeping.time, config.zone()
    assert wanted is not None
    store = new_store(folder / "okr-sync.db")
    begin = datetime.fromisoformat(first).replace(tzinfo=zone).astimezone(UTC)
    begin_run(store, begin, "test", HOUR, "host:1")
    now, claimed = begin, list[datetime]()
    with store.writing() as session:
        while now < begin + 3 * DAY:
            now += timedelta(minutes=minutes)
            due = latest_slot(wanted, zone, now)
            assert due is not None
            if claim(session, due, now, "a:1", now + HOUR):
                claimed.append(due)
            assert not is_due(session, due, now)
    assert claimed == list(slots_until(wanted, zone, begin, now))
    days = [each.astimezone(zone).date() for each in claimed]
    assert len(days) == len(set(days)) >= 2


def _told(notices: tuple[Notice, ...]) -> list[str]:
    """Return what is told of the housekeeping; what else these notices are about is not asked here."""
    return [notice.title for notice in notices if notice.kind == "housekeeping"]


def _nothing(_chore: Chore) -> None:
    """End without having done it."""


def _hang(_chore: Chore) -> None:
    sleep(600)


def _end_half_way(chore: Chore) -> None:
    """Forget a little, then be killed in the middle of a step."""
    store = Store.open(chore.store_url, create=False)
    piece = next(each for each in PIECES if each.name == "runs")
    with store.writing() as session:
        piece.remove(session, chore.clock(), piece.find(session, chore.clock()))
        os.kill(os.getpid(), signal.SIGKILL)


def test_one_that_is_killed_in_the_middle_changes_nothing_is_told_and_done_the_next_day(tmp_path: Path) -> None:
    """Seen red without what the worker writes down: nobody is told before its time is over."""
    store, said, config = _store(tmp_path), list[str](), _config(tmp_path, "housekeeping: {keep: 1 min}\n")
    assert replace(_keeper(store, NIGHT, said), do=_end_half_way).look(config)
    assert "exit code -9" in said[-1]
    with store.reading() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM runs").scalar_one() == 3
    assert _told(look(store, WATCHING, NIGHT + HOUR)) == ["The housekeeping: trouble"]
    assert look(store, WATCHING, NIGHT + 2 * HOUR) == ()
    with store.reading() as session:
        assert ("housekeeping", "") in troubles(session)
    assert _keeper(store, NIGHT + DAY, said).look(config)
    assert [each.error is None for each in _done(store)] == [True, False]
    assert _told(look(store, WATCHING, NIGHT + DAY)) == ["The housekeeping: all is well again"]


def test_a_worker_that_is_asked_to_stop_ends_it_and_says_so(tmp_path: Path) -> None:
    """Seen red with a wait that does not look whether its worker is to end."""
    store, said = _store(tmp_path), list[str]()
    keeper = replace(_keeper(store, NIGHT, said), do=_hang)
    work = threading.Thread(target=keeper.look, args=(_config(tmp_path),))
    work.start()
    until(lambda: said)
    keeper.stop.set()
    work.join(30)
    assert not work.is_alive()
    assert [each.error for each in _done(store)] == ["the worker was asked to stop"]


def test_one_that_hangs_is_ended_after_its_time(tmp_path: Path) -> None:
    """Seen red without an end of the wait."""
    store = _store(tmp_path)
    keeper = replace(_keeper(store, NIGHT), do=_hang, longest=timedelta(seconds=0.5))
    assert keeper.look(_config(tmp_path))
    assert [each.error for each in _done(store)] == ["it took longer than 0:00:00.500000"]


def test_a_failure_is_written_down_with_its_reason(tmp_path: Path) -> None:
    store, said = _store(tmp_path), list[str]()
    _two_before(store)
    keeper = _keeper(store, THIRD, said)
    with store.writing() as session:
        refuse = "CREATE TRIGGER refuse BEFORE DELETE ON runs BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        session.connection().exec_driver_sql(refuse)
    assert keeper.look(_config(tmp_path, "housekeeping: {keep: 1 min}\n"))
    assert "the disk is full" in said[-1]
    assert "free some space" in (_done(store)[0].error or "")


def test_a_store_that_can_not_be_asked_is_told_once_and_asked_again(tmp_path: Path) -> None:
    store, said = _store(tmp_path), list[str]()
    keeper = replace(_keeper(store, NIGHT, said), limits=Limits(round=timedelta(milliseconds=20)), do=_nothing)
    away = store.path.with_name("away.db")
    store.path.rename(away)
    config = _config(tmp_path)
    work = threading.Thread(target=keeper.work, args=(lambda: config,))
    work.start()
    until(lambda: said)
    sleep(0.2)
    assert len(said) == 1
    away.rename(store.path)
    until(lambda: len(said) >= 3)
    keeper.stop.set()
    work.join(30)
    assert not work.is_alive()
    assert said[0].startswith("housekeeping waits: ")
    assert said[1] == "housekeeping begins"
