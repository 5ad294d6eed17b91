"""The contract of delivery sources: the work items of scopes in pages, what became of items, and their past."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from okr_sync.connector.source import Connector
from okr_sync.core.facts import Container, ItemKind, Members, Miss, Transition, WorkItem

__all__ = ["DeliverySource", "LookUp", "Mirrored", "Page"]


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of a delivery source's answer; any part may be empty.

    `scopes` maps a ref to the ids of all its containers, once it is fully resolved; `misses` maps a ref to why it
    could not be. Every ref asked appears in exactly one of the two over all pages. A container may be left out of
    `containers` when an earlier pull described it and it is as it was. `members` of one container add up over all
    pages; they are all of its members if any of them is `whole`. `placed` maps an item to the containers that hold
    it, of those not told whole: it has left every other one; an item placed without being described is looked up.
    `cursor` on the last page is what the next pull may start from; opaque to the engine.
    """

    items: tuple[WorkItem, ...] = ()
    containers: tuple[Container, ...] = ()
    members: tuple[Members, ...] = ()
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    misses: Mapping[str, Miss] = field(default_factory=dict)
    placed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class LookUp:
    """Items asked by id: those found, those that exist no more, and those that can't be told (permission lost)."""

    found: tuple[WorkItem, ...] = ()
    gone: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()


class Mirrored(ABC):
    """What the engine keeps of a source's earlier answers, for a connector that needs it to tell what changed."""

    @abstractmethod
    def holders(self, items: Collection[str]) -> Mapping[str, frozenset[str]]:
        """Return item id → ids of the containers that hold it now; items that none holds are left out."""

    @abstractmethod
    def below(self, parents: Collection[str], kind: ItemKind | None = None) -> Mapping[str, str]:
        """Return item id → its `parent`, of the items (of that kind) that have one of `parents`, are held and seen."""

    @abstractmethod
    def created_since(self, instant: datetime) -> frozenset[str]:
        """Return the ids of the items that were created at `instant` or later, are held and seen."""

    @abstractmethod
    def hidden(self) -> Mapping[str, str]:
        """Return item id → key, of the items that are held and could not be seen last time: they may come back, and be
        elsewhere by then.
        """


class DeliverySource(Connector):
    """Brings the work items of scopes; the engine mirrors them.

    `mirror` is set by the engine before `pull` and may be read from any thread. None: nothing is kept, so that a cursor
    which counts on it means nothing. `droppings`, set with it, are the names, casefolded, of the resolutions that drop
    work: a set for each way in which initiatives say so. None: that is not known.
    """

    RESUMES: ClassVar[bool] = False
    """Whether `pull` hands each answer to `caller.keep` and asks `caller.kept` before it asks the source. Then an
    interrupted pull goes on with the instant and the cursor that it began with, and asks for the rest only.
    """
    mirror: Mirrored | None = None
    droppings: Collection[frozenset[str]] | None = None

    @abstractmethod
    def pull(self, scopes: Mapping[str, Any], cursor: str | None, now: datetime) -> Iterator[Page]:
        """Yield pages for all scopes (ref → Query). `cursor` None: everything, every container's members whole. Else:
        what changed since, and for what may have left either the whole membership of its container or where it is
        `placed` now.

        The engine keeps nothing of a page in memory. Raises SourceError when the whole source failed; pages yielded
        before that are discarded by the engine.
        """

    def resolutions(self) -> tuple[str, ...] | None:
        """Return all that `WorkItem.resolution` may be at this source; None: it doesn't tell. Raises SourceError."""
        return None

    @abstractmethod
    def look_up(self, ids: frozenset[str], known: Mapping[str, WorkItem]) -> LookUp:
        """Return what became of items that left or turned up unseen. `known` holds their last mirrored state."""

    def past(self, items: Mapping[str, WorkItem], since: datetime, now: datetime) -> Iterator[tuple[Transition, ...]]:
        """Yield in pieces what happened to `items` (id → mirrored state) in [since, now], in any order.

        Every change of state, resolution, points, parent and container is there; an item of which nothing is yielded
        did not change. Only asked where `HISTORY` is true. Raises SourceError when the whole source failed.
        """
        raise NotImplementedError(f"{self.kind} keeps no history")
