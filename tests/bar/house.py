"""A config folder with a played source, and the real program in processes of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from okr_sync.registry import GROUP

ROOT = Path(__file__).parents[2]
FULL = os.environ.get("OKR_SYNC_BAR") == "full"
PATIENCE = 240.0 if FULL else 60.0  # seconds; what is done at full size is done beside other work
OKRS = """
cycle: now
objectives:
  - id: growth
    title: Growth
    key_results:
      - {id: users, title: Users, measure: {metric: users, baseline: 0, target: 1000}}
      - {id: sales, title: Sales, measure: {metric: sales, baseline: 0, target: 1000}}
"""
MAIN = """
schedule: %s
okrs: [team.yaml]
sources:
  one: {kind: played, script: script.json, told: told.txt}
cycles:
  now: {start: 2020-01-01, end: 2090-12-31}
metrics:
  users: {source: one}
  sales: {source: one}
"""


@dataclass
class House:
    """A folder; `play` says what the source does from now on."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "okr-sync.yaml"

    @property
    def url(self) -> str:
        """The address of the store."""
        return f"sqlite:///{self.folder / 'okr-sync.db'}"

    def install(self, kind: str, place: str) -> None:
        """Let the program find a connector as if it were installed."""
        named = self.folder / "site" / f"okr_sync_{kind}-1.dist-info"
        named.mkdir(parents=True)
        (named / "METADATA").write_text(f"Metadata-Version: 2.1\nName: okr-sync-{kind}\nVersion: 1\n", "utf-8")
        (named / "entry_points.txt").write_text(f"[{GROUP}]\n{kind} = {place}\n", "utf-8")

    def play(self, value: int, **more: Any) -> None:
        script = self.folder / "script.json"
        fresh = script.with_suffix(".new")
        fresh.write_text(json.dumps({"value": value, **more}), "utf-8")
        fresh.replace(script)

    def schedule(self, text: str) -> None:
        self.file.write_text(MAIN % text, "utf-8")

    def damage(self) -> list[tuple[Any, ...]]:
        """Return what the database itself finds wrong."""
        return [row for row in self.rows("PRAGMA integrity_check") if row != ("ok",)] + self.rows(
            "PRAGMA foreign_key_check"
        )

    def told(self) -> list[tuple[int, int]]:
        """Return (process, value) of every answer, in their order."""
        file = self.folder / "told.txt"
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        return [(int(pid), int(value)) for pid, value in map(str.split, lines)]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            self._words(words), env=self._env(), capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    @contextmanager
    def worker(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Give a worker that works; killed at the end if it still does."""
        log = (self.folder / "worker.log").open("a", encoding="utf-8")
        process = subprocess.Popen(self._words(("work", *words)), env=self._env(), stdout=log, stderr=log, text=True)
        try:
            yield process
        finally:
            for each in (*children(process.pid), process.pid):
                with suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
            process.wait()
            log.close()

    @contextmanager
    def started(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Give a command that runs; killed at the end if it still does."""
        with subprocess.Popen(
            self._words(words), env=self._env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def log(self) -> str:
        return (self.folder / "worker.log").read_text("utf-8")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what the store holds; nothing while there is none."""
        if not (self.folder / "okr-sync.db").exists():
            return []
        address = f"file:{self.folder / 'okr-sync.db'}?mode=ro"
        try:
            with closing(sqlite3.connect(address, uri=True, timeout=30)) as connection:
                return connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []  # no tables yet

    def outcomes(self) -> list[str]:
        """Return the outcomes of all runs, oldest first."""
        return [outcome for (outcome,) in self.rows("SELECT outcome FROM runs ORDER BY id")]

    def _words(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "okr_sync", *words, "--config", str(self.folder)]

    def _env(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{self.folder / 'site'}"}


AnyHouse = TypeVar("AnyHouse", bound=House)


def open_house(folder: Path, schedule: str = "every 1 d") -> House:
    """Return a furnished house whose store is a file."""
    return furnish(House(folder), schedule)


def furnish(house: AnyHouse, schedule: str = "every 1 d") -> AnyHouse:
    """Write a config with two key results on one played source, which the program finds as an installed connector."""
    house.install("played", "tests.bar.played:Played")
    (house.folder / "team.yaml").write_text(OKRS, "utf-8")
    house.schedule(schedule)
    house.play(5)
    return house


def until(holds: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until something holds; fail when it does not in time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """Return the processes that do runs for `pid`: those that it spawned, and those that its server forked."""
    forked = [run for server in servers(pid) for run in _began_by(server)]
    return sorted({*spawned(pid), *forked})


def spawned(pid: int) -> list[int]:
    """Return the processes that `pid` spawned for a piece of work: housekeeping, and runs where none are forked."""
    return [each for each in _began_by(pid) if _has_word(each, b"spawn_main")]


def servers(pid: int) -> list[int]:
    """Return the processes that fork runs for `pid`: one, while it lives."""
    return [each for each in _began_by(pid) if _has_word(each, b"multiprocessing.forkserver")]


def _began_by(pid: int) -> list[int]:
    with suppress(OSError):
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text("utf-8").split()]
    return []


@contextmanager
def copied(house: House, place: Path) -> Iterator[House]:
    """Give a copy of the house below `place`, and remove it at the end."""
    folder = place / "copy"
    shutil.copytree(house.folder, folder)
    yield House(folder)
    shutil.rmtree(folder)


def resident(pid: int) -> int:
    """Return the memory that a process has, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def _has_word(pid: int, word: bytes) -> bool:
    with suppress(OSError):
        return word in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def moment(text: str) -> datetime:
    """Return an instant as the store writes it."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
