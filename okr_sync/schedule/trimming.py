"""Gives free memory back to the system, page by page: else a worker that reads its config for each run grows for weeks.

What a run leaves free lies scattered in the heap of its thread, and the C library keeps it.
"""

from __future__ import annotations

import ctypes

__all__ = ["trim"]


def trim() -> None:
    """Give back what is free, where the C library can do that (glibc); it takes a millisecond or two."""
    give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if give_back is not None:
        give_back(0)
