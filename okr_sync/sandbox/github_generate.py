"""Makes GitHub worlds of any size from a seed, and counts their truth without the site."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from okr_sync.sandbox.repositories import CloseReason, Event, GithubWorld, Item, Milestone, Repository

__all__ = ["Counts", "generate_github", "truth"]

_HISTORY = timedelta(days=120)
"""How far before `now` the generated repositories begin."""

_SHARED_TITLES = ("Reminder feature", "Assistant beta", "Encryption at rest")
_AREAS = ("Checkout", "Search", "Refills", "Wearables", "Profile", "Insurance")
_LABELS = ("bug", "feature", "ux", "user-reported")


@dataclass(frozen=True, slots=True)
class Counts:
    """Items of some milestones: issues done (closed as completed), open, dropped (not planned or duplicate);
    pull requests merged, open, dropped (closed without a merge).
    """

    done: int = 0
    open: int = 0
    dropped: int = 0
    pulls_done: int = 0
    pulls_open: int = 0
    pulls_dropped: int = 0


def generate_github(
    seed: int, *, repositories: int, milestones: int, items_per_milestone: int, now: datetime
) -> GithubWorld:
    """Return a world with `milestones` spread over `repositories`, told up to `now`; equal arguments give equal worlds.

    Milestone 1 of each repository has a title that other repositories use too. About a quarter of the items are pull
    requests; some issues are not planned, duplicates, reopened, moved to another milestone or in none.
    """
    if repositories < 1 and milestones > 0:
        raise ValueError("milestones need a repository: ask for at least one")
    dice = random.Random(seed)  # noqa: S311 -- repeatable worlds, no secrets
    world = GithubWorld()
    birth = now - _HISTORY
    homes = [world.add_repository(f"digital-pharma/service-{one + 1}", at=birth) for one in range(repositories)]
    made = [_milestone(dice, world, homes[one % repositories], birth) for one in range(milestones)]
    for number, milestone in enumerate(made):
        siblings = [one for one in made[number % repositories :: repositories] if one is not milestone]
        for _ in range(items_per_milestone):
            _item(dice, world, milestone, siblings, now)
    return world


def truth(world: GithubWorld, milestone_ids: Collection[str], at: datetime) -> Counts:
    """Return the counts of the milestones with these node ids together, straight from the timelines (`at` inclusive).

    Hidden and deleted repositories still count here: this is what happened, not what a token may see.
    """
    counts = dict.fromkeys(Counts.__dataclass_fields__, 0)
    deleted = {
        one.node_id for one in world.milestones if any(event.kind == "deleted" for event in _until(one.events, at))
    }
    wanted = set(milestone_ids) - deleted
    for item in world.items:
        if item.arrived_at <= at and _last_milestone(item, at) in wanted and not _is_gone(item, at):
            counts[_place(item, at)] += 1
    return Counts(**counts)


def _milestone(dice: random.Random, world: GithubWorld, home: Repository, birth: datetime) -> Milestone:
    is_shared = home.last_milestone == 0
    title = dice.choice(_SHARED_TITLES) if is_shared else f"{dice.choice(_AREAS)} {home.last_milestone + 1}"
    start = birth + timedelta(hours=dice.randrange(240))
    due_on = start + timedelta(days=dice.randrange(30, 150)) if dice.random() < 0.8 else None
    return world.add_milestone(home, title, at=start, due_on=due_on)


def _item(
    dice: random.Random, world: GithubWorld, milestone: Milestone, siblings: Sequence[Milestone], now: datetime
) -> None:
    born = _between(dice, milestone.created_at, now)
    labels = dice.sample(_LABELS, k=dice.randrange(3))
    title = f"{milestone.title}: step {milestone.repository.last_item + 1}"
    is_pull = dice.random() < 0.25
    add = world.add_pull_request if is_pull else world.add_issue
    item = add(milestone.repository, title, at=born, milestone=milestone, labels=labels)
    _finish(dice, world, item, now)
    if dice.random() < 0.05:
        target = dice.choice(siblings) if siblings and dice.random() < 0.5 else None
        world.set_milestone(item, target, at=_between(dice, max(born, target.created_at if target else born), now))


def _finish(dice: random.Random, world: GithubWorld, item: Item, now: datetime) -> None:
    """Close 65 % of the items at some instant before `now`, and open a few of them again."""
    if dice.random() >= 0.65:
        return
    closed = _between(dice, item.created_at, now)
    if item.pull_request:
        merge = dice.random() < 0.9
        world.merge(item, at=closed) if merge else world.close(item, at=closed)
        return
    reasons: list[CloseReason] = ["completed", "not_planned", "duplicate"]
    world.close(item, dice.choices(reasons, weights=[80, 13, 7])[0], at=closed)
    if dice.random() < 0.05:
        world.reopen(item, at=_between(dice, closed, now))


def _between(dice: random.Random, first: datetime, last: datetime) -> datetime:
    """Return a whole second in (first, last]; `last` when they touch."""
    seconds = int((last - first).total_seconds())
    return first + timedelta(seconds=dice.randint(1, seconds)) if seconds >= 1 else last


def _until(events: Sequence[Event], at: datetime) -> list[Event]:
    return [event for event in events if event.at <= at]


def _last_milestone(item: Item, at: datetime) -> str:
    told = [
        event.value for event in _until(item.events, at) if event.kind in ("milestoned", "demilestoned", "received")
    ]
    return told[-1] if told else ""


def _is_gone(item: Item, at: datetime) -> bool:
    return any(event.kind in ("deleted", "transferred") for event in _until(item.events, at))


def _place(item: Item, at: datetime) -> str:
    told = [event for event in _until(item.events, at) if event.kind in ("closed", "merged", "reopened")]
    last = told[-1] if told else None
    prefix = "pulls_" if item.pull_request else ""
    if last is None or last.kind == "reopened":
        return f"{prefix}open"
    return f"{prefix}done" if last.kind == "merged" or last.value == "completed" else f"{prefix}dropped"
