"""Kills of real processes at any instant: nothing is half visible, the worker goes on, the next run heals."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.bar.house import FULL, PATIENCE, House, children, furnish, open_house, until
from tests.bar.oracle import assert_sound
from tests.bar.postgres_house import PostgresHouse
from tests.servers.postgres import database, postgres

__all__ = ["database", "postgres"]

NEWEST = "SELECT value FROM observations ORDER BY id DESC LIMIT 1"
CHILDREN = 200 if FULL else 3
WORKERS = 200 if FULL else 2


@pytest.fixture(params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    if request.param == "sqlite":
        return open_house(tmp_path, "every 1 s")
    return furnish(PostgresHouse(tmp_path, request.getfixturevalue("database")), "every 1 s")


def test_a_run_killed_at_any_instant_leaves_no_trace_and_the_worker_outlives_it(house: House) -> None:
    """Seen red with a supervisor that does not write down how a run ended which could not do so itself."""
    chance, killed, number = random.Random(7), 0, 0
    house.play(0, seconds=0.3)
    with house.worker("--round", "1") as worker:
        until(lambda: "ok" in house.outcomes())
        while killed < CHILDREN:
            number += 1
            house.play(number, seconds=0.3)
            until(lambda: children(worker.pid))
            time.sleep(chance.uniform(0, 0.8) * bool(killed))  # a run lasts about as long; on a busy machine longer
            for child in children(worker.pid):
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
                    killed += 1
        house.play(1000)
        until(lambda: house.rows(NEWEST) == [(1000.0,)])
        assert worker.poll() is None
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    counts = assert_sound(house)
    assert "interrupted" in house.outcomes(), "the first is killed as it begins"
    print(f"{_where(house)}: kill -9 of a run: {killed} kills, {counts}")  # noqa: T201


def test_a_worker_killed_at_any_instant_is_healed_by_the_next_one(house: House) -> None:
    """Seen red with runs that don't look whether their worker lives, and with claims that don't.

    Each fourth run would last longer than anybody waits.
    """
    chance, slowest = random.Random(11), 0.0
    for number in range(WORKERS):
        house.play(number, seconds=0.3 if number % 4 else 2 * PATIENCE)
        with house.worker() as worker:
            if number % 4 != 3:  # else while it starts
                until(partial(children, worker.pid))
            time.sleep(chance.uniform(0, 2) * bool(number))
            left = children(worker.pid)
            worker.kill()
            worker.wait()
            died = time.monotonic()
            until(partial(_all_gone, left))  # one that starts still sees it when it began
            slowest = max(slowest, time.monotonic() - died)
    house.play(1000)
    with house.worker() as worker:
        until(lambda: house.rows(NEWEST) == [(1000.0,)])
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    counts = assert_sound(house)
    assert "interrupted" in house.outcomes(), "the first is killed with its run"
    print(f"{_where(house)}: kill -9 of a worker: {WORKERS} kills, its run ended within {slowest:.1f} s, {counts}")  # noqa: T201


def _where(house: House) -> str:
    return house.url.partition(":")[0]


def _all_gone(pids: list[int]) -> bool:
    return not any(_lives(pid) for pid in pids)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
