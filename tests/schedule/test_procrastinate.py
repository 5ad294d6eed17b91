"""The queue under faults: what a dead worker leaves is put back a few times, and a lost server is waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from okr_sync.errors import StoreError
from okr_sync.schedule import engine_of
from okr_sync.schedule.engine import Perform, Wake
from okr_sync.schedule.procrastinate_engine import ProcrastinateEngine, Rhythm
from okr_sync.store import Store, ledger
from okr_sync.store.postgres import connection_words
from tests.servers.postgres import crash, database, postgres, running, started
from tests.store.empty import new_store

__all__ = ["database", "postgres"]

NOW = datetime(2026, 10, 5, 9, tzinfo=UTC)
QUICK = Rhythm(beat=timedelta(seconds=0.2), silence=timedelta(seconds=3), pause=timedelta(seconds=0.1))
STATES = "SELECT status::text, attempts FROM procrastinate_jobs ORDER BY id"
TAKEN = "UPDATE procrastinate_jobs SET status = 'doing', attempts = %d"
CONNECTED = "SELECT pid FROM pg_stat_activity WHERE application_name = 'okr-sync' AND pid <> pg_backend_pid()"
CUT = CONNECTED.replace("SELECT pid", "SELECT pg_terminate_backend(pid)")


def _rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(**connection_words(make_url(url)), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def _until(holds: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@contextmanager
def _working(engine: ProcrastinateEngine, perform: Perform) -> Iterator[None]:
    thread = threading.Thread(target=engine.work, args=(perform,))
    thread.start()
    try:
        yield
    finally:
        engine.stop()
        thread.join(20)
        assert not thread.is_alive()


def test_a_job_that_a_dead_worker_left_is_performed_by_another(database: str) -> None:
    """Without the reaper it stays `doing` for ever; seen red so."""
    engine, done = ProcrastinateEngine(database, print, rhythm=QUICK), list[Wake]()
    engine.enqueue(Wake(NOW))
    _rows(database, TAKEN % 0)
    with _working(engine, done.append):
        _until(lambda: done == [Wake(NOW)])
    assert _rows(database, STATES) == []


def test_a_job_that_ended_three_workers_is_given_up_and_said_in_the_ledger(database: str) -> None:
    """Without the cap it is performed again; seen red so."""
    said, done = list[str](), list[Wake]()
    store = Store.open(database)
    engine = engine_of(store, database, lambda: NOW, said.append)
    assert isinstance(engine, ProcrastinateEngine)
    engine._rhythm = QUICK
    engine.enqueue(Wake(NOW))
    _rows(database, TAKEN % 2)
    with _working(engine, done.append):
        _until(lambda: _rows(database, STATES) == [("failed", 3)])
        _until(lambda: said)
    assert done == []
    why = "the wake-up of 2026-10-05 09:00:00 UTC ended 3 workers and is given up"
    assert said == [why]
    with store.reading() as session:
        assert [(row.outcome, row.summary) for row in ledger.runs(session)] == [("failed", why)]


def test_a_left_job_whose_like_waits_already_is_dropped(database: str) -> None:
    engine, done = ProcrastinateEngine(database, print, rhythm=QUICK), list[Wake]()
    engine.enqueue(Wake(NOW))
    _rows(database, TAKEN % 0)
    begun, go = threading.Event(), threading.Event()

    def perform(wake: Wake) -> None:
        begun.set()
        assert go.wait(20)
        done.append(wake)

    assert engine.enqueue(Wake(NOW - timedelta(minutes=1)))
    assert engine.enqueue(Wake(NOW)), "the one that is left does not wait"
    with _working(engine, perform):
        assert begun.wait(20)
        _until(lambda: ("failed", 1) in _rows(database, STATES))
        go.set()
        _until(lambda: len(done) == 2)


def test_old_jobs_are_forgotten_and_young_ones_kept(database: str) -> None:
    engine = ProcrastinateEngine(database, print, rhythm=QUICK)
    for minute in range(2):
        engine.enqueue(Wake(NOW + timedelta(minutes=minute)))
    _rows(database, "UPDATE procrastinate_jobs SET status = 'failed'")
    _rows(database, "UPDATE procrastinate_events SET at = now() - interval '2 days' WHERE job_id = 1")
    with _working(engine, print):
        _until(lambda: len(_rows(database, STATES)) == 1)
    assert _rows(database, "SELECT id FROM procrastinate_jobs") == [(2,)]


def test_when_its_connections_are_cut_it_goes_on_working(database: str) -> None:
    engine, done = ProcrastinateEngine(database, print, rhythm=QUICK), set[Wake]()
    with _working(engine, done.add):
        for number in range(3):
            wake = Wake(NOW + timedelta(minutes=number))
            assert engine.enqueue(wake)
            _until(lambda wake=wake: wake in done)  # type: ignore[misc]  # the default is no argument of it
            _rows(database, CUT)


def test_a_server_that_is_gone_is_told_and_waited_for() -> None:
    """Without the loop around Procrastinate's worker `work` returns; seen red so."""
    said, done = list[str](), list[Wake]()
    with running() as server:
        engine = ProcrastinateEngine(server.url(), said.append, rhythm=QUICK)
        with _working(engine, done.append):
            assert engine.enqueue(Wake(NOW))
            _until(lambda: done)
            crash(server)
            _until(lambda: any("can't be reached" in each for each in said))
            assert not engine.enqueue(Wake(NOW))
            assert any("a wake-up is lost, the next one makes it good" in each for each in said)
            with pytest.raises(StoreError, match="The queue can't be asked"):
                engine.waiting()
            with started(server):
                again = Wake(NOW + timedelta(minutes=1))
                _until(lambda: engine.enqueue(again))
                _until(lambda: again in done)  # and the first one maybe twice: it had not been noted that it was done


def test_while_the_server_is_gone_it_can_be_stopped() -> None:
    with running() as server:
        engine = ProcrastinateEngine(server.url(), print, rhythm=QUICK)
        with _working(engine, print):
            time.sleep(1)
            crash(server)
            time.sleep(1)
            began = time.monotonic()
            engine.stop()
        print(f"stopped after {time.monotonic() - began:.1f} s")  # noqa: T201


def test_a_store_in_a_file_has_an_engine_without_a_queue(tmp_path: Any) -> None:
    store = new_store(tmp_path / "okr-sync.db")
    engine = engine_of(store, f"sqlite:///{store.path}", lambda: NOW, print)
    assert not isinstance(engine, ProcrastinateEngine)
    assert store.prepare_queue() is False


def test_every_connection_ends_when_nobody_answers(database: str) -> None:
    """Seen red with the address alone, without the words that the store adds."""
    words = connection_words(make_url(database))
    assert {name: words[name] for name in ("keepalives", "keepalives_idle", "tcp_user_timeout")} == {
        "keepalives": "1",
        "keepalives_idle": "30",
        "tcp_user_timeout": "60000",
    }
    engine = ProcrastinateEngine(database, print, rhythm=QUICK)
    with _working(engine, print):
        _until(lambda: len(_rows(database, CONNECTED)) >= 2)
