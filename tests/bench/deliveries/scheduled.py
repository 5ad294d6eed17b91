"""Runs as people have them: started by a worker when they are due, whose process is there already."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.bench.deliveries.processes import ROOT

EVERY = "every 5 s"
COLD = 2  # runs before those that count: they find nothing ready
PATIENCE = 300.0  # seconds until all of them ended
DONE = """
SELECT s.due, r.finished FROM slots s JOIN runs r ON r.id = s.run_id WHERE r.outcome = 'ok' ORDER BY s.due
"""
ASKED = """
SELECT s.due, r.finished FROM slots s JOIN runs r ON r.id = s.run_id JOIN run_sources c ON c.run_id = r.id
WHERE r.outcome = 'ok' AND c.requests > 0 ORDER BY s.due
"""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The seconds of each run, from the instant at which it was due to its recorded end."""

    seconds: tuple[float, ...]
    first: tuple[float, ...] = ()
    """Those of runs that brought everything."""

    @property
    def wall(self) -> float:
        """Return the median of the seconds."""
        return statistics.median(self.seconds)

    @property
    def full(self) -> float:
        """Return the median of the seconds of runs that brought everything."""
        return statistics.median(self.first)


def measure(config: Path, store: Path, env: Mapping[str, str], runs: int) -> tuple[float, ...]:
    """Let a worker do runs over this store, until so many ended after the first; return the seconds of each.

    Raises RuntimeError when they don't come.
    """
    with _written(config / "okr-sync.yaml", schedule=EVERY), _worker(config, store, env):
        done = _awaited(store, DONE, COLD + runs)
    return tuple((ended - due).total_seconds() for due, ended in done[COLD : COLD + runs])


def measure_first(config: Path, store: Path, env: Mapping[str, str]) -> float:
    """Give a worker all goals after its first runs without any; return the seconds of the run that brings everything.

    Raises RuntimeError when it doesn't come.
    """
    file = config / "okr-sync.yaml"
    with _written(file, schedule=EVERY, okrs=[]), _worker(config, store, env):
        _awaited(store, DONE, COLD)
        with _written(file, okrs=["okrs/*.yaml"]):
            [(due, ended), *_] = _awaited(store, ASKED, 1)
    return (ended - due).total_seconds()


@contextmanager
def _written(file: Path, **words: Any) -> Iterator[None]:
    """Let the config say this, too, until the end of the block."""
    text = file.read_text("utf-8")
    _replace(file, json.dumps(json.loads(text) | words))
    try:
        yield
    finally:
        _replace(file, text)


def _replace(file: Path, text: str) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_text(text, "utf-8")
    fresh.replace(file)


@contextmanager
def _worker(config: Path, store: Path, env: Mapping[str, str]) -> Iterator[None]:
    words = ["work", "--config", str(config), "--store", f"sqlite:///{store}"]
    command = [sys.executable, "-m", "okr_sync", *words]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | env, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _awaited(store: Path, asked: str, number: int) -> list[tuple[datetime, datetime]]:
    """Return when so many runs that `asked` finds, or more, were due and ended."""
    until = time.monotonic() + PATIENCE
    while len(done := _found(store, asked)) < number:
        if time.monotonic() > until:
            raise RuntimeError(f"a worker did {len(done)} runs in {PATIENCE:g} s")
        time.sleep(0.5)
    return done


def _found(store: Path, asked: str) -> list[tuple[datetime, datetime]]:
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            told = connection.execute(asked).fetchall()
    except sqlite3.OperationalError:  # there is no store yet
        return []
    return [(datetime.fromisoformat(due), datetime.fromisoformat(end)) for due, end in told]
