"""Watches over one run in its child process: renews the lease, ends it in time, writes down how it ended."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Literal, TypeAlias

from okr_sync.errors import StoreError
from okr_sync.schedule.child import Task, run_child
from okr_sync.schedule.engine import Tell
from okr_sync.schedule.limits import Limits
from okr_sync.schedule.orphans import ORPHANED, Start, started_cold
from okr_sync.schedule.pulse import unheard
from okr_sync.store import ledger
from okr_sync.store.database import Store

__all__ = ["Supervisor"]

LOOK = 0.2  # seconds between two looks at a run
UNKNOWN = 255  # exit code of a process whose end nobody is left to tell
PAUSE = 1.0  # seconds before something that the store refused is written again
End: TypeAlias = Literal["itself", "deadline", "stopped", "fenced"]


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Watches over the runs of one process. `stop` is set when that process is to end."""

    store: Store
    limits: Limits
    clock: Callable[[], datetime]
    stop: threading.Event
    tell: Tell
    beat: Callable[[], None] = unheard
    """Called while it watches, several times a second."""
    start: Start = started_cold

    def supervise(self, task: Task, seconds: float) -> ledger.RunOutcome | None:
        """Do the run in a child process, for `seconds` at most; return its outcome, None when it can't be written."""
        until = time.monotonic() + seconds
        process = self.start(run_child, task, f"okr-sync run {task.run}", task.seconds)
        fenced, done = threading.Event(), threading.Event()
        heart = threading.Thread(target=self._beat, args=(task.run, fenced, done), daemon=True)
        heart.start()
        try:
            end = self._wait(process, until, fenced)
        finally:
            self._end(process)
            done.set()
        return self._record(task.run, *_said(end, process.exitcode, seconds))

    def _wait(self, process: BaseProcess, until: float, fenced: threading.Event) -> End:
        while time.monotonic() < until:
            self.beat()
            if wait([process.sentinel], timeout=LOOK):
                return "itself"
            if self.stop.is_set():
                return "stopped"
            if fenced.is_set():
                return "fenced"
        return "deadline"

    def _end(self, process: BaseProcess) -> None:
        """Ask the process to end, then kill it with all that it began."""
        if process.is_alive():
            process.terminate()
        process.join(self.limits.grace.total_seconds())
        with suppress(ProcessLookupError):
            os.killpg(process.pid or 0, signal.SIGKILL)
        if process.is_alive():
            process.kill()
        process.join()

    def _beat(self, run: int, fenced: threading.Event, done: threading.Event) -> None:
        """Renew the lease thrice while it lasts; a store that can't be written in time loses it, as it should."""
        while not done.wait(self.limits.lease.total_seconds() / 3):
            try:
                with self.store.writing() as session:
                    held = ledger.renew_lease(session, run, self.clock() + self.limits.lease)
            except StoreError as error:
                self.tell(f"run {run}: its lease is not renewed: {error}")
                continue
            if not held:
                fenced.set()
                return

    def _record(self, run: int, outcome: Literal["failed", "interrupted"], why: str) -> ledger.RunOutcome | None:
        """Write down how it ended, unless it did so itself, and return that.

        It tries for as long as a lease lasts: then whoever claims a run next says that this one was interrupted.
        """
        until = time.monotonic() + self.limits.lease.total_seconds()
        while True:
            self.beat()
            try:
                with self.store.writing() as session:
                    return ledger.close_unfinished(session, run, self.clock(), outcome, why)
            except StoreError as error:
                self.tell(f"run {run}: how it ended is not written yet: {error}")
                if self.stop.wait(PAUSE) or time.monotonic() >= until:
                    return None


def _said(end: End, code: int | None, seconds: float) -> tuple[Literal["failed", "interrupted"], str]:
    """Return the outcome of a run that wrote none, and why."""
    if end == "deadline" or (end == "itself" and code == ORPHANED):
        return "failed", f"it took longer than its deadline of {seconds:g} s and was ended"
    if end == "stopped":
        return "interrupted", "the worker was asked to stop"
    if code is not None and code < 0:
        return "interrupted", f"its process was ended by {signal.Signals(-code).name}"
    if code == UNKNOWN:
        return "interrupted", "the process that forks runs died, and its own with it"
    return "interrupted", f"its process ended with exit code {code} before the run was done"
