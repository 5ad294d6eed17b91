"""The store: committing many points, the overview over years of them, and bytes a point, on both databases.

`--key-results 5000 --days 1825` is five years of one point a day each: 9.1 million rows, made by the database itself.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlmodel import Session

from okr_sync.core.snapshot import KeyResultState, ObjectiveState, Snapshot
from okr_sync.store import Store
from okr_sync.store.ledger import open_run
from okr_sync.store.results import latest_snapshot, points, save_snapshot
from tests.servers.postgres import running

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
COLUMNS = "kind, subject, slot, at, value, baseline, target, progress, score, status, definition, run_id, question"
PROGRESS = "0.025 + d / 2000.0"
SAID = f"31.5 + d, 31.0, 51.0, {PROGRESS}, {PROGRESS}, 'on_track', 'd1d1d1d1d1d1d1d1', 1, 'q1q1q1q1q1q1q1q1'"
ROW = f"INSERT INTO points ({COLUMNS}) SELECT 'key_result', 'key-result-' || n, %s, %s, {SAID}"
SLOTS = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S.000000', '2026-11-02 09:00', '-' || d || ' days')",
    "postgresql": "timestamptz '2026-11-02 09:00Z' - d * interval '1 day'",
}
COUNTED = (
    "WITH RECURSIVE days(d) AS (SELECT 1 UNION ALL SELECT d + 1 FROM days WHERE d < {days}),"
    " subjects(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM subjects WHERE n + 1 < {subjects})"
)
SIZE = {
    "sqlite": "SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%points%'",
    "postgresql": "SELECT pg_total_relation_size('points')",
}


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m tests.bench store")
    parser.add_argument("--key-results", type=int, default=5000)
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    asked = parser.parse_args(words)
    for name, database in DATABASES.items():
        if asked.only in {None, name}:
            with database() as url:
                _measure(name, Store.open(url), asked.key_results, asked.days)


def _measure(name: str, store: Store, key_results: int, days: int) -> None:
    first, second = _world(key_results, 0.25), _world(key_results, 0.5)
    with _timed(name, f"first commit of {key_results} points (at most 1 s)"), store.writing() as session:
        _save(session, first, NOW)
    with _timed(name, f"commit of {key_results} points (at most 1 s)"), store.writing() as session:
        _save(session, second, NOW + HOUR)
    with _timed(name, f"filling in {key_results * days} points"), store.writing() as session:
        store.take_time(session)
        _fill(session, name, key_results, days)
    with _timed(name, f"commit of {key_results} points beside them (at most 1 s)"), store.writing() as session:
        _save(session, first, NOW + 2 * HOUR)
    with store.reading() as session:
        latest_snapshot(session, NOW)  # the first reader warms the cache
        with _timed(name, f"the rows of {key_results} key results"):
            session.connection().exec_driver_sql("SELECT * FROM latest ORDER BY position").all()
        with _timed(name, f"overview of {key_results} key results (at most 50 ms)"):
            latest_snapshot(session, NOW + 3 * HOUR)
        with _timed(name, f"history of one, {days} days"):
            points(session, "key_result", "key-result-7")
    _print_size(name, store)


def _fill(session: Session, name: str, key_results: int, days: int) -> None:
    counted = COUNTED.format(days=days, subjects=key_results)
    row = ROW.replace("%s", SLOTS[name]).replace("%", "%%" if name == "postgresql" else "%")
    session.connection().exec_driver_sql(f"{counted} {row} FROM days, subjects")


def _print_size(name: str, store: Store) -> None:
    with store.reading() as session:
        size = int(session.connection().exec_driver_sql(SIZE[name]).scalar_one())
        count = int(session.connection().exec_driver_sql("SELECT count(*) FROM points").scalar_one())
    sys.stdout.write(f"{name:11} {size / count:.0f} bytes a point of {count} (at most 100)\n")


def _save(session: Session, world: Snapshot, at: datetime) -> None:
    run = open_run(session, at, "bench", HOUR, "host:1", exclusive=False)
    save_snapshot(session, run, replace(world, at=at), slot=at)


def _world(key_results: int, progress: float) -> Snapshot:
    states = tuple(
        KeyResultState(
            f"key-result-{number}", f"objective-{number // 5}", f"Key result number {number}", "change", "ana", 1.0,
            "%", NOW, NOW + 90 * DAY, "d1d1d1d1d1d1d1d1", question="q1q1q1q1q1q1q1q1", value=31.0 + progress,
            baseline=31.0, target=51.0, progress=progress, score=progress, status="at_risk",
        )
        for number in range(key_results)
    )  # fmt: skip
    objective = ObjectiveState("o", "O", "2026-Q4", "team", None, None, None, (), progress, progress, "at_risk")
    return Snapshot(NOW, (objective,), states, ())


@contextmanager
def _timed(name: str, what: str) -> Iterator[None]:
    begin, busy = time.perf_counter(), time.process_time()
    yield
    took, worked = time.perf_counter() - begin, time.process_time() - busy
    sys.stdout.write(f"{name:11} {what}: {took * 1000:.0f} ms, of which this process worked {worked * 1000:.0f} ms\n")
    sys.stdout.flush()


@contextmanager
def _sqlite() -> Iterator[str]:
    with TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder) / 'okr-sync.db'}"


@contextmanager
def _postgres() -> Iterator[str]:
    try:
        with running() as server:
            yield server.url()
    except pytest.skip.Exception as error:
        sys.stdout.write(f"postgresql  not measured: {error}\n")


DATABASES: dict[str, Callable[[], AbstractContextManager[str]]] = {"sqlite": _sqlite, "postgresql": _postgres}
