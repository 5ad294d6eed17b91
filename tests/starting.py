"""A small installation on files alone, and the program started in it as a process of its own."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

MAIN = """\
store: sqlite:///okr-sync.db
schedule: every 1 h
sources:
  sheet: {kind: csv_file, path: numbers.csv}
metrics:
  signups: {source: sheet, column: value, where: {name: signups}}
cycles:
  2026-Q4: {start: 2026-10-01, end: 2026-12-31}
teams:
  growth: {title: Growth}
people:
  ana: {name: Ana}
"""
OKRS = """\
cycle: 2026-Q4
team: growth
objectives:
  - id: more-people
    title: More people find us
    owner: ana
    key_results:
      - id: signups
        title: Sign-ups a week
        measure: {metric: signups, baseline: 100, target: 300}
"""
PROGRAM = "import sys; from okr_sync.cli import main; code = main(sys.argv[1:]); "
LISTING = PROGRAM + "sys.__stderr__.write('\\n' + '\\n'.join(sys.modules)); sys.exit(code)"
IMPORTING = "import sys, {module}; sys.stderr.write('\\n'.join(sys.modules))"


@dataclass(frozen=True, slots=True)
class Start:
    """What one process cost: seconds of this machine's processors and of the clock, and MiB at its peak."""

    cpu: float
    wall: float
    peak: float


def install(folder: Path) -> None:
    """Write the config of one key result from a CSV file, without a store."""
    (folder / "okrs").mkdir()
    (folder / "okr-sync.yaml").write_text(MAIN, "utf-8")
    (folder / "okrs" / "growth.yaml").write_text(OKRS, "utf-8")
    (folder / "numbers.csv").write_text("name,value\nsignups,200\n", "utf-8")


def loaded_by(words: list[str], folder: Path) -> frozenset[str]:
    """Return the modules that `okr-sync WORDS` holds when it is done, run in `folder`. It must exit with 0."""
    return _modules(["-c", LISTING, *words], folder)


def loaded_with(module: str, folder: Path) -> frozenset[str]:
    """Return the modules that importing `module` brings."""
    return _modules(["-c", IMPORTING.format(module=module)], folder)


def _modules(words: list[str], folder: Path) -> frozenset[str]:
    done = subprocess.run([sys.executable, *words], cwd=folder, env=environment(), capture_output=True, text=True)  # noqa: PLW1510 -- it is judged below
    if done.returncode:
        raise AssertionError(f"{words[2:]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return frozenset(done.stderr.splitlines())


def measure(words: list[str], folder: Path, env: dict[str, str]) -> Start:
    """Return what `python WORDS` costs in `folder`. Raises AssertionError when it fails."""
    begin = time.perf_counter()
    with subprocess.Popen([sys.executable, *words], cwd=folder, env=env, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise AssertionError(f"{words} ended with {process.returncode}")
    return Start(used.ru_utime + used.ru_stime, time.perf_counter() - begin, _mebibytes(used))


def environment() -> dict[str, str]:
    """Return the environment with this checkout first on the path."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def _mebibytes(used: resource.struct_rusage) -> float:
    return used.ru_maxrss / 1024  # Linux counts KiB
