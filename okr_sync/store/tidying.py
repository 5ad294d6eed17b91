"""Sees to a store while others use it: forgets by retention piece by piece, and gives back what is not needed.

A writer is never held up for longer than a moment, and after each piece the store is sound: whoever is killed here
leaves nothing behind that the next one has to put right, but for half an index, which it removes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from okr_sync.store import postgres, sqlite
from okr_sync.store.database import Store
from okr_sync.store.pruning import PACKED, PIECES, Piece
from okr_sync.store.statements import batches

__all__ = ["forget", "pack"]

HOLD = 0.5  # seconds after which a writer makes room for others
PAUSE = 0.2  # seconds at least between two transactions: SQLite has no line of those who wait

Rest = Callable[[float], object]
"""Waits for so many seconds."""


def forget(store: Store, before: datetime, *, hold: float = HOLD, rest: Rest = time.sleep) -> dict[str, int]:
    """Delete what `pruning.prune` would, in transactions of `hold` seconds; return how many rows of which sort went."""
    removed: dict[str, int] = {}
    for piece in PIECES:
        number = _remove(store, piece, before, hold, rest)
        if piece.name:
            removed[piece.name] = number
    return removed


def pack(store: Store) -> None:
    """Give back what is not needed, beside readers and writers.

    On PostgreSQL the indexes of points are built anew beside the old ones when they are far from full; on SQLite the
    write-ahead log gives its room back to the disk, unless somebody reads in it.
    """
    with store.bare() as connection:
        if store.is_file:
            sqlite.shrink_log(connection)
        else:
            for index in PACKED:
                postgres.pack_beside(connection, index)


def _remove(store: Store, piece: Piece, before: datetime, hold: float, rest: Rest) -> int:
    with store.reading() as session:
        store.take_time(session)
        found = piece.find(session, before)
    ahead, removed, done = batches(found, piece.size), 0, not found
    while not done:
        with store.writing() as session:
            began, done = time.monotonic(), True
            for some in ahead:
                removed += piece.remove(session, before, some)
                if time.monotonic() - began > hold:
                    done = False
                    break
        if not done:
            rest(max(PAUSE, time.monotonic() - began))
    return removed
