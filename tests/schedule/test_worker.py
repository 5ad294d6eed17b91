"""The worker notices when a part of it dies."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from okr_sync.cli.place import current_time
from okr_sync.config import Config, load
from okr_sync.schedule import Limits, LocalEngine, Runner, Wake, Worker
from okr_sync.schedule.clock import Clock
from okr_sync.schedule.engine import Perform
from okr_sync.schedule.worker import next_slot
from tests.store.empty import new_store

MAIN = """
schedule: cron 0 6 * * *
timezone: Europe/Berlin
okrs: []
cycles:
  now: {start: 2020-01-01, end: 2090-12-31}
"""


class Dying(LocalEngine):
    """An engine whose loop ends by itself."""

    def work(self, perform: Perform) -> None:
        """Return at once."""


def _worker(folder: Path, engine: Callable[[Callable[[str], None]], LocalEngine], said: list[str]) -> Worker:
    (folder / "okr-sync.yaml").write_text(MAIN, "utf-8")
    store = new_store(folder / "okr-sync.db")
    runner = Runner(store, f"sqlite:///{store.path}", Limits(), current_time, "ana", said.append)
    return Worker(engine(said.append), runner, lambda: _load(folder), said.append)


def _load(folder: Path) -> Config:
    return load(folder / "okr-sync.yaml", {})


def test_a_worker_whose_engine_died_ends_without_being_asked(tmp_path: Path) -> None:
    said: list[str] = []
    assert _worker(tmp_path, Dying, said).run() is False
    assert said[-1] == "the clock or the engine died; the worker ends, so that it is started anew"


def test_a_clock_that_can_not_tell_the_next_slot_is_dead_and_says_why() -> None:
    said: list[str] = []
    asked = threading.Event()

    def following(_after: datetime) -> datetime | None:
        asked.set()
        raise ZeroDivisionError

    clock = Clock(LocalEngine(said.append), following, timedelta(minutes=1), said.append)
    clock.start()
    assert asked.wait(10)
    clock.join(10)
    assert not clock.is_alive()
    assert said == [each for each in said if each.startswith("the clock stopped: this is a bug")]
    assert len(said) == 1


def test_the_clock_wakes_the_engine_at_slots_and_every_round() -> None:
    wakes: list[Wake] = []
    engine, done = LocalEngine(print), threading.Event()

    def perform(wake: Wake) -> None:
        wakes.append(wake)
        if len(wakes) >= 3:
            done.set()

    clock = Clock(engine, lambda after: after + timedelta(seconds=0.2), timedelta(seconds=0.5), print)
    work = threading.Thread(target=engine.work, args=(perform,))
    work.start()
    clock.start()
    assert done.wait(20)
    clock.stop()
    engine.stop()
    work.join(10)
    assert not work.is_alive()


def test_the_next_slot_is_the_first_of_all_schedules_in_the_zone_of_the_config(tmp_path: Path) -> None:
    (tmp_path / "okr-sync.yaml").write_text(MAIN, "utf-8")
    found = next_slot(_load(tmp_path), datetime.fromisoformat("2026-07-01T05:00+00:00"))
    assert found == datetime.fromisoformat("2026-07-02T04:00+00:00")
