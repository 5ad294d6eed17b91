"""Makes a share of a world's items change, move, reopen and vanish at one instant, the same ones for the same seed."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from random import Random

from okr_sync.sandbox.jira_world import Issue, JiraWorld
from okr_sync.sandbox.repositories import GithubWorld, Item, Milestone

MOVED, DELETED = 0.15, 0.1
"""Shares of what is disturbed; the rest is finished, or reopened when it was done."""


def disturb_jira(world: JiraWorld, seed: int, share: float, at: datetime) -> dict[str, int]:
    """Disturb `share` of the issues below epics at `at`; return how many were finished, reopened, moved and deleted,
    and as `places` how many epics held one of them before or after.
    """
    dice = Random(seed)  # noqa: S311 -- repeatable, no secrets
    epics = [issue for issue in world.issues.values() if issue.type.level > 0 and not issue.latest("deleted")]
    there = [issue for issue in world.issues.values() if issue.type.level == 0 and _is_held(issue)]
    told: Counter[str] = Counter()
    places: set[str] = set()
    for issue in dice.sample(there, round(share * len(there))):
        places.add(issue.latest("parent"))
        told[_disturb_issue(world, issue, epics, dice, at)] += 1
        places.add(issue.latest("parent"))
    return {**told, "places": len(places)}


def _is_held(issue: Issue) -> bool:
    return issue.latest("parent") is not None and not issue.latest("deleted")


def _disturb_issue(world: JiraWorld, issue: Issue, epics: list[Issue], dice: Random, at: datetime) -> str:
    fate = dice.random()
    if fate < DELETED:
        world.delete(issue, at=at)
        return "deleted"
    if fate < DELETED + MOVED:
        world.reparent(issue, dice.choice(epics), at=at)
        return "moved"
    if world.status(issue.latest("status")).category.key == "done":
        world.move(issue, "In Progress", at=at)
        return "reopened"
    world.move(issue, "Done", at=at, resolution="Done")
    return "finished"


def disturb_github(world: GithubWorld, seed: int, share: float, at: datetime) -> dict[str, int]:
    """Disturb `share` of the items in milestones at `at`; return how many were finished, reopened, moved and deleted,
    and as `places` how many milestones held one of them before or after. What was merged moves or vanishes.
    """
    dice = Random(seed)  # noqa: S311 -- repeatable, no secrets
    milestones = {each.node_id: each for each in world.milestones}
    siblings: dict[int, list[Milestone]] = {}
    for each in world.milestones:
        siblings.setdefault(each.repository.id, []).append(each)
    there = [item for item in world.items if not _is_gone(item) and _milestone(item) in milestones]
    told: Counter[str] = Counter()
    places: set[str] = set()
    for item in dice.sample(there, round(share * len(there))):
        places.add(_milestone(item))
        told[_disturb_item(world, item, siblings[item.repository.id], dice, at)] += 1
        places.add(_milestone(item))
    return {**told, "places": len(places)}


def _disturb_item(world: GithubWorld, item: Item, siblings: list[Milestone], dice: Random, at: datetime) -> str:
    fate = dice.random()
    ends = [event.kind for event in item.events if event.kind in ("closed", "merged", "reopened")]
    if fate < DELETED:
        world.delete(item, at=at)
        return "deleted"
    if fate < DELETED + MOVED or ends[-1:] == ["merged"]:
        world.set_milestone(item, dice.choice(siblings), at=at)
        return "moved"
    if ends[-1:] == ["closed"]:
        world.reopen(item, at=at)
        return "reopened"
    world.close(item, at=at)
    return "finished"


def _milestone(item: Item) -> str:
    told = [event.value for event in item.events if event.kind in ("milestoned", "demilestoned", "received")]
    return told[-1] if told else ""


def _is_gone(item: Item) -> bool:
    return any(event.kind in ("deleted", "transferred") for event in item.events)
