"""The worker notices when a part of it dies."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from okr_sync.cli.logs import logging_at
from okr_sync.cli.place import current_time
from okr_sync.config import Config, load
from okr_sync.outside import Health
from okr_sync.schedule import Limits, LocalEngine, Runner, Wake, Worker
from okr_sync.schedule.clock import Clock
from okr_sync.schedule.engine import Perform
from okr_sync.schedule.worker import next_slot
from tests.bar.house import until
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


class Hanging(LocalEngine):
    """An engine to which nothing can be told until it is let go."""

    def __init__(self) -> None:
        super().__init__(print)
        self.reached, self.let_go = threading.Event(), threading.Event()

    def enqueue(self, wake: Wake) -> bool:
        """Wait; then do what any engine does."""
        self.reached.set()
        assert self.let_go.wait(60)
        return super().enqueue(wake)


def test_a_clock_can_be_stopped_while_nobody_takes_its_wake_up() -> None:
    """Seen red with a clock that waits for its scheduler, which keeps its lock while it rings."""
    engine = Hanging()
    clock = Clock(engine, lambda after: after + timedelta(seconds=0.1), timedelta(minutes=1), print)
    clock.start()
    assert engine.reached.wait(20)
    stopping = threading.Thread(target=clock.stop, daemon=True)
    stopping.start()
    stopping.join(5)
    returned = not stopping.is_alive()
    engine.let_go.set()
    clock.join(20)
    assert returned
    assert not clock.is_alive()


def test_the_next_slot_is_the_first_of_all_schedules_in_the_zone_of_the_config(tmp_path: Path) -> None:
    (tmp_path / "okr-sync.yaml").write_text(MAIN, "utf-8")
    found = next_slot(_load(tmp_path), datetime.fromisoformat("2026-07-01T05:00+00:00"))
    assert found == datetime.fromisoformat("2026-07-02T04:00+00:00")


def test_a_part_that_hangs_is_silent_and_one_that_goes_on_is_not(tmp_path: Path) -> None:
    """Seen red with a main thread that beats for whatever has a thread: then only dead ones are seen."""
    said: list[str] = []
    hangs, goes_on = threading.Event(), threading.Event()
    worker = _worker(tmp_path, LocalEngine, said)

    def load_slowly() -> Config:
        hangs.set()
        assert goes_on.wait(30)
        return _load(tmp_path)

    worker._load = load_slowly
    for loop in worker.pulse.loops().values():
        loop.seconds = 0.5
    worker.pulse.clock.seconds = worker.pulse.alerts.seconds = 60.0  # they come round every 15 seconds
    health = Health(f"sqlite:///{tmp_path / 'okr-sync.db'}", worker.pulse.loops())
    work = threading.Thread(target=worker.run)
    work.start()
    try:
        assert hangs.wait(30)
        until(health.dead, 20)
        assert [each.partition(" is silent")[0] for each in health.dead()] == ["the runs loop"]
        goes_on.set()
        until(lambda: not health.dead(), 20)
    finally:
        goes_on.set()
        worker.stop()
        work.join(20)
    assert not work.is_alive()


def test_a_worker_whose_watch_over_alerts_died_ends_without_being_asked(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "okr-sync.yaml").write_text(MAIN, "utf-8")
    asked: list[datetime] = []

    def broken() -> datetime:
        asked.append(current_time())
        if threading.current_thread().name == "okr-sync-alerts":
            raise ZeroDivisionError
        return asked[-1]

    store = new_store(tmp_path / "okr-sync.db")
    runner = Runner(store, f"sqlite:///{store.path}", Limits(round=timedelta(seconds=0.2)), broken, "ana", said.append)
    worker = Worker(LocalEngine(said.append), runner, lambda: _load(tmp_path), said.append)
    with logging_at("error"):
        assert worker.run() is False
    assert said[-1].endswith("the worker ends, so that it is started anew")


def test_wake_ups_do_not_pile_up_while_something_long_is_done() -> None:
    """Each means no more than *look*: the newest do. Seen red with a queue that has no end."""
    engine, done = LocalEngine(print), list[Wake]()
    wakes = [Wake(current_time() + timedelta(seconds=number)) for number in range(300)]
    assert all(map(engine.enqueue, wakes))
    waiting = engine.waiting()
    assert waiting <= 100
    work = threading.Thread(target=engine.work, args=(done.append,))
    work.start()
    until(lambda: len(done) == waiting, 10)
    engine.stop()
    work.join(10)
    assert done == wakes[-waiting:]
