"""What a delivery source's questions need to know of the store, and the store's own answer to it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from okr_sync.connector import Mirrored
from okr_sync.core.facts import Container, ItemKind, WorkItem
from okr_sync.store import mirror
from okr_sync.store.database import Store


class Known(Mirrored):
    """What the store already holds of one delivery source; read from the source's own threads."""

    @abstractmethod
    def members(self, containers: Collection[str]) -> Mapping[str, frozenset[str]]:
        """Return container id → ids of the items that it holds, of these; empty ones are left out."""

    @abstractmethod
    def items(self, ids: Collection[str]) -> Mapping[str, WorkItem]:
        """Return the mirrored items among `ids`, by id."""

    @abstractmethod
    def states(self, ids: Collection[str]) -> Mapping[str, str]:
        """Return the states of the mirrored items among `ids`, by id."""

    @abstractmethod
    def containers(self, ids: Collection[str]) -> Mapping[str, Container]:
        """Return the mirrored containers among `ids`, by id."""


class Mirror(Protocol):
    """What the store already holds of all sources."""

    def cursor(self, source: str) -> str | None:
        """Return where the last complete pull ended; None when there was none."""
        ...

    def of(self, source: str) -> Known:
        """Return what it holds of one source."""
        ...


@dataclass(frozen=True, slots=True)
class StoredMirror:
    """The mirror in the store; each question is a short read of its own."""

    store: Store

    def cursor(self, source: str) -> str | None:
        """Return where the last complete pull ended; None when there was none."""
        with self.store.reading() as session:
            return mirror.cursor(session, source)

    def of(self, source: str) -> Known:
        """Return what it holds of one source."""
        return StoredKnown(self.store, source)


@dataclass(frozen=True)
class StoredKnown(Known):
    """The mirror of one source in the store; each question is a short read of its own."""

    store: Store
    source: str

    def holders(self, items: Collection[str]) -> Mapping[str, frozenset[str]]:
        """Return item id → ids of the containers that hold it now; items that none holds are left out."""
        if not items:
            return {}
        with self.store.reading() as session:
            return mirror.holders(session, self.source, frozenset(items))

    def below(self, parents: Collection[str], kind: ItemKind | None = None) -> Mapping[str, str]:
        """Return item id → its `parent`, of the items (of that kind) that have one of `parents`, are held and seen."""
        if not parents:
            return {}
        with self.store.reading() as session:
            return mirror.below(session, self.source, frozenset(parents), kind)

    def created_since(self, instant: datetime) -> frozenset[str]:
        """Return the ids of the items that were created at `instant` or later, are held and seen."""
        with self.store.reading() as session:
            return mirror.created_since(session, self.source, instant)

    def hidden(self) -> Mapping[str, str]:
        """Return item id → key, of the items that are held and could not be seen last time."""
        with self.store.reading() as session:
            return mirror.hidden(session, self.source)

    def members(self, containers: Collection[str]) -> Mapping[str, frozenset[str]]:
        """Return container id → ids of the items that it holds, of these; empty ones are left out."""
        if not containers:
            return {}
        with self.store.reading() as session:
            return mirror.members(session, self.source, frozenset(containers))

    def items(self, ids: Collection[str]) -> Mapping[str, WorkItem]:
        """Return the mirrored items among `ids`, by id."""
        if not ids:
            return {}
        with self.store.reading() as session:
            return mirror.items(session, self.source, frozenset(ids))

    def states(self, ids: Collection[str]) -> Mapping[str, str]:
        """Return the states of the mirrored items among `ids`, by id."""
        if not ids:
            return {}
        with self.store.reading() as session:
            return mirror.states(session, self.source, frozenset(ids))

    def containers(self, ids: Collection[str]) -> Mapping[str, Container]:
        """Return the mirrored containers among `ids`, by id."""
        if not ids:
            return {}
        with self.store.reading() as session:
            return mirror.containers(session, self.source, frozenset(ids))
