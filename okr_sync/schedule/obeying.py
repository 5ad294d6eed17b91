"""Lets a command end in time when it is asked to, whatever holds up its work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import copy_context
from typing import TypeVar

__all__ = ["PATIENCE", "until_stopped"]

T = TypeVar("T")
LOOK = 0.25  # seconds between two looks whether somebody asked
PATIENCE = 6.0  # seconds for what is under way to end when the program is asked to stop; it has ten


def until_stopped(work: Callable[[], T], stop: threading.Event, patience: float = PATIENCE) -> T:
    """Return what `work` returns, or raise what it raises.

    It is done in a thread of its own: a database that says nothing, or a lock that somebody holds, keeps a thread for
    minutes in which it hears of no signal. Raises KeyboardInterrupt when it has not ended `patience` seconds after
    `stop` was set; what it had not committed then ends with the process.
    """
    done: Future[T] = Future()

    def do() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 -- raised again where it is waited for
            done.set_exception(error)

    threading.Thread(target=copy_context().run, args=(do,), name="okr-sync-command", daemon=True).start()
    while not stop.is_set():
        if wait([done], LOOK).done:
            break
    if not wait([done], patience).done:
        raise KeyboardInterrupt
    return done.result()
