"""What a run does first that a server forked: it leaves the server, and hears again who asks it to end.

This module imports nothing heavy, and the server imports it first: what it finds in its memory is the server's.
"""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from typing import Any

from okr_sync.schedule.orphans import Parcel, end_without, perform

__all__ = ["begin", "not_asked_to_end"]

ASKED_TO_END = (signal.SIGTERM, signal.SIGINT)
HERE = os.getpid()  # in a run: the server's, or its own where the server could not import this


@contextmanager
def not_asked_to_end() -> Iterator[None]:
    """Let a server that is started meanwhile hear neither SIGTERM nor Ctrl-C: its runs are to be ended before it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ASKED_TO_END)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin(parcel: Parcel, seconds: float) -> None:
    """Perform what a spawned process would, with what is left to be done at its end; `seconds` as in `end_without`."""
    _forget_the_worker()
    end_without(HERE if os.getpid() != HERE else None, seconds)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKED_TO_END)
    try:
        perform(parcel)
    finally:
        atexit._run_exitfuncs()


def _forget_the_worker() -> None:
    """Close the end of the pipe by which the server sees that its worker lives: it must not live by its runs."""
    server: Any = forkserver._forkserver  # there is no other way to the pipe
    os.close(server._forkserver_alive_fd)
    server._forkserver_alive_fd = None
