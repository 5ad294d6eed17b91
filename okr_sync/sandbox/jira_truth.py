"""Counts what is true of epics straight from their issues' timelines: what readers of the site must arrive at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

from okr_sync.sandbox.jira_world import Issue, JiraWorld

DROPPED = ("Won't Do", "Won't Fix", "Duplicate", "Declined", "Cannot Reproduce", "Abandoned", "Obsolete")
"""Resolutions of issues that are finished but not done."""


@dataclass(frozen=True, slots=True)
class Counts:
    """An epic's issues by class; `members` are their ids, `subtasks` the ids of what hangs below them."""

    done: int
    dropped: int
    in_progress: int
    open: int
    members: frozenset[str]
    subtasks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Was:
    """What was true of an issue: its state as okr-sync names it, and what stood above it, by id."""

    state: str
    resolution: str | None
    points: float | None
    above: str | None


def states_at(world: JiraWorld, at: datetime) -> dict[str, Was]:
    """Return what was true at `at`, inclusive, of each issue that was there, by id. Points below zero are none."""
    categories = {status.id: status.category.key for status in world.statuses}
    there = {}
    for issue in world.issues.values():
        values: dict[str, Any] = {change.field: change.value for change in issue.changes if change.at <= at}
        if values and "deleted" not in values:
            state = _classify(categories[values["status"]], None, ())
            there[issue.id] = Was(state, values["resolution"], _estimate(values["points"]), values["parent"])
    return there


def _estimate(points: Any) -> float | None:
    try:
        number = float(points)
    except (TypeError, ValueError):
        return None
    return number if isfinite(number) and number >= 0 else None


def truth(
    world: JiraWorld, epics: Iterable[str], at: datetime, *, dropped: Collection[str] = DROPPED
) -> dict[str, Counts]:
    """Return the counts of each epic (by id) at `at`, inclusive, whether or not anyone may see its issues.

    Done: status category done and not dropped. Dropped: status category done with such a resolution.
    """
    gone = {
        issue.id for issue in world.issues.values() if any(c.field == "deleted" and c.at <= at for c in issue.changes)
    }
    categories = {status.id: status.category.key for status in world.statuses}
    below: dict[str, list[tuple[Issue, str]]] = defaultdict(list)
    for issue in world.issues.values():
        values: dict[str, Any] = {change.field: change.value for change in issue.changes if change.at <= at}
        if values and issue.id not in gone and values["parent"] not in {None, *gone}:
            below[values["parent"]].append(
                (issue, _classify(categories[values["status"]], values["resolution"], dropped))
            )
    return {epic: _count(epic, below) for epic in epics}


def _classify(category: str, resolution: str | None, dropped: Collection[str]) -> str:
    if category == "done":
        return "dropped" if resolution in dropped else "done"
    return "in_progress" if category == "indeterminate" else "open"


def _count(epic: str, below: dict[str, list[tuple[Issue, str]]]) -> Counts:
    children = below.get(epic, [])
    classes = [name for _, name in children]
    members = frozenset(issue.id for issue, _ in children)
    return Counts(
        done=classes.count("done"),
        dropped=classes.count("dropped"),
        in_progress=classes.count("in_progress"),
        open=classes.count("open"),
        members=members,
        subtasks=frozenset(task.id for member in members for task, _ in below.get(member, [])),
    )
