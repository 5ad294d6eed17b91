"""Tells what each epic or milestone of a world truly holds, item by item: what readers of its site must arrive at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from okr_sync.sandbox import github_truth, jira_truth
from okr_sync.sandbox.jira_world import JiraWorld
from okr_sync.sandbox.repositories import GithubWorld

Entry: TypeAlias = tuple[str, str, str | None, float | None]
"""An item: id, state as okr-sync names it, resolution, points."""


@dataclass(frozen=True, slots=True)
class Place:
    """An epic or a milestone: its id, and how people name it, `number` being that of a milestone."""

    id: str
    key: str
    number: int | None = None


def jira_places(world: JiraWorld, at: datetime) -> list[Place]:
    """Return the epics that are there at `at`, in order of ids."""
    there = jira_truth.states_at(world, at)
    return [Place(issue.id, issue.key) for issue in world.issues.values() if issue.type.level > 0 and issue.id in there]


def jira_census(world: JiraWorld, at: datetime) -> dict[str, list[Entry]]:
    """Return by the id of each epic what it holds at `at`, sub-tasks included, in order of ids."""
    there = jira_truth.states_at(world, at)
    levels = {issue.id: issue.type.level for issue in world.issues.values()}
    rows = [
        (_epic(was.above, there, levels), (id_, was.state, was.resolution, was.points)) for id_, was in there.items()
    ]
    return _by_place((place.id for place in jira_places(world, at)), rows)


def github_places(world: GithubWorld, at: datetime) -> list[Place]:
    """Return the milestones that are there at `at`; `key` is owner/name of the repository at its birth."""
    living = github_truth.living_milestones(world, at)
    return [
        Place(each.node_id, each.repository.full_name, each.number)
        for each in world.milestones
        if each.node_id in living
    ]


def github_census(world: GithubWorld, at: datetime) -> dict[str, list[Entry]]:
    """Return by the node id of each milestone what it holds at `at`, in order of node ids."""
    there = github_truth.states_at(world, at)
    rows = [(was.milestone, (id_, was.state, was.resolution, None)) for id_, was in there.items()]
    return _by_place((place.id for place in github_places(world, at)), rows)


def _epic(above: str | None, there: Mapping[str, jira_truth.Was], levels: Mapping[str, int]) -> str | None:
    """Return the epic of what stands below `above`, an epic or an issue."""
    if above is None or above not in there or levels[above] > 0:
        return above
    return there[above].above


def _by_place(places: Iterable[str], rows: Iterable[tuple[str | None, Entry]]) -> dict[str, list[Entry]]:
    held: dict[str, list[Entry]] = defaultdict(list)
    for place, entry in rows:
        if place is not None:
            held[place].append(entry)
    return {place: sorted(held[place], key=lambda entry: entry[0]) for place in places}
