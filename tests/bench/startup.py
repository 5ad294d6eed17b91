"""What starting costs: CPU, wall, modules and memory of commands on a store with one key result from a CSV file.

Each is a process of its own; its modules come compiled, as an installed package's do. Beside them whole runs, spawned
by `run now` and forked by a worker: what the run's own process takes, and seconds from its claim to its end.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from okr_sync.cli.place import current_time
from okr_sync.config import load
from okr_sync.schedule import Limits, Runner
from okr_sync.schedule.forking import warmed
from okr_sync.schedule.orphans import Start
from okr_sync.store.database import Store
from tests.starting import environment, install, loaded_by, loaded_with, measure

COMMANDS = (
    "--version", "--help", "check", "sync", "plan", "status", "status --help", "explain signups", "report",
    "history signups", "runs", "doctor",
)  # fmt: skip
CHILD = "okr_sync.schedule.child"
"""What a run in a process of its own begins with."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """Does a run in its process, and writes into a file what that took."""

    do: Callable[[Any], None]
    file: Path

    def __call__(self, task: Any) -> None:
        """Do the run."""
        self.do(task)
        used = resource.getrusage(resource.RUSAGE_SELF)
        took = {"cpu": used.ru_utime + used.ru_stime, "modules": len(sys.modules), "peak": used.ru_maxrss / 1024}
        self.file.write_text(json.dumps(took), "utf-8")


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        "python -m tests.bench startup", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    rounds: int = parser.parse_args(words).rounds
    sys.stdout.write(f"{'':18}   CPU s  wall s  modules    MiB   (medians of {rounds})\n")
    with TemporaryDirectory(prefix="okr-sync-bench-") as name:
        folder = Path(name)
        install(folder)
        loaded_by(["sync"], folder)
        for command in COMMANDS:
            asked = command.split()
            _print(command, ["-m", "okr_sync", *asked], len(loaded_by(asked, folder)), folder, rounds)
        _print("a run's start", ["-c", f"import {CHILD}"], len(loaded_with(CHILD, folder)), folder, rounds)
        for warm in (False, True):
            _print_runs(folder, rounds, warm=warm)


def _print(what: str, words: list[str], modules: int, folder: Path, rounds: int) -> None:
    compiled = {**environment(), "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    compiled.pop("PYTHONDONTWRITEBYTECODE", None)
    measure(words, folder, compiled)  # the first one compiles
    starts = [measure(words, folder, compiled) for _ in range(rounds)]
    cpu, wall, peak = (median(getattr(start, name) for start in starts) for name in ("cpu", "wall", "peak"))
    sys.stdout.write(f"{what:18} {cpu:7.2f} {wall:7.2f} {modules:8} {peak:6.0f}\n")
    sys.stdout.flush()


def _print_runs(folder: Path, rounds: int, *, warm: bool) -> None:
    file, found = folder / "took.json", []
    config = load(folder / "okr-sync.yaml", os.environ)
    with closing(Store.open(config.store_url)) as store:
        runner = Runner(store, config.store_url, Limits(), current_time, "bench", lambda _text: None)
        if warm:
            runner = warmed(runner, config)
        runner = replace(runner, start=_weighing(runner.start, file))
        for _ in range(rounds + 1):
            begin = time.perf_counter()
            runner.run_now(config)
            found.append({**json.loads(file.read_text("utf-8")), "wall": time.perf_counter() - begin})
    cpu, wall, modules, peak = (median(each[name] for each in found[1:]) for name in ("cpu", "wall", "modules", "peak"))
    sys.stdout.write(
        f"{'a run, forked' if warm else 'a run, spawned':18} {cpu:7.2f} {wall:7.2f} {modules:8.0f} {peak:6.0f}\n"
    )
    sys.stdout.flush()


def _weighing(start: Start, file: Path) -> Start:
    def weighed(do: Callable[[Any], None], task: Any, name: str, seconds: float) -> BaseProcess:
        return start(Weighed(do, file), task, name, seconds)

    return weighed
