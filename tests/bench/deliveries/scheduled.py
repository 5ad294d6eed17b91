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

from tests.bench.deliveries.processes import ROOT

EVERY = "every 5 s"
COLD = 2  # runs before those that count: they find nothing ready
PATIENCE = 300.0  # seconds until all of them ended
DONE = """
SELECT s.due, r.finished FROM slots s JOIN runs r ON r.id = s.run_id WHERE r.outcome = 'ok' ORDER BY s.due
"""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The seconds of each run, from the instant at which it was due to its recorded end."""

    seconds: tuple[float, ...]

    @property
    def wall(self) -> float:
        """Return the median of the seconds."""
        return statistics.median(self.seconds)


def measure(config: Path, store: Path, env: Mapping[str, str], runs: int) -> tuple[float, ...]:
    """Let a worker do runs over this store, until so many ended after the first; return the seconds of each.

    Raises RuntimeError when they don't come.
    """
    with _due(config / "okr-sync.yaml"), _worker(config, store, env):
        until = time.monotonic() + PATIENCE
        while len(done := _done(store)) < COLD + runs:
            if time.monotonic() > until:
                raise RuntimeError(f"a worker did {len(done)} runs in {PATIENCE:g} s")
            time.sleep(0.5)
    return tuple((ended - due).total_seconds() for due, ended in done[COLD : COLD + runs])


@contextmanager
def _due(file: Path) -> Iterator[None]:
    """Let the config have a schedule until the end of the block."""
    text = file.read_text("utf-8")
    file.write_text(json.dumps(json.loads(text) | {"schedule": EVERY}), "utf-8")
    try:
        yield
    finally:
        file.write_text(text, "utf-8")


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


def _done(store: Path) -> list[tuple[datetime, datetime]]:
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        return [(datetime.fromisoformat(due), datetime.fromisoformat(end)) for due, end in connection.execute(DONE)]
