"""What every engine keeps, whatever carries its wake-ups; a new engine is one more line in ENGINES."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from okr_sync.errors import StoreError
from okr_sync.schedule.engine import Engine, Perform, Tell, Wake
from okr_sync.schedule.local import LocalEngine
from okr_sync.schedule.procrastinate_engine import ProcrastinateEngine
from tests.servers.postgres import database, postgres

__all__ = ["database", "postgres"]

NOW = datetime(2026, 10, 5, 9, tzinfo=UTC)
WAKES = [Wake(NOW + timedelta(minutes=number)) for number in range(20)]
PATIENCE = 10.0  # seconds
Make = Callable[[Tell], Engine]


def _on_postgres(request: pytest.FixtureRequest) -> Make:
    url: str = request.getfixturevalue("database")
    return lambda tell: ProcrastinateEngine(url, tell)


ENGINES: dict[str, Callable[[pytest.FixtureRequest], Make]] = {
    "local": lambda _: LocalEngine,
    "procrastinate": _on_postgres,
}


@pytest.fixture(params=ENGINES)
def make(request: pytest.FixtureRequest) -> Make:
    return ENGINES[request.param](request)


@contextmanager
def _working(engine: Engine, perform: Perform) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=engine.work, args=(perform,))
    thread.start()
    try:
        yield thread
    finally:
        engine.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive(), "`work` returns after `stop`"


def _until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def test_every_wake_up_is_performed_whether_it_came_before_or_while_somebody_works(make: Make) -> None:
    engine, done = make(print), set[Wake]()
    assert all(engine.enqueue(wake) for wake in WAKES[:10])
    with _working(engine, done.add):
        assert all(engine.enqueue(wake) for wake in WAKES[10:])
        _until(lambda: done == set(WAKES))
    assert engine.waiting() == 0


def test_the_same_wake_up_waits_once_however_many_clocks_ring(make: Make) -> None:
    engine = make(print)
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(engine.enqueue, WAKES[:1] * 8)) == [False] * 7 + [True]
    assert engine.waiting() == 1


def test_what_waits_is_counted_without_the_one_under_way(make: Make) -> None:
    engine, begun, go = make(print), threading.Event(), threading.Event()

    def perform(_wake: Wake) -> None:
        begun.set()
        assert go.wait(PATIENCE)

    for wake in WAKES[:3]:
        engine.enqueue(wake)
    assert engine.waiting() == 3
    with _working(engine, perform):
        assert begun.wait(PATIENCE)
        assert engine.waiting() == 2
        go.set()
        _until(lambda: engine.waiting() == 0)


def test_a_wake_up_that_raises_is_told_and_the_next_one_is_performed(make: Make) -> None:
    said, done = list[str](), list[Wake]()

    def perform(wake: Wake) -> None:
        if wake == WAKES[0]:
            raise StoreError("the disk is full; make room")
        if wake == WAKES[1]:
            raise ZeroDivisionError("token-1234")
        done.append(wake)

    engine = make(said.append)
    for wake in WAKES[:3]:
        engine.enqueue(wake)
    with _working(engine, perform):
        _until(lambda: done == [WAKES[2]])
    assert said[0] == "the disk is full; make room"
    assert "ZeroDivisionError at perform" in said[1]
    assert "token-1234" not in "".join(said), "what a bug quotes may be a secret"


def test_stop_lets_the_one_under_way_end_and_begins_no_other(make: Make) -> None:
    engine, begun, go, done = make(print), threading.Event(), threading.Event(), list[Wake]()

    def perform(wake: Wake) -> None:
        begun.set()
        assert go.wait(PATIENCE)
        done.append(wake)

    for wake in WAKES[:2]:
        engine.enqueue(wake)
    with _working(engine, perform) as thread:
        assert begun.wait(PATIENCE)
        engine.stop()
        engine.stop()
        assert thread.is_alive()
        go.set()
    assert len(done) == 1
