"""What starting costs: CPU, wall, modules and memory of commands on a store with one key result from a CSV file.

Each is a process of its own, as every run of a worker is; its modules come compiled, as an installed package's do.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.starting import environment, install, loaded_by, loaded_with, measure

COMMANDS = (
    "--version", "--help", "check", "sync", "plan", "status", "status --help", "explain signups", "report",
    "history signups", "runs", "doctor",
)  # fmt: skip
CHILD = "okr_sync.schedule.child"
"""What a run of the worker begins with."""


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
        _print("a worker's run", ["-c", f"import {CHILD}"], len(loaded_with(CHILD, folder)), folder, rounds)


def _print(what: str, words: list[str], modules: int, folder: Path, rounds: int) -> None:
    compiled = {**environment(), "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    compiled.pop("PYTHONDONTWRITEBYTECODE", None)
    measure(words, folder, compiled)  # the first one compiles
    starts = [measure(words, folder, compiled) for _ in range(rounds)]
    cpu, wall, peak = (median(getattr(start, name) for start in starts) for name in ("cpu", "wall", "peak"))
    sys.stdout.write(f"{what:18} {cpu:7.2f} {wall:7.2f} {modules:8} {peak:6.0f}\n")
    sys.stdout.flush()
