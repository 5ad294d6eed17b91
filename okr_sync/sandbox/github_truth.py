"""Tells what was true of GitHub items at an instant, straight from their timelines: what readers must arrive at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from okr_sync.sandbox.repositories import Event, GithubWorld, Item

__all__ = ["Was", "living_milestones", "states_at"]


@dataclass(frozen=True, slots=True)
class Was:
    """What was true of an item: open or done, how it ended, and the node id of the milestone that held it."""

    state: str
    resolution: str | None
    milestone: str | None


def states_at(world: GithubWorld, at: datetime) -> dict[str, Was]:
    """Return what was true at `at`, inclusive, of each item that was in its repository then, by node id."""
    living = living_milestones(world, at)
    there = {}
    for item in world.items:
        past = _until(item.events, at)
        if item.arrived_at <= at and not _has(past, "deleted") and not _has(past, "transferred"):
            there[item.node_id] = _was(item, past, living)
    return there


def living_milestones(world: GithubWorld, at: datetime) -> set[str]:
    """Return the node ids of the milestones that are not deleted at `at`, inclusive."""
    return {each.node_id for each in world.milestones if not _has(_until(each.events, at), "deleted")}


def _was(item: Item, past: list[Event], living: set[str]) -> Was:
    ends = [event for event in past if event.kind in ("closed", "merged", "reopened")]
    places = [event.value for event in past if event.kind in ("milestoned", "demilestoned", "received")]
    milestone = places[-1] if places and places[-1] in living else None
    if not ends or ends[-1].kind == "reopened":
        return Was("open", None, milestone)
    plain = "unmerged" if item.pull_request else ends[-1].value
    return Was("done", "merged" if ends[-1].kind == "merged" else plain, milestone)


def _until(events: list[Event], at: datetime) -> list[Event]:
    return [event for event in events if event.at <= at]


def _has(events: list[Event], kind: str) -> bool:
    return any(event.kind == kind for event in events)
