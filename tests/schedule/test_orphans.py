"""A run's process ends with the one that began it, also while it still imports what it needs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from okr_sync.schedule.orphans import ORPHANED, process_for
from tests.bar.house import ROOT, until
from tests.schedule.slow_import import LONG, SLOW

WORKER = f"""
import os, sys, threading
from okr_sync.schedule.child import Task
from okr_sync.schedule.forking import WarmStart
from okr_sync.schedule.limits import Limits
from okr_sync.schedule.orphans import started_cold
from okr_sync.schedule.supervising import Supervisor
from tests.schedule.slow_import import clock

os.environ["{SLOW}"] = sys.argv[1]
start = started_cold if sys.argv[2] == "cold" else WarmStart(print, ("okr_sync.schedule.forked",)).start
supervisor = Supervisor(None, Limits(), clock, threading.Event(), print, start=start)
supervisor.supervise(Task(None, "", 1, None, "", clock, {LONG}, 0), {LONG})
"""


@pytest.mark.parametrize("start", ["cold", "warm"])
def test_a_run_whose_worker_is_killed_while_it_imports_ends_with_it(start: str, tmp_path: Path) -> None:
    """Seen red on Linux without the kernel's part: while an import holds the lock, no thread can run.

    And `warm` by a run that keeps its end of the pipe by which the server sees that the worker lives.
    """
    file = tmp_path / "pid"
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(file), start], cwd=ROOT)
    try:
        until(lambda: file.exists() and file.read_text("utf-8"))
        worker.kill()
        worker.wait()
        until(lambda: not _lives(int(file.read_text("utf-8"))))
    finally:
        worker.kill()
        if file.exists():
            with suppress(ProcessLookupError):
                os.kill(int(file.read_text("utf-8")), 9)


def test_a_run_ends_itself_after_its_seconds_when_nobody_ends_it() -> None:
    """Seen red without the watch's time."""
    process = process_for(time.sleep, LONG, "hangs", 0.5)
    process.start()
    process.join(60)
    assert process.exitcode == ORPHANED


def _lives(pid: int) -> bool:
    """Return whether the process is there and no zombie."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    return False
