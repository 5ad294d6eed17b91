"""Kills of housekeeping, or of the worker that has it done, at any instant: no day loses what it ended with."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
from sqlalchemy import make_url

from okr_sync.cli.place import current_time
from okr_sync.store import Store
from okr_sync.store.postgres import connection_words
from okr_sync.store.statements import insert_all
from okr_sync.store.tables import HousekeepingRow, sql
from tests.bar.house import FULL, House, furnish, spawned, until
from tests.bar.oracle import assert_sound
from tests.bar.wrong_clock import WrongClock, WrongClockOnServer
from tests.servers.postgres import database, postgres

__all__ = ["database", "postgres"]

DAY = timedelta(days=1)
KILLS = 50 if FULL else 2
SERIES, DAYS, HOURS = 200, 30, 24
HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
FIRST = 100  # days before now
SERIES_OF_YEARS = f"""
    WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {SERIES})
    INSERT INTO point_series (id, kind, subject) SELECT 1000 + n, 'key_result', 'of-years-' || n FROM number
"""  # noqa: S608
POINTS_OF_YEARS = f"""
    WITH RECURSIVE hours (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM hours WHERE n < {DAYS * HOURS - 1})
    INSERT INTO point_values (slot, value, series, context, stamp)
    SELECT %d + n * {HOUR_US}, n, id, 1, 1 FROM hours, point_series WHERE id > 1000 ORDER BY n
"""  # noqa: S608
KEPT = f"""
    SELECT count(*) FROM (
        SELECT max(slot) AS last FROM point_values WHERE series > 1000 GROUP BY series, slot / {DAY_US}
    ) AS days WHERE last % {DAY_US} = {23 * HOUR_US}
"""  # noqa: S608
LEFT = "SELECT count(*) FROM point_values WHERE series > 1000"
ENDS = "SELECT finished IS NOT NULL, error FROM housekeeping ORDER BY due"
INDEXES = "SELECT relname FROM pg_class WHERE relname ~ '^pk_(point|delivery)_values' ORDER BY 1"
WAITING = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'REINDEX%' AND datname = current_database()"


Anyone = TypeVar("Anyone", bound=WrongClock)


@pytest.fixture(params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> WrongClock:
    if request.param == "sqlite":
        return _of_years(WrongClock(tmp_path))
    return _of_years(WrongClockOnServer(tmp_path, request.getfixturevalue("database")))


def _of_years(made: Anyone) -> Anyone:
    """Return a house with months of hourly points, all but the last of each day of which are to be forgotten."""
    furnish(made).build()
    made.file.write_text(made.file.read_text("utf-8") + 'housekeeping: {time: "03:30", keep: 10 d}\n', "utf-8")
    made.set(timedelta())
    assert made.run("sync").returncode == 0
    with closing(Store.open(made.url)) as store, store.writing() as session:
        session.connection().exec_driver_sql(SERIES_OF_YEARS)
        midnight = (int(time.clock_gettime(time.CLOCK_REALTIME)) // 86_400 - FIRST) * DAY_US
        session.connection().exec_driver_sql(POINTS_OF_YEARS % midnight)
        now = current_time()
        insert_all(session, sql(HousekeepingRow), [_done(now - 2 * DAY), _done(now - DAY)])
    return made


def _done(at: datetime) -> dict[str, object]:
    """Return a housekeeping of days ago: two must have been before anything is forgotten."""
    return {"due": at, "owner": "here:1", "started": at, "until": at + DAY, "finished": at}


def test_housekeeping_killed_at_any_instant_loses_nothing_and_the_next_one_goes_on(house: WrongClock) -> None:
    """Each day the worker is killed, or the process that it had started for this; later ones do what was left.

    Seen red where the last point of a day goes, too.
    """
    chance = random.Random(13)
    for day in range(1, KILLS + 1):
        with _housekeeping(house, day) as (worker, process):
            time.sleep(chance.uniform(0, 3))
            _kill(process if day % 2 else worker.pid)
        assert house.run("verify").returncode == 0
        assert house.rows(KEPT) == [(SERIES * DAYS,)], "a day lost what it ended with"
    died = [(finished, error) for finished, error in house.rows(ENDS) if not finished or error is not None]
    assert died, "each one was done before it could be killed"
    house.play(1000)
    _see_to(house, KILLS + 1, lambda: house.rows(ENDS)[-1] == (True, None))
    assert house.rows(KEPT) == house.rows(LEFT) == [(SERIES * DAYS,)]
    assert house.run("verify").returncode == 0
    counts = assert_sound(house)
    where = house.url.partition(":")[0]
    print(f"{where}: {KILLS} kills of housekeeping, {len(died)} before it was done; {counts}")  # noqa: T201


def test_an_index_that_was_half_built_when_all_died_is_removed_the_next_night(tmp_path: Path, database: str) -> None:
    """Who builds it waits for everybody who reads; there it is killed, and its connection with it.

    Red without the look for half an index: each write would keep it up for ever.
    """
    house = _of_years(WrongClockOnServer(tmp_path, database))
    with _connected(house) as reader:
        reader.execute("SET default_transaction_isolation = 'repeatable read'")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM point_values")
        with _housekeeping(house, 1) as (worker, process):
            until(lambda: house.rows(WAITING) and len(house.rows(INDEXES)) > 2)
            _kill(process)
            worker.kill()
        house.rows(WAITING.replace("SELECT pid", "SELECT pg_terminate_backend(pid)"))
        until(lambda: not house.rows(WAITING))
    assert len(house.rows(INDEXES)) == 3, "half an index is there"
    house.play(1000)
    _see_to(house, 2, lambda: house.rows(ENDS)[-1] == (True, None))
    assert house.rows(INDEXES) == [("pk_delivery_values",), ("pk_point_values",)]
    assert house.rows(KEPT) == [(SERIES * DAYS,)]
    assert_sound(house)


@contextmanager
def _housekeeping(house: WrongClock, day: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Give a worker so many days later, and the process that sees to the store for it."""
    house.set(day * DAY)
    begun = _begun(house)
    with house.worker("--round", "1") as worker:
        until(lambda: _begun(house) > begun and spawned(worker.pid))
        yield worker, spawned(worker.pid)[0]


def _begun(house: House) -> int:
    file = house.folder / "worker.log"
    return file.read_text("utf-8").count("housekeeping begins") if file.exists() else 0


def _see_to(house: WrongClock, day: int, done: Callable[[], bool]) -> None:
    """Let a worker see to the store and do a run, so many days later."""
    house.set(day * DAY)
    with house.worker("--round", "1") as worker:
        until(done)
        until(lambda: house.rows("SELECT value FROM observations ORDER BY id DESC LIMIT 1") == [(1000.0,)])
        until(lambda: "running" not in house.outcomes())
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@contextmanager
def _connected(house: WrongClockOnServer) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(**connection_words(make_url(house.address)), autocommit=True) as connection:
        yield connection
