"""Pauses the search for cyclic garbage while thousands of objects are made that all stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the collector of cyclic garbage.

    It looks through what is young each time some hundred objects were made, and sometimes through everything: while
    thousands of states are built that is a fifth of the time, and there is nothing to find. Where it is off already it
    stays off; of threads that overlap the first that ends turns it on again, which costs time and nothing else.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
