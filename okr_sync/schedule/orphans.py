"""Ties a run's process to the one that began it, before it imports what a run needs: that takes seconds.

This module imports nothing heavy, and what the run is crosses as bytes: unpickling it imports the rest.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from multiprocessing.process import BaseProcess
from typing import Any

__all__ = ["ORPHANED", "Parcel", "Start", "end_without", "pack", "perform", "process_for", "started_cold"]

ORPHANED = 75  # exit code of a child whose parent is gone, or whose time is over
SIGNAL_AT_PARENTS_DEATH = 1  # PR_SET_PDEATHSIG of prctl(2)
Parcel = bytes
"""What to do and with what, pickled."""
Start = Callable[[Callable[[Any], None], Any, str, float], BaseProcess]
"""Starts a process that does `do(task)`: do, task, name, seconds after which it ends itself."""


def process_for(do: Callable[[Any], None], task: Any, name: str, seconds: float) -> SpawnProcess:
    """Return a process, to be started, that does `do(task)` in a session of its own.

    It ends when the thread that starts it is gone, and after `seconds`. Both arguments of the call are pickled.
    """
    return get_context("spawn").Process(target=_begin, args=(pack(do, task), seconds), name=name)


def started_cold(do: Callable[[Any], None], task: Any, name: str, seconds: float) -> BaseProcess:
    """Return a process that does what `process_for` says and was started."""
    process = process_for(do, task, name, seconds)
    process.start()
    return process


def pack(do: Callable[[Any], None], task: Any) -> Parcel:
    """Return a call as bytes: nothing that it needs is imported before `perform`."""
    return pickle.dumps((do, task))


def perform(parcel: Parcel) -> None:
    """Do the call in `parcel`."""
    do, task = pickle.loads(parcel)  # noqa: S301 -- what the parent itself made
    do(task)


def end_without(parent: int | None, seconds: float) -> None:
    """Make this process the leader of a session, and end it with the process `parent`, and after `seconds`.

    The kernel keeps it to the process that forked it, a thread to the one that asked for it.
    """
    os.setsid()  # what it begins is killed with it, and a terminal's Ctrl-C reaches its parent only
    _die_with(parent)
    threading.Thread(target=_end_with_parent, args=(seconds,), daemon=True).start()


def _begin(parcel: Parcel, seconds: float) -> None:
    parent = multiprocessing.parent_process()
    end_without(parent.pid if parent else None, seconds)
    perform(parcel)


def _die_with(parent: int | None) -> None:
    """Let the kernel kill this process with its parent, where it can: also while an import holds up all threads."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SIGNAL_AT_PARENTS_DEATH, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(ORPHANED)  # it died before we asked


def _end_with_parent(seconds: float) -> None:
    """End this process when its parent is gone, or when `seconds` have passed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel], timeout=seconds)
        os._exit(ORPHANED)  # no way back: a thread may hang in a library
