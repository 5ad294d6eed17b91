"""A world of GitHub repositories told as timelines: what exists, and what happened to it when."""

from __future__ import annotations

import json
import threading
from base64 import urlsafe_b64encode
from bisect import bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Literal, TypeAlias
from zlib import crc32

from okr_sync.sandbox.projects import Projects, Worth

__all__ = [
    "ISSUE_TYPES",
    "CloseReason",
    "Event",
    "GithubWorld",
    "Item",
    "Milestone",
    "Repository",
    "global_id",
    "number_of",
]

CloseReason: TypeAlias = Literal["completed", "not_planned", "duplicate"]
EventKind: TypeAlias = Literal[
    "closed",
    "deleted",
    "demilestoned",
    "due",
    "estimated",
    "hidden",
    "labeled",
    "merged",
    "milestoned",
    "orphaned",
    "parented",
    "received",
    "renamed",
    "reopened",
    "retitled",
    "shown",
    "transferred",
    "typed",
    "unlabeled",
]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `value` is a reason, a node id, a name, an ISO instant or an estimate, by `kind`."""

    at: datetime
    kind: EventKind
    value: str = ""


@dataclass(slots=True, eq=False)
class Repository:
    """A repository; `full_name` (owner/name) is the name it was born with."""

    id: int
    node_id: str
    full_name: str
    created_at: datetime
    private: bool
    events: list[Event] = field(default_factory=list)
    last_milestone: int = 0
    last_item: int = 0


@dataclass(slots=True, eq=False)
class Milestone:
    """A milestone as it was made; changes are in `events`. `due_on` is an instant, as GitHub keeps it."""

    repository: Repository
    id: int
    node_id: str
    number: int
    title: str
    due_on: datetime | None
    description: str | None
    created_at: datetime
    events: list[Event] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Item:
    """An issue or a pull request as it was opened; changes are in `events`.

    `arrived_at` is when it came into this repository: later than `created_at` for a transferred issue.
    """

    repository: Repository
    id: int
    node_id: str
    number: int
    title: str
    labels: tuple[str, ...]
    pull_request: bool
    parent: Item | None
    created_at: datetime
    arrived_at: datetime
    events: list[Event] = field(default_factory=list)


def global_id(prefix: str, *numbers: int) -> str:
    """Return a node id in GitHub's present form: `prefix`, then MessagePack of [0, *numbers] in URL-safe base64."""
    packed = bytes([0x91 + len(numbers), 0])
    packed += b"".join(b"\xce" + number.to_bytes(4, "big") for number in numbers)
    return f"{prefix}_{urlsafe_b64encode(packed).decode().rstrip('=')}"


def number_of(name: str) -> int:
    """Return a steady numeric id for what has only a name here: an owner, a label."""
    return crc32(name.encode())


ISSUE_TYPES = ("Task", "Bug", "Feature")
"""What organisations begin with."""


