"""What a delivery source brought, gathered from its pages, and a mirror that keeps it as the engine does."""
# ruff: noqa: S101 -- a contract suite asserts

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from okr_sync.connector import Caller, Container, ItemKind, Members, Mirrored, Miss, Page, WorkItem

T = TypeVar("T")


class CountingCaller(Caller):
    """Makes each request once and counts them: `asked`."""

    def __init__(self) -> None:
        self.asked = 0

    def call(self, ask: Callable[[], T]) -> T:
        """Return `ask()`, counted."""
        self.asked += 1
        return ask()


@dataclass(slots=True)
class Pulled:
    """All pages of one pull put together; building it checks that each ref has one outcome and each id one fact."""

    items: dict[str, WorkItem] = field(default_factory=dict)
    containers: dict[str, Container] = field(default_factory=dict)
    members: dict[str, Members] = field(default_factory=dict)
    scopes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    misses: dict[str, Miss] = field(default_factory=dict)
    placed: dict[str, frozenset[str]] = field(default_factory=dict)
    cursor: str | None = None

    @classmethod
    def of(cls, pages: Iterable[Page]) -> Pulled:
        """Return what `pages` hold together; raises AssertionError when two pages contradict each other."""
        pulled = cls()
        for page in pages:
            _add_once(pulled.items, {item.id: item for item in page.items})
            _add_once(pulled.containers, {each.id: each for each in page.containers})
            for each in page.members:
                pulled.members[each.container] = _joined(pulled.members.get(each.container), each)
            pulled.placed.update(page.placed)
            assert not set(page.scopes) & set(pulled.scopes), "a scope is resolved on two pages"
            pulled.scopes.update(page.scopes)
            pulled.misses.update(page.misses)
            pulled.cursor = page.cursor
        return pulled

    def held(self, ref: str) -> dict[str, WorkItem]:
        """Return the items that the containers of `ref` hold, by id."""
        ids = {item for container in self.scopes[ref] for item in self.members[container].items}
        return {item: self.items[item] for item in ids}

    def check(self, refs: Iterable[str], now: datetime, known: Collection[str] = ()) -> None:
        """Assert all that holds for any answer about `refs` asked at `now`; the containers `known` came earlier."""
        assert set(self.scopes) | set(self.misses) == set(refs), "a ref got no outcome, or one that nobody asked for"
        assert not set(self.scopes) & set(self.misses), "a ref is both resolved and missed"
        assert all(miss.message for miss in self.misses.values()), "a miss must say what to do"
        assert {each for ids in self.scopes.values() for each in ids} <= {*self.containers, *known}, (
            "a container is missing"
        )
        for item in self.items.values():
            _check_item(item, now)


def _joined(before: Members | None, more: Members) -> Members:
    if before is None:
        return more
    return Members(more.container, before.items | more.items, before.whole or more.whole)


def _add_once(known: dict[str, T], new: Mapping[str, T]) -> None:
    for key, value in new.items():
        assert known.setdefault(key, value) == value, f"{key} came twice, with different facts"


def _check_item(item: WorkItem, now: datetime) -> None:
    assert item.id
    assert item.key
    assert item.url.startswith(("http://", "https://")), f"{item.key} has no link"
    assert item.points is None or (math.isfinite(item.points) and item.points >= 0), f"{item.key}: points {item.points}"
    for time in (item.created, item.done_at, item.updated):
        assert time is None or time.tzinfo is not None, f"{item.key} has a time without a zone"
        assert time is None or time <= now, f"{item.key} has a time in the future"
    assert item.state == "done" or item.done_at is None, f"{item.key} is not done but has a time of being done"


class Mirror(Mirrored):
    """Keeps items and memberships over several pulls; what it shows must equal a fresh pull of everything."""

    def __init__(self) -> None:
        self._items: dict[str, WorkItem] = {}
        self._members: dict[str, frozenset[str]] = {}
        self.containers: dict[str, Container] = {}

    def take(self, pulled: Pulled) -> frozenset[str]:
        """Apply one pull; return the ids that left all containers."""
        before = self._all()
        self._items.update(pulled.items)
        self.containers.update(pulled.containers)
        for container, members in pulled.members.items():
            kept = frozenset() if members.whole else self._members.get(container, frozenset())
            self._members[container] = members.items | kept
        whole = {container for container, members in pulled.members.items() if members.whole}
        for item, holders in pulled.placed.items():
            self._place(item, holders, {*self._members, *holders} - whole)
        return before - self._all()

    def _place(self, item: str, holders: frozenset[str], containers: Iterable[str]) -> None:
        for container in containers:
            members = self._members.get(container, frozenset()) - {item}
            self._members[container] = members | {item} if container in holders else members

    def held(self, container: str) -> dict[str, WorkItem]:
        """Return the items of `container` by id; asserts that the facts of each member have come."""
        members = self._members.get(container, frozenset())
        assert members <= set(self._items), f"no facts ever came of {sorted(members - set(self._items))}"
        return {item: self._items[item] for item in members}

    def members(self, container: str) -> Members:
        """Return what a container holds now."""
        return Members(container, self._members.get(container, frozenset()), whole=True)

    def known(self) -> dict[str, WorkItem]:
        """Return all items ever seen, by id."""
        return dict(self._items)

    def holders(self, items: Collection[str]) -> dict[str, frozenset[str]]:
        """Return item id → ids of the containers that hold it now; items that none holds are left out."""
        found = {item: frozenset(each for each, held in self._members.items() if item in held) for item in items}
        return {item: holders for item, holders in found.items() if holders}

    def below(self, parents: Collection[str], kind: ItemKind | None = None) -> dict[str, str]:
        """Return item id → its `parent`, of the items (of that kind) that have one of `parents`, are held and seen."""
        some = (self._items[id_] for id_ in self._all() & self._items.keys())
        return {each.id: each.parent for each in some if each.parent in set(parents) and kind in (None, each.kind)}

    def created_since(self, instant: datetime) -> frozenset[str]:
        """Return the ids of the items that were created at `instant` or later, are held and seen."""
        some = (self._items[id_] for id_ in self._all() & self._items.keys())
        return frozenset(each.id for each in some if each.created is not None and each.created >= instant)

    def hidden(self) -> dict[str, str]:
        """Return nothing: what this mirror can't see it doesn't hold."""
        return {}

    def _all(self) -> frozenset[str]:
        return frozenset().union(*self._members.values())
