"""How many pools of memory the C library keeps for the threads of a run: few, for they don't give back what is free."""

from __future__ import annotations

import ctypes

__all__ = ["keep_few_arenas"]

ARENAS = 2
_M_ARENA_MAX = -8  # of malloc.h


def keep_few_arenas() -> bool:
    """Let the threads that begin from now on share `ARENAS` pools; return whether the C library could be told.

    glibc makes one for each thread up to eight a processor, and the free pieces of each serve nobody else: a run that
    brings a million items a page at a time grows by them without holding more. Python's lock lets one thread at a time
    into them anyway.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries keep no such pools
    return mallopt is not None and bool(mallopt(_M_ARENA_MAX, ARENAS))
