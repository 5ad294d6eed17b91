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
from typing import Any

__all__ = ["ORPHANED", "process_for"]

ORPHANED = 75  # exit code of a child whose parent is gone, or whose time is over
SIGNAL_AT_PARENTS_DEATH = 1  # PR_SET_PDEATHSIG of prctl(2)


def process_for(do: Callable[[Any], None], task: Any, name: str, seconds: float) -> SpawnProcess:
    """Return a process, to be started, that does `do(task)` in a session of its own.

    It ends when the thread that starts it is gone, and after `seconds`. Both arguments of the call are pickled.
    """
    return get_context("spawn").Process(target=_begin, args=(pickle.dumps((do, task)), seconds), name=name)


def _begin(parcel: bytes, seconds: float) -> None:
    os.setsid()  # what it begins is killed with it, and a terminal's Ctrl-C reaches its parent only
    _die_with_parent()
    threading.Thread(target=_end_with_parent, args=(seconds,), daemon=True).start()
    do, task = pickle.loads(parcel)  # noqa: S301 -- what the parent itself made
    do(task)


def _die_with_parent() -> None:
    """Let the kernel kill this process with its parent, where it can: also while an import holds up all threads."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SIGNAL_AT_PARENTS_DEATH, signal.SIGKILL)
    parent = multiprocessing.parent_process()
    if parent is not None and os.getppid() != parent.pid:
        os._exit(ORPHANED)  # it died before we asked


def _end_with_parent(seconds: float) -> None:
    """End this process when its parent is gone, or when `seconds` have passed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel], timeout=seconds)
        os._exit(ORPHANED)  # no way back: a thread may hang in a library
