"""Keeps connections to a file open between the transactions of a run, instead of opening one for each."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import NullPool
from sqlalchemy.pool import ConnectionPoolEntry

MOST = 2  # connections that wait for work: the run's own, and one of a source that is asked beside it
FILE, SPOILT = "okr_sync_file", "okr_sync_spoilt"


class AloneConnection(sqlite3.Connection):
    """A connection that holds the whole file for as long as it is open, so that it is closed after each use."""


class FrozenConnection(AloneConnection):
    """A connection to a file on a disk that is mounted read-only, where nobody can be locked out.

    Whoever may write to that disk elsewhere would change the file beneath a reader, so its end looks whether somebody
    did. Raises sqlite3.OperationalError then.
    """

    looked_at: tuple[Path, tuple[int, ...]] | None = None

    def look_at(self, path: Path) -> FrozenConnection:
        """Remember how the file is; return this connection."""
        self.looked_at = path, _state_of(path)
        return self

    def rollback(self) -> None:
        """End the transaction, as readers do."""
        super().rollback()
        if self.looked_at is not None and _state_of(self.looked_at[0]) != self.looked_at[1]:
            raise sqlite3.OperationalError("it was changed while it was read")


class KeepingPool(NullPool):
    """Closes each connection after its transaction; while somebody is `keeping`, the next transaction has it again.

    One in which a statement failed is never used again, and neither is one whose file is not the one at `path` any
    more: a store that vanishes while we run must fail.
    """

    def __init__(self, creator: Callable[[], Any], path: Path) -> None:
        super().__init__(creator)
        self._path, self._keepers, self._lock = path, 0, threading.Lock()
        self._idle: list[ConnectionPoolEntry] = []

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Keep connections until the end; the last one to leave closes them."""
        with self._lock:
            self._keepers += 1
        try:
            yield
        finally:
            with self._lock:
                self._keepers -= 1
                last = not self._keepers
            if last:
                self.dispose()

    def recreate(self) -> KeepingPool:
        """Return this pool, which works on after `dispose`."""
        return self

    def dispose(self) -> None:
        """Close what waits for work."""
        while (entry := self._waiting()) is not None:
            entry.close()

    def _do_get(self) -> ConnectionPoolEntry:
        file = _file_at(self._path)
        while (entry := self._waiting()) is not None:
            if file is not None and entry.info[FILE] == file:
                return entry
            entry.close()
        entry = self._create_connection()
        entry.info[FILE] = file
        return entry

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        if not self._is_kept(record):
            record.close()

    def _waiting(self) -> ConnectionPoolEntry | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _is_kept(self, record: ConnectionPoolEntry) -> bool:
        connection = record.dbapi_connection
        if connection is None or isinstance(connection, AloneConnection) or SPOILT in record.info:
            return False
        with self._lock:
            if not self._keepers or len(self._idle) >= MOST:
                return False
            self._idle.append(record)
            return True


def _state_of(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _file_at(path: Path) -> tuple[int, int] | None:
    """Return which file is at `path`; None: there is none, or nobody can tell."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
