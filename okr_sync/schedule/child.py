"""What a run's own process does: it limits itself, does the run, and says why when it could not."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from okr_sync.config import Config
from okr_sync.config.commits import Commits
from okr_sync.errors import OkrSyncError
from okr_sync.garbage import seldom_collected, unsearched_at_exit
from okr_sync.store.database import Store
from okr_sync.sync.run import World, sync

__all__ = ["Task", "run_child"]

FAILED = 4


@dataclass(frozen=True, slots=True)
class Task:
    """One run to do; everything in it crosses to the other process."""

    config: Config
    store_url: str
    run: int
    only: frozenset[str] | None
    """Sources to ask; None: all."""
    author: str
    clock: Callable[[], datetime]
    seconds: float
    """How long it may take before it ends itself, should nobody else do so."""
    memory: int
    """Bytes of address space; 0: no limit."""


def run_child(task: Task) -> None:
    """Do the run and leave with exit code 0 when it has an outcome."""
    unsearched_at_exit()
    if task.memory:
        resource.setrlimit(resource.RLIMIT_AS, (task.memory, task.memory))
    try:
        store = Store.open(task.store_url, create=False)
        world = World(clock=task.clock, commits=Commits)
        with seldom_collected():
            sync(store, task.config, world, author=task.author, begun=task.run, only=task.only)
    except OkrSyncError as error:
        sys.stderr.write(f"run {task.run}: {error}\n")
        sys.exit(FAILED)
    except MemoryError:
        sys.stderr.write(f"run {task.run}: it needs more memory than its {task.memory // 1024**2} MiB\n")
        sys.exit(FAILED)
