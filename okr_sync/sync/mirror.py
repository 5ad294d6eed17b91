"""What a delivery source's questions need to know of the store, and the store's own answer to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from okr_sync.core.facts import WorkItem
from okr_sync.store import mirror
from okr_sync.store.database import Store


class Mirror(Protocol):
    """What the store already holds of a delivery source; read from the source's own thread."""

    def cursor(self, source: str) -> str | None:
        """Return where the last complete pull ended; None when there was none."""
        ...

    def members(self, source: str) -> Mapping[str, frozenset[str]]:
        """Return container id → ids of the items that it holds."""
        ...

    def items(self, source: str, ids: frozenset[str]) -> Mapping[str, WorkItem]:
        """Return the mirrored items among `ids`, by id."""
        ...


class StoredMirror:
    """The mirror in the store; each question is a short read of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def cursor(self, source: str) -> str | None:
        """Return where the last complete pull ended; None when there was none."""
        with self._store.reading() as session:
            return mirror.cursor(session, source)

    def members(self, source: str) -> Mapping[str, frozenset[str]]:
        """Return container id → ids of the items that it holds."""
        with self._store.reading() as session:
            return mirror.members(session, source)

    def items(self, source: str, ids: frozenset[str]) -> Mapping[str, WorkItem]:
        """Return the mirrored items among `ids`, by id."""
        if not ids:
            return {}
        with self._store.reading() as session:
            return mirror.items(session, source, ids)
