"""What GitHub tells of an item's past: its events, with the titles that milestones had then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zlib import crc32

from okr_sync.sandbox.repositories import Event, Milestone, global_id
from okr_sync.sandbox.repositories_state import ItemState

__all__ = ["Told", "event_json", "event_node", "timeline"]


@dataclass(frozen=True, slots=True)
class Told:
    """One event as GitHub tells it; `title` of a milestone, `reason` of closing (completed, not_planned, …), node id of
    the `parent`.
    """

    number: int
    kind: str
    at: datetime
    title: str = ""
    reason: str = ""
    parent: str = ""


def timeline(item: ItemState, milestones: Mapping[str, Milestone]) -> list[Told]:
    """Return the events of an item up to the present of its world, oldest first. `milestones` are all that ever were.

    A merge closes too. Into another milestone is out of the first, in the same instant; the deletion of a milestone
    tells nothing to its items.
    """
    teller = _Teller(item, milestones)
    return [told for event in item.past for told in teller.tell(event)]


class _Teller:
    def __init__(self, item: ItemState, milestones: Mapping[str, Milestone]) -> None:
        self._item = item
        self._milestones = milestones
        self._held: Milestone | None = None
        self._parent = item.item.parent.node_id if item.item.parent else ""
        self._count = 0

    def tell(self, event: Event) -> Iterator[Told]:
        match event.kind:
            case "milestoned" | "demilestoned":
                yield from self._exchange(self._milestones.get(event.value), event.at)
            case "parented" | "orphaned":
                before, self._parent = self._parent, event.value
                if before:
                    yield self._told("parent_issue_removed", event.at, parent=before)
                if event.value:
                    yield self._told("parent_issue_added", event.at, parent=event.value)
            case "merged":
                yield self._told("merged", event.at)
                yield self._told("closed", event.at)
            case "closed":
                yield self._told("closed", event.at, reason=event.value)
            case "reopened":
                yield self._told("reopened", event.at)
            case "received":
                self._held = None
                yield self._told("transferred", event.at)
            case _:
                return

    def _exchange(self, target: Milestone | None, at: datetime) -> Iterator[Told]:
        held, self._held = self._held, target
        if held is target:
            return
        if target is not None:
            yield self._told("milestoned", at, title=_title(target, at))
        if held is not None and not any(event.kind == "deleted" and event.at <= at for event in held.events):
            yield self._told("demilestoned", at, title=_title(held, at))

    def _told(self, kind: str, at: datetime, *, title: str = "", reason: str = "", parent: str = "") -> Told:
        self._count += 1
        return Told(crc32(f"{self._item.item.id}/{self._count}".encode()), kind, at, title, reason, parent)


def _title(milestone: Milestone, at: datetime) -> str:
    titles = [event.value for event in milestone.events if event.kind == "retitled" and event.at <= at]
    return titles[-1] if titles else milestone.title


def event_node(told: Told, instant: str, parent: ItemState | None) -> dict[str, Any]:
    """Return an event as a GraphQL node."""
    name = told.kind.title().replace("_", "")
    node: dict[str, Any] = {"__typename": f"{name}Event", "createdAt": instant, "parent": parent}
    node["id"] = global_id(f"{told.kind[0].upper()}E", told.number)
    if told.title:
        node["milestoneTitle"] = told.title
    return node | {"stateReason": told.reason.upper() or None}


def event_json(told: Told, instant: str, url: str) -> dict[str, Any]:
    """Return an event as a row of REST, which leaves `completed` unsaid."""
    row: dict[str, Any] = {"id": told.number, "node_id": global_id(f"{told.kind[0].upper()}E", told.number)}
    row |= {"url": f"{url}/{told.number}", "event": told.kind, "created_at": instant, "commit_id": None}
    if told.title:
        row["milestone"] = {"title": told.title}
    return row | ({"state_reason": told.reason if told.reason not in ("", "completed") else None})