class GithubWorld:
    """Repositories, milestones, issues and pull requests with everything that happened to them.

    Each verb takes the instant at which it happens, past or future; instants must be aware, and none may lie before
    the birth of what it happens to (ValueError). Safe to call while a site plays the world.
    """

    def __init__(self) -> None:
        self.repositories: list[Repository] = []
        self.milestones: list[Milestone] = []
        self.items: list[Item] = []
        self.lock = threading.RLock()
        self._ids = count(7_000_001)
        self._instants: list[datetime] = []
        self._is_sorted = True
        self.projects = Projects(self.lock, self._tell)

    def told_until(self, at: datetime) -> int:
        """Return how many things happened until `at` (inclusive): while it stays the same, so does the state."""
        with self.lock:
            if not self._is_sorted:
                self._instants.sort()
                self._is_sorted = True
            return bisect_right(self._instants, at)

    def add_repository(
        self,
        full_name: str,
        *,
        at: datetime,
        private: bool = False,
        id: int | None = None,  # noqa: A002 -- GitHub's word
    ) -> Repository:
        """Return a new repository named `full_name` (owner/name)."""
        if full_name.count("/") != 1:
            raise ValueError(f"repository {full_name!r}: write owner/name")
        with self.lock:
            number = id or next(self._ids)
            repository = Repository(number, global_id("R", number), full_name, at, private)
            self.repositories.append(repository)
            self._tell(at)
            return repository

    def add_milestone(
        self,
        repository: Repository,
        title: str,
        *,
        at: datetime,
        due_on: datetime | None = None,
        description: str | None = None,
        number: int | None = None,
        id: int | None = None,  # noqa: A002 -- GitHub's word
        node_id: str | None = None,
    ) -> Milestone:
        """Return a new open milestone; it gets the next number of its repository unless one is given."""
        with self.lock:
            repository.last_milestone = max(repository.last_milestone, number or repository.last_milestone + 1)
            chosen = number or repository.last_milestone
            key = id or next(self._ids)
            node = node_id or global_id("MI", repository.id, key)
            milestone = Milestone(repository, key, node, chosen, title, due_on, description, at)
            self.milestones.append(milestone)
            self._tell(at)
            return milestone

    def add_issue(
        self,
        repository: Repository,
        title: str,
        *,
        at: datetime,
        milestone: Milestone | None = None,
        labels: Iterable[str] = (),
        parent: Item | None = None,
        number: int | None = None,
        id: int | None = None,  # noqa: A002 -- GitHub's word
        node_id: str | None = None,
    ) -> Item:
        """Return a new open issue; `parent` makes it a sub-issue."""
        with self.lock:
            key = id or next(self._ids)
            node = node_id or global_id("I", repository.id, key)
            chosen = self._next_number(repository, number)
            item = Item(
                repository,
                key,
                node,
                chosen,
                title,
                tuple(labels),
                pull_request=False,
                parent=parent,
                created_at=at,
                arrived_at=at,
            )
            return self._open(item, milestone)

    def add_pull_request(
        self,
        repository: Repository,
        title: str,
        *,
        at: datetime,
        milestone: Milestone | None = None,
        labels: Iterable[str] = (),
        number: int | None = None,
        id: int | None = None,  # noqa: A002 -- GitHub's word
        node_id: str | None = None,
    ) -> Item:
        """Return a new open pull request; issues and pull requests share the numbers of a repository."""
        with self.lock:
            key = id or next(self._ids)
            node = node_id or global_id("PR", repository.id, key)
            chosen = self._next_number(repository, number)
            item = Item(
                repository,
                key,
                node,
                chosen,
                title,
                tuple(labels),
                pull_request=True,
                parent=None,
                created_at=at,
                arrived_at=at,
            )
            return self._open(item, milestone)

    def close(self, item: Item, reason: CloseReason = "completed", *, at: datetime) -> None:
        """Close an issue for `reason`, or a pull request without merging it."""
        self._happen(item, Event(at, "closed", "" if item.pull_request else reason))

    def merge(self, item: Item, *, at: datetime) -> None:
        """Merge a pull request; ValueError for an issue."""
        if not item.pull_request:
            raise ValueError(f"issue {item.number}: only a pull request can be merged")
        self._happen(item, Event(at, "merged"))

    def reopen(self, item: Item, *, at: datetime) -> None:
        """Open a closed item again."""
        self._happen(item, Event(at, "reopened"))

    def set_milestone(self, item: Item, milestone: Milestone | None, *, at: datetime) -> None:
        """Put the item into `milestone`, or take it out of its milestone when None."""
        if milestone is None:
            self._happen(item, Event(at, "demilestoned"))
            return
        if milestone.repository is not item.repository:
            raise ValueError(f"milestone {milestone.title!r} lies in another repository than item {item.number}")
        self._happen(item, Event(at, "milestoned", milestone.node_id))

    def label(self, item: Item, name: str, *, at: datetime) -> None:
        """Give the item the label `name`."""
        self._happen(item, Event(at, "labeled", name))

    def unlabel(self, item: Item, name: str, *, at: datetime) -> None:
        """Take the label `name` off the item."""
        self._happen(item, Event(at, "unlabeled", name))

    def set_type(self, item: Item, name: str | None, *, at: datetime) -> None:
        """Give the issue one of ISSUE_TYPES, or none any more."""
        if name is not None and name not in ISSUE_TYPES:
            raise ValueError(f"there is no issue type {name!r}")
        self._happen(item, Event(at, "typed", name or ""))

    def set_parent(self, item: Item, parent: Item | None, *, at: datetime) -> None:
        """Make the issue a sub-issue of `parent`, or of none any more."""
        self._happen(item, Event(at, "parented", parent.node_id) if parent else Event(at, "orphaned"))

    def estimate(self, item: Item, value: Worth, *, at: datetime, project: int = 1, field: str = "Estimate") -> None:
        """Give the item a number in a field of a project, the text of a text field, or an empty field when None;
        `updated_at` stays.
        """
        self._happen(item, Event(at, "estimated", json.dumps([project, field, value])))

    def transfer(self, item: Item, repository: Repository, *, at: datetime) -> Item:
        """Move an issue to `repository`; returns the issue there: new number, new ids, same state, no milestone."""
        if item.pull_request:
            raise ValueError(f"pull request {item.number}: only an issue can be transferred")
        with self.lock:
            moved = self.add_issue(repository, item.title, at=at, labels=item.labels, parent=item.parent)
            moved.created_at = item.created_at
            carried = ("closed", "reopened", "labeled", "unlabeled", "milestoned", "demilestoned", "estimated")
            moved.events.extend(event for event in item.events if event.kind in carried and event.at <= at)
            self._happen(moved, Event(at, "received", item.repository.full_name))
            self._happen(item, Event(at, "transferred", moved.node_id))
            return moved

    def close_milestone(self, milestone: Milestone, *, at: datetime) -> None:
        """Close the milestone; its items stay as they are."""
        self._happen(milestone, Event(at, "closed"))

    def reopen_milestone(self, milestone: Milestone, *, at: datetime) -> None:
        """Open a closed milestone again."""
        self._happen(milestone, Event(at, "reopened"))

    def retitle_milestone(self, milestone: Milestone, title: str, *, at: datetime) -> None:
        """Give the milestone another title."""
        self._happen(milestone, Event(at, "retitled", title))

    def move_due(self, milestone: Milestone, due_on: datetime | None, *, at: datetime) -> None:
        """Give the milestone another due instant, or none."""
        self._happen(milestone, Event(at, "due", due_on.isoformat() if due_on else ""))

    def rename(self, repository: Repository, full_name: str, *, at: datetime) -> None:
        """Rename the repository, or transfer it to another owner: `full_name` is owner/name."""
        self._happen(repository, Event(at, "renamed", full_name))

    def hide(self, repository: Repository, *, at: datetime) -> None:
        """Take the token's permission away: from outside the repository looks deleted."""
        self._happen(repository, Event(at, "hidden"))

    def show(self, repository: Repository, *, at: datetime) -> None:
        """Give the token's permission back."""
        self._happen(repository, Event(at, "shown"))

    def delete(self, thing: Repository | Milestone | Item, *, at: datetime) -> None:
        """Delete a repository, a milestone (its items stay, without one) or an item, for good."""
        self._happen(thing, Event(at, "deleted"))

    def _next_number(self, repository: Repository, number: int | None) -> int:
        chosen = number or repository.last_item + 1
        repository.last_item = max(repository.last_item, chosen)
        return chosen

    def _open(self, item: Item, milestone: Milestone | None) -> Item:
        self.items.append(item)
        self._tell(item.created_at)
        if milestone is not None:
            self.set_milestone(item, milestone, at=max(item.created_at, milestone.created_at))
        return item

    def _happen(self, thing: Repository | Milestone | Item, event: Event) -> None:
        if event.at < thing.created_at:
            raise ValueError(
                f"{thing.node_id} was created at {thing.created_at}: {event.kind} at {event.at} is too early"
            )
        with self.lock:
            insort(thing.events, event, key=lambda one: one.at)
            self._tell(event.at)

    def _tell(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError(f"{at} has no time zone: give an aware instant")
        self._instants.append(at)
        self._is_sorted = False
