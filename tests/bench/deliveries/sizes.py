"""How much there is to sync, and the least requests that the APIs of the trackers allow for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Tracker: TypeAlias = Literal["jira-cloud", "jira-dc", "github"]
TRACKERS: tuple[Tracker, ...] = ("jira-cloud", "jira-dc", "github")
Phase: TypeAlias = Literal["full", "quiet", "changed"]

PAGES: Mapping[Tracker, int] = {"jira-cloud": 100, "jira-dc": 1000, "github": 100}
"""Items on a page with fields, as the sandbox grants them; of GitHub, milestones in a request."""
IDS_PAGES: Mapping[Tracker, int] = {"jira-cloud": 5000, "jira-dc": 1000, "github": 100}
"""Items on a page of ids."""
BULK = 100  # issues that Jira Cloud takes in one bulk request


@dataclass(frozen=True, slots=True)
class Size:
    """`projects` with `epics` of `issues` each; `milestones` over `repositories`, `items` in each."""

    projects: int
    epics: int
    issues: int
    repositories: int
    milestones: int
    items: int


SIZES = {
    "S": Size(5, 50, 20, 10, 50, 20),
    "M": Size(20, 500, 40, 100, 500, 40),
    "L": Size(100, 5000, 40, 500, 2000, 40),
    "100k": Size(100, 2500, 40, 250, 2500, 40),
    "1M": Size(100, 25_000, 40, 2500, 25_000, 40),
    "1M-deep": Size(100, 2500, 400, 250, 2500, 400),  # the same config as of 100k: only items grow
}


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a sandbox truly holds: epics or milestones, items in them, and those of these that are sub-tasks.

    `repositories`: over so many the milestones are spread.
    """

    places: int
    items: int
    subtasks: int = 0
    repositories: int = 1


@dataclass(frozen=True, slots=True)
class Disturbance:
    """How many items changed, those that moved or vanished among them, and how many places held one of them."""

    items: int = 0
    moved: int = 0
    deleted: int = 0
    places: int = 0


def pages(items: int, size: int) -> int:
    """Return how many pages of `size` hold `items`."""
    return math.ceil(items / size)


def least(tracker: Tracker, phase: Phase, held: Holdings, changes: Disturbance | None = None) -> int:
    """Return the least requests of one run in a new process.

    Jira, full: server information and fields, epics by 100 (Data Center: by the page), their issues and sub-tasks by
    the page that is granted, and one count: without it the next run would have to list all ids to see that something
    left. Quiet: one question for changes, one for a count. Changed: the changes by the page, the count, and, as the
    count does not tell what left, the ids of all issues and of all sub-tasks by the page (no one query finds both), and
    what is missing there by name: that it left is believed only when it says so itself, or is there no more.
    GitHub, full: the ids of milestones by 100 repositories (a query for more would not end within the ten seconds that
    GitHub takes for one), then milestones by 100. Quiet: milestones by 100. Changed: and those again that held what
    changed.
    """
    page, changed = PAGES[tracker], changes or Disturbance()
    if tracker == "github":
        anew = {"full": pages(held.repositories, page), "quiet": 0, "changed": pages(changed.places, page)}
        return anew[phase] + pages(held.places, page)
    if phase == "full":
        epics = pages(held.places, BULK if tracker == "jira-cloud" else page)
        return 2 + epics + pages(held.items - held.subtasks, page) + pages(held.subtasks, page) + 1
    if phase == "quiet":
        return 2
    told = 1 + max(1, pages(changed.items, page))
    if not changed.moved and not changed.deleted:
        return told
    ids = IDS_PAGES[tracker]
    listed = pages(held.items - held.subtasks, ids) + pages(held.subtasks, ids)
    return told + listed + pages(changed.deleted, BULK if tracker == "jira-cloud" else page)


def quiet_bound(tracker: Tracker, held: Holdings) -> int:
    """Return how many requests of a quiet run are wanted at most."""
    return 2 + pages(held.places, PAGES[tracker]) if tracker == "github" else 5


def ratio(ours: float, theirs: float) -> float:
    """Return ours / theirs; infinite when theirs is 0 and ours is not."""
    if theirs == 0:
        return math.inf if ours else 1.0
    return ours / theirs
