"""How often the search for cyclic garbage interrupts a process: seldom in one that does a single thing and ends."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["seldom_collected", "unsearched_at_exit", "usually_collected"]

YOUNG = 100_000
"""Objects made beyond those that ended, before the young are looked through: some ten MiB, should all be garbage."""
USUAL = gc.get_threshold()


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for cyclic garbage seldom while this lasts.

    A command makes hundreds of thousands of objects by its imports, its config and its states, and they all stay: with
    the usual threshold of 700 the search takes a fifth of its time and finds nothing. What is garbage without a cycle
    ends at once, as ever.
    """
    before = gc.get_threshold()
    gc.set_threshold(YOUNG, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def usually_collected() -> None:
    """Go back to the usual for the rest of a command that lasts: what is garbage in it may not pile up."""
    gc.set_threshold(*USUAL)


def unsearched_at_exit() -> None:
    """Let the interpreter end without a search of all that is left, which took a fifth of a run without news.

    Everything else of an end happens: exit functions, finalizers of `weakref`, what is written waits for nobody. Only
    a `__del__` within a cycle is not called any more, and none of ours does anything there.
    """
    atexit.unregister(gc.freeze)  # a process may come by here more than once
    atexit.register(gc.freeze)
