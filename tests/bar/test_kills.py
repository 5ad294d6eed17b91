"""Kills of real processes at any instant: nothing is half visible, the worker goes on, the next run heals."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from tests.bar.house import FULL, children, open_house, until
from tests.bar.oracle import assert_sound

CHILDREN = 200 if FULL else 4
WORKERS = 100 if FULL else 3


def test_a_run_killed_at_any_instant_leaves_no_trace_and_the_worker_outlives_it(tmp_path: Path) -> None:
    house, chance, killed = open_house(tmp_path, "every 1 s"), random.Random(7), 0
    house.play(0, seconds=0.3)
    with house.worker("--round", "1") as worker:
        until(lambda: "ok" in house.outcomes())
        for number in range(1, CHILDREN + 1):
            house.play(number, seconds=0.3)
            until(lambda: children(worker.pid))
            time.sleep(chance.uniform(0, 2.5))
            for child in children(worker.pid):
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
                    killed += 1
        house.play(1000)
        until(lambda: house.rows("SELECT value FROM observations ORDER BY id DESC LIMIT 1") == [(1000.0,)])
        assert worker.poll() is None
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    counts = assert_sound(house)
    assert killed >= CHILDREN / 2
    assert "interrupted" in house.outcomes()
    print(f"kill -9 of a run: {killed} kills, {counts}")  # noqa: T201


def test_a_worker_killed_at_any_instant_is_healed_by_the_next_one(tmp_path: Path) -> None:
    house, chance = open_house(tmp_path, "every 1 s"), random.Random(11)
    for number in range(WORKERS):
        house.play(number, seconds=0.3)
        with house.worker() as worker:
            time.sleep(chance.uniform(1.5, 6))
            left = children(worker.pid)
            worker.kill()
            worker.wait()
            until(partial(_all_gone, left), 10)
    house.play(1000)
    with house.worker() as worker:
        until(lambda: house.rows("SELECT value FROM observations ORDER BY id DESC LIMIT 1") == [(1000.0,)])
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    counts = assert_sound(house)
    print(f"kill -9 of a worker: {WORKERS} kills, {counts}")  # noqa: T201


def _all_gone(pids: list[int]) -> bool:
    return not any(_lives(pid) for pid in pids)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
