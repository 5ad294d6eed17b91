"""The state of a GitHub world at one instant: timelines replayed into what the API would show."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from okr_sync.sandbox.projects import Change, Estimate, Worth, closed_among, values_of
from okr_sync.sandbox.repositories import Event, GithubWorld, Item, Milestone, Repository, global_id

__all__ = [
    "ItemState",
    "MilestoneState",
    "NodeState",
    "Pictures",
    "ProjectState",
    "RepositoryState",
    "WorldState",
    "replay",
]


@dataclass(slots=True, eq=False)
class ItemState:
    """An issue or pull request at an instant; `state` is OPEN, CLOSED or MERGED, `reason` as in GraphQL."""

    item: Item
    repository: RepositoryState
    labels: tuple[str, ...]
    updated_at: datetime
    state: str = "OPEN"
    reason: str | None = None
    type: str = ""
    closed_at: datetime | None = None
    milestone: MilestoneState | None = None
    gone: bool = False
    parent_id: str = ""
    parent: ItemState | None = None
    children: list[ItemState] = field(default_factory=list)
    past: list[Event] = field(default_factory=list)
    """What happened to it so far, oldest first."""
    estimates: dict[int, dict[str, Worth]] = field(default_factory=dict)
    """Numbers and texts by project and the name of their field."""


@dataclass(slots=True, eq=False)
class MilestoneState:
    """A milestone at an instant; `items` are its issues and pull requests in the order they were created."""

    milestone: Milestone
    repository: RepositoryState
    title: str
    due_on: datetime | None
    updated_at: datetime
    closed_at: datetime | None = None
    items: list[ItemState] = field(default_factory=list)

    @property
    def state(self) -> str:
        """OPEN or CLOSED."""
        return "OPEN" if self.closed_at is None else "CLOSED"

    @property
    def closed_share(self) -> float:
        """Closed over all items, pull requests counted, in [0, 1]; 0 without items."""
        return sum(one.state != "OPEN" for one in self.items) / len(self.items) if self.items else 0.0


@dataclass(slots=True, eq=False)
class RepositoryState:
    """A repository at an instant; `moved` maps the number of a transferred issue to where it went."""

    repository: Repository
    full_name: str
    former_names: list[str] = field(default_factory=list)
    visible: bool = True
    milestones: dict[int, MilestoneState] = field(default_factory=dict)
    items: dict[int, ItemState] = field(default_factory=dict)
    deleted_items: set[int] = field(default_factory=set)
    moved: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProjectState:
    """A project at an instant."""

    number: int
    closed: bool


NodeState: TypeAlias = RepositoryState | MilestoneState | ItemState | ProjectState


@dataclass(slots=True)
class WorldState:
    """All that the token may see at an instant, by name (casefolded), numeric id and node id."""

    names: dict[str, RepositoryState] = field(default_factory=dict)
    former_names: dict[str, RepositoryState] = field(default_factory=dict)
    ids: dict[int, RepositoryState] = field(default_factory=dict)
    nodes: dict[str, NodeState] = field(default_factory=dict)
    milestones: dict[str, Milestone] = field(default_factory=dict)
    """All milestones that ever were, by node id."""
    answers: dict[tuple[str, bytes], Any] = field(default_factory=dict)
    """Answers about this state, kept by whoever gives them."""


class Pictures:
    """The states of a world, kept until the next event: most requests see the same one."""

    def __init__(self, world: GithubWorld) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._told = 0
        self._state = WorldState()

    def at(self, now: datetime) -> WorldState:
        """Return the state at `now` (events at `now` have happened)."""
        with self._lock, self._world.lock:
            told = self._world.told_until(now)
            if told != self._told:
                self._state, self._told = replay(self._world, now), told
            return self._state


def replay(world: GithubWorld, now: datetime) -> WorldState:
    """Return the state of `world` at `now`, events at `now` included."""
    changes = world.projects.until(now)
    state = WorldState(milestones={each.node_id: each for each in world.milestones})
    for repository in world.repositories:
        _add_repository(state, repository, now)
    for milestone in world.milestones:
        _add_milestone(state, milestone, now)
    for item in world.items:
        _add_item(state, item, now, changes)
    for node in list(state.nodes.values()):
        if isinstance(node, ItemState) and node.parent_id:
            _join_parent(state, node)
    _add_projects(state, closed_among(changes))
    return state


def _add_projects(state: WorldState, closed: frozenset[int]) -> None:
    """Put in the projects that can be seen: those that items are in."""
    items = [node for node in state.nodes.values() if isinstance(node, ItemState)]
    for number in {number for item in items for number in item.estimates}:
        state.nodes[global_id("PVT", number)] = ProjectState(number, number in closed)


def _past(events: list[Event], now: datetime) -> list[Event]:
    return [event for event in events if event.at <= now]


def _add_repository(state: WorldState, repository: Repository, now: datetime) -> None:
    if repository.created_at > now:
        return
    seen = RepositoryState(repository, repository.full_name)
    for event in _past(repository.events, now):
        match event.kind:
            case "renamed":
                seen.former_names.append(seen.full_name)
                seen.full_name = event.value
            case "hidden":
                seen.visible = False
            case "shown":
                seen.visible = True
            case _:
                return
    if seen.visible:
        state.names[seen.full_name.casefold()] = seen
        state.former_names |= {name.casefold(): seen for name in seen.former_names}
        state.ids[repository.id] = seen
        state.nodes[repository.node_id] = seen


def _add_milestone(state: WorldState, milestone: Milestone, now: datetime) -> None:
    home = state.ids.get(milestone.repository.id)
    past = _past(milestone.events, now)
    if home is None or milestone.created_at > now or any(event.kind == "deleted" for event in past):
        return
    seen = MilestoneState(milestone, home, milestone.title, milestone.due_on, milestone.created_at)
    for event in past:
        seen.updated_at = event.at
        match event.kind:
            case "closed":
                seen.closed_at = event.at
            case "reopened":
                seen.closed_at = None
            case "retitled":
                seen.title = event.value
            case _:
                seen.due_on = datetime.fromisoformat(event.value) if event.value else None
    home.milestones[milestone.number] = seen
    state.nodes[milestone.node_id] = seen


def _add_item(state: WorldState, item: Item, now: datetime, changes: list[Change]) -> None:
    home = state.ids.get(item.repository.id)
    if home is None or item.arrived_at > now:
        return
    seen = ItemState(item, home, item.labels, item.arrived_at, parent_id=item.parent.node_id if item.parent else "")
    seen.past = _past(item.events, now)
    for event in seen.past:
        _happen(state, seen, event)
    if seen.gone:
        return
    seen.estimates = values_of(_estimates(seen.past), changes)
    home.items[item.number] = seen
    state.nodes[item.node_id] = seen
    if seen.milestone is not None:
        seen.milestone.items.append(seen)


def _estimates(past: list[Event]) -> list[Estimate]:
    return [Estimate(event.at, *json.loads(event.value)) for event in past if event.kind == "estimated"]


def _describe(seen: ItemState, event: Event) -> bool:
    """Take in what touches no milestone; return whether `event` was of that kind."""
    match event.kind:
        case "estimated":
            return True  # what remains of it is told by `values_of`
        case "typed":
            seen.type = event.value
        case "parented" | "orphaned":
            seen.parent_id = event.value
        case "labeled" | "unlabeled":
            others = tuple(name for name in seen.labels if name != event.value)
            seen.labels = (*others, event.value) if event.kind == "labeled" else others
        case _:
            return False
    seen.updated_at = event.at
    return True


def _happen(state: WorldState, seen: ItemState, event: Event) -> None:
    if _describe(seen, event):
        return
    seen.updated_at = event.at
    before = seen.milestone
    match event.kind:
        case "milestoned" | "demilestoned":
            target = state.nodes.get(event.value)
            seen.milestone = target if isinstance(target, MilestoneState) else None
        case "received":
            seen.milestone = None
        case "closed" | "merged":
            seen.state = "MERGED" if event.kind == "merged" else "CLOSED"
            seen.closed_at = event.at
            seen.reason = event.value.upper() or None
        case "reopened":
            seen.state, seen.closed_at = "OPEN", None
            seen.reason = None if seen.item.pull_request else "REOPENED"
        case "deleted":
            seen.gone = True
            seen.repository.deleted_items.add(seen.item.number)
        case "transferred":
            seen.gone = True
            seen.repository.moved[seen.item.number] = event.value
        case _:
            return
    for touched in (before, seen.milestone):
        if touched is not None:
            touched.updated_at = max(touched.updated_at, event.at)


def _join_parent(state: WorldState, child: ItemState) -> None:
    parent = state.nodes.get(child.parent_id)
    if isinstance(parent, ItemState):
        child.parent = parent
        parent.children.append(child)
