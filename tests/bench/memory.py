"""Resident memory of a worker over many runs: `--runs 30` behind the first `--warm 10`.

Each run is a process of its own, so what grows is what the worker itself keeps. `--cut` kills the run's process as it
begins, all but each 25th: the worker has as much to do, and 1,000 runs take minutes.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bar.house import House, children, open_house, resident, until

PATIENCE = 120.0  # seconds for one run on a busy machine
ENDED = "SELECT count(*) FROM runs WHERE outcome NOT IN ('running', 'missed')"
WHOLE = "SELECT count(*) FROM runs WHERE outcome = 'ok'"
EACH = 25  # runs of which one is whole under `--cut`
GROWTH = 1024  # KiB that it may grow


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m tests.bench memory")
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--warm", type=int, default=10)
    parser.add_argument("--cut", action="store_true")
    asked = parser.parse_args(words)
    with TemporaryDirectory() as folder:
        house = open_house(Path(folder), "every 1 s")
        with house.worker("--round", "1") as worker:
            watched = _Watched(house, worker, cut=asked.cut)
            watched.wait(asked.warm)
            before, began = resident(worker.pid), watched.ended()
            for number in range(began, began + asked.runs, max(1, asked.runs // 10)):
                watched.wait(number)
                _say(f"{number - began:6d} runs: {resident(worker.pid):7d} KiB")
            watched.wait(began + asked.runs)
            grown, did = resident(worker.pid) - before, watched.ended() - began
            whole = watched.count(WHOLE)
    _say(f"worker after {did} runs, {whole} in all whole: {before} KiB, then {grown:+d} KiB (at most {GROWTH})")


@dataclass
class _Watched:
    """A worker and what it did; `cut`: whose runs are killed."""

    house: House
    worker: subprocess.Popen[str]
    cut: bool

    def ended(self) -> int:
        """Return how many runs ended, in whatever way."""
        return self.count(ENDED)

    def count(self, query: str) -> int:
        return sum(int(number) for (number,) in self.house.rows(query))

    def wait(self, runs: int) -> None:
        """Wait until so many runs ended, one after the other."""
        while (done := self.ended()) < runs:
            until(self._beyond(done), PATIENCE)

    def _beyond(self, done: int) -> Callable[[], bool]:
        def holds() -> bool:
            if self.cut and done % EACH:
                for run in children(self.worker.pid):
                    with suppress(ProcessLookupError):
                        os.kill(run, signal.SIGKILL)
            return self.ended() > done

        return holds


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
