"""Resident memory of a worker over many runs: `--runs 30` behind the first `--warm 10`; 1,000 take a while.

Each run is a process of its own, so what grows is what the worker itself keeps.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bar.house import House, open_house, resident, until

PATIENCE = 120.0  # seconds for one run on a busy machine
DONE = "SELECT count(*) FROM runs WHERE outcome = 'ok'"
GROWTH = 1024  # KiB that it may grow


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m tests.bench memory")
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--warm", type=int, default=10)
    asked = parser.parse_args(words)
    with TemporaryDirectory() as folder:
        house = open_house(Path(folder), "every 1 s")
        with house.worker("--round", "1") as worker:
            _wait(house, asked.warm)
            before, began = resident(worker.pid), _done(house)
            for number in range(began, began + asked.runs, max(1, asked.runs // 10)):
                _wait(house, number)
                _say(f"{number - began:6d} runs: {resident(worker.pid):7d} KiB")
            _wait(house, began + asked.runs)
            grown, did = resident(worker.pid) - before, _done(house) - began
    _say(f"worker after {did} runs: {before} KiB, then {grown:+d} KiB (at most {GROWTH})")


def _done(house: House) -> int:
    return sum(int(number) for (number,) in house.rows(DONE))


def _wait(house: House, runs: int) -> None:
    """Wait until so many runs are done, one after the other."""
    while (done := _done(house)) < runs:
        until(partial(_more, house, done), PATIENCE)


def _more(house: House, done: int) -> bool:
    return _done(house) > done


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
