"""The store: committing many points, the overview over years of them, and bytes a point, on both databases.

By default 5,000 key results with 100,000 points; `--years 5` is one point a day each: 9.1 million, written
day after day, as runs do.
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
from statistics import median
from tempfile import TemporaryDirectory

import pytest
from sqlmodel import Session

from okr_sync.core.snapshot import Input, KeyResultState, ObjectiveState, Snapshot
from okr_sync.store import Store
from okr_sync.store.ledger import open_run
from okr_sync.store.results import latest_snapshot, points, save_snapshot
from okr_sync.store.tidying import pack
from tests.servers.postgres import running

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SOURCE = (
    "INSERT INTO source_states (name, declared, fresh_seconds, last_success) "
    "SELECT 'survey', true, 86400.0, max(started) FROM runs"
)
READS = 9  # the overview's figure is the median of so many
STAMP = "INSERT INTO point_stamps (id, run_id) SELECT {stamp}, min(id) FROM runs"
DAY_OF_POINTS = (
    "INSERT INTO point_values (slot, value, progress, series, context, stamp) "
    "SELECT {slot}, 31.5 + {day} / 7.0 + s.id / 1000.0, 0.025 + {day} / 2000.3, s.id, "
    "(SELECT context FROM point_values v WHERE v.series = s.id ORDER BY slot DESC LIMIT 1), {stamp} "
    "FROM point_series s WHERE s.kind = 'key_result'"
)
SIZE = {
    "sqlite": "SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%point\\_%' ESCAPE '\\'",
    "postgresql": "SELECT sum(pg_total_relation_size('point_' || name)) "
    "FROM (VALUES ('values'), ('series'), ('contexts'), ('stamps')) AS tables (name)",
}
HURRY = {
    "sqlite": "PRAGMA cache_size = -400000",
    "postgresql": "SET LOCAL session_replication_role = replica",  # what rows refer to is not looked up
}


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m tests.bench store")
    parser.add_argument("--key-results", type=int, default=5000)
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--years", type=int, help="instead of days")
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    asked = parser.parse_args(words)
    for name, database in DATABASES.items():
        if asked.only in {None, name}:
            with database() as url:
                _measure(name, Store.open(url), asked.key_results, asked.years * 365 if asked.years else asked.days)


def _measure(name: str, store: Store, key_results: int, days: int) -> None:
    first, second = _world(key_results, 0.25), _world(key_results, 0.5)
    begin = NOW - (days + 1) * DAY  # before all others: a point that comes before others of its series splits pages
    with _timed(name, f"first commit of {key_results} points (at most 1 s)"), store.writing() as session:
        _save(session, first, begin)
    with _timed(name, f"commit of {key_results} points (at most 1 s)"), store.writing() as session:
        _save(session, second, begin + HOUR)
    with _timed(name, f"filling in {key_results * days} points"), store.writing() as session:
        store.take_time(session)
        _fill(session, name, days)
    with _timed(name, f"commit of {key_results} points beside them (at most 1 s)"), store.writing() as session:
        _save(session, first, NOW + 2 * HOUR)
    with store.reading() as session:
        latest_snapshot(session, NOW)  # the first reader warms the cache
        with _timed(name, f"the rows of {key_results} key results"):
            session.connection().exec_driver_sql("SELECT * FROM latest ORDER BY position").all()
    with store.writing() as session:
        session.connection().exec_driver_sql(SOURCE)
    _print_overview(name, store, key_results)
    with store.reading() as session, _timed(name, f"history of one, {days} days"):
        points(session, "key_result", "key-result-7")
    _print_size(name, store, "as written")
    if name == "postgresql":
        with _timed(name, "filling the pages of the index, as housekeeping does"):
            pack(store)
        _print_size(name, store, "after housekeeping")
        with _timed(name, f"commit of {key_results} points after it (at most 1 s)"), store.writing() as session:
            _save(session, second, NOW + DAY)
        _print_size(name, store, "and with a point more each")


def _fill(session: Session, name: str, days: int) -> None:
    connection = session.connection()
    connection.exec_driver_sql(HURRY[name])
    for day in range(days):
        slot = int((NOW - (days - day) * DAY).timestamp()) * 1_000_000
        connection.exec_driver_sql(STAMP.format(stamp=1000 + day))
        connection.exec_driver_sql(DAY_OF_POINTS.format(slot=slot, day=day, stamp=1000 + day))


def _print_overview(name: str, store: Store, key_results: int) -> None:
    walls, works = [], []
    for _ in range(READS):
        begin, busy = time.perf_counter(), time.process_time()
        with store.reading() as session:
            latest_snapshot(session, NOW + 3 * HOUR)
        walls.append(time.perf_counter() - begin)
        works.append(time.process_time() - busy)
    wall, work = median(walls) * 1000, median(works) * 1000
    what = f"overview of {key_results} key results (at most 50 ms), median of {READS}"
    sys.stdout.write(f"{name:11} {what}: {wall:.0f} ms, of which this process worked {work:.0f} ms\n")


def _print_size(name: str, store: Store, when: str) -> None:
    with store.reading() as session:
        size = int(session.connection().exec_driver_sql(SIZE[name]).scalar_one())
        count = int(session.connection().exec_driver_sql("SELECT count(*) FROM point_values").scalar_one())
    sys.stdout.write(f"{name:11} {size / count:.0f} bytes a point of {count}, {when} (at most 100)\n")


def _save(session: Session, world: Snapshot, at: datetime) -> None:
    run = open_run(session, at, "bench", HOUR, "host:1", exclusive=False)
    save_snapshot(session, run, replace(world, at=at), slot=at)


def _world(key_results: int, progress: float) -> Snapshot:
    states = tuple(
        KeyResultState(
            f"key-result-{number}", f"objective-{number // 5}", f"Key result number {number}", "change", "ana", 1.0,
            "%", NOW, NOW + 90 * DAY, f"d1d1d1d1d1{number:06}", question="q1q1q1q1q1q1q1q1",
            inputs=(Input("survey", f"metric-{number}", NOW),), value=31.0 + progress,
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
