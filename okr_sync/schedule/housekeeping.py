"""Housekeeping: once a day one of all workers sees to the store, in a process that can be killed, beside all runs."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING

from okr_sync.core.slots import latest_slot
from okr_sync.errors import StoreError
from okr_sync.schedule.engine import Tell
from okr_sync.schedule.limits import Limits
from okr_sync.schedule.local import told
from okr_sync.schedule.orphans import process_for
from okr_sync.store import housekeeping, tidying
from okr_sync.store.database import Store
from okr_sync.store.processes import this_process

if TYPE_CHECKING:
    from okr_sync.config import Config

__all__ = ["Chore", "Housekeeper", "see_to_store"]

LONGEST = timedelta(hours=1)  # of one housekeeping
LOOK = 0.2  # seconds between two looks at the process
LATE = 3.0  # seconds after its time at which the process ends itself, should nobody else do so
FAILED = 4


@dataclass(frozen=True, slots=True)
class Chore:
    """One housekeeping to do; everything in it crosses to the other process."""

    store_url: str
    due: datetime
    before: datetime | None
    """What is older may be forgotten; None: nothing."""
    clock: Callable[[], datetime]
    memory: int
    """Bytes of address space; 0: no limit."""


def see_to_store(chore: Chore) -> None:
    """Do it and write down that it is done; leave with an exit code other than 0 when it fails."""
    if chore.memory:
        resource.setrlimit(resource.RLIMIT_AS, (chore.memory, chore.memory))
    store: Store | None = None
    try:
        store = Store.open(chore.store_url, create=False)
        removed = {} if chore.before is None else tidying.forget(store, chore.before)
        tidying.pack(store)
        with store.writing() as session:
            housekeeping.finish(session, chore.due, chore.clock(), removed)
    except (StoreError, MemoryError) as error:
        said = str(error) or f"it needs more memory than its {chore.memory // 1024**2} MiB"
        sys.stderr.write(f"housekeeping: {said}\n")
        _write_down(store, chore.due, chore.clock(), said)
        sys.exit(FAILED)


@dataclass(slots=True)
class Housekeeper:
    """Looks whether housekeeping is due, and has it done. `stop` is set when its worker is to end."""

    store: Store
    store_url: str
    limits: Limits
    clock: Callable[[], datetime]
    stop: threading.Event
    tell: Tell
    owner: str = field(default_factory=this_process)
    do: Callable[[Chore], None] = see_to_store
    """What the process does."""
    longest: timedelta = LONGEST
    """After which it is ended."""
    _settled: datetime | None = None

    def work(self, config: Callable[[], Config]) -> None:
        """Look every round until `stop`; a store that can't be asked is told once."""
        said = ""
        while not self.stop.wait(self.limits.round.total_seconds()):
            try:
                self.look(config())
                said = ""
            except (StoreError, OSError) as error:
                if said != str(error):
                    self.tell(f"housekeeping waits: {told(error)}")
                said = str(error)

    def look(self, config: Config) -> bool:
        """Do what is due, if nobody did; return whether it was done here. Raises StoreError when nobody can tell."""
        now, wanted = self.clock(), config.housekeeping
        due = None if wanted.time is None else latest_slot(wanted.time, config.zone(), now)
        if due is None or due == self._settled:
            return False
        claimed = self._claim(due, now)
        self._settled = due
        if not claimed:
            return False
        before = None if wanted.keep is None else self._before(due, wanted.keep)
        self._have_done(Chore(self.store_url, due, before, self.clock, self.limits.memory))
        return True

    def _before(self, due: datetime, keep: timedelta) -> datetime | None:
        """Return what is forgotten: what is older. None: nothing, since nobody knows for certain how late it is."""
        with self.store.reading() as session:
            late = housekeeping.certain(session, due)
        return None if late is None else late - keep

    def _claim(self, due: datetime, now: datetime) -> bool:
        with self.store.reading() as session:  # asked first, since only writers make others wait
            if not housekeeping.is_due(session, due, now):
                return False
        with self.store.writing() as session:
            return housekeeping.claim(session, due, now, self.owner, now + self.longest)

    def _have_done(self, chore: Chore) -> None:
        self.tell("housekeeping begins")
        process = process_for(self.do, chore, "okr-sync housekeeping", self.longest.total_seconds() + LATE)
        process.start()
        try:
            why = self._wait(process)
        finally:
            self._end(process)
        why = why or f"its process ended with exit code {process.exitcode} before it was done"
        _write_down(self.store, chore.due, self.clock(), why)
        with self.store.reading() as session:
            self.tell(_outcome(housekeeping.kept(session)[0]))

    def _wait(self, process: SpawnProcess) -> str:
        """Return why the process is to be ended; empty when it ended by itself."""
        until = time.monotonic() + self.longest.total_seconds()
        while time.monotonic() < until:
            if wait([process.sentinel], timeout=LOOK):
                return ""
            if self.stop.is_set():
                return "the worker was asked to stop"
        return f"it took longer than {self.longest}"

    def _end(self, process: SpawnProcess) -> None:
        """Ask the process to end, then kill it."""
        process.terminate()
        process.join(self.limits.grace.total_seconds())
        with suppress(ProcessLookupError):
            os.killpg(process.pid or 0, signal.SIGKILL)
        if process.is_alive():
            process.kill()
        process.join()


def _write_down(store: Store | None, due: datetime, now: datetime, why: str) -> None:
    """Write down why it is not done, if the store takes that; else it is seen as interrupted when its time is over."""
    with suppress(StoreError):
        if store is not None:
            with store.writing() as session:
                housekeeping.fail(session, due, now, why)


def _outcome(done: housekeeping.Kept) -> str:
    if done.finished is None or done.error is not None:
        return f"housekeeping failed, and is done again the next day: {done.error or 'see the lines before'}"
    counts = [f"{number} {name.replace('_', ' ')}" for name, number in done.removed.items()]
    took = max(0.0, (done.finished - done.started).total_seconds())  # a clock may be set back meanwhile
    return f"housekeeping is done in {took:.1f} s; deleted {', '.join(counts) or 'nothing'}"
