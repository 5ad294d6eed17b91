"""Tells what happened to GitHub items: asks for their events, and finds out which milestones the titles mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from connectors.github_answers import GoneError, NotThereError
from connectors.github_fields import Fields
from connectors.github_items import Milestone
from connectors.github_past import HAPPENED, Happening, Holder, Story, Titles, read_event, read_transitions
from okr_sync.connector import Caller, Miss, Transition, WorkItem


class Teller(Protocol):
    """One way of asking GitHub; both ways tell the same."""

    def milestones(self, repos: Sequence[str]) -> dict[str, list[Milestone] | Miss]:
        """Return all milestones of each repository."""
        ...

    def stories(self, items: Mapping[str, WorkItem], since: datetime | None) -> Iterator[Story]:
        """Yield all that happened to `items`; those that are there no more are left out. Each was updated since then,
        unless `since` is None.
        """
        ...


def tell_past(
    teller: Teller, items: Mapping[str, WorkItem], since: datetime, now: datetime
) -> Iterator[tuple[Transition, ...]]:
    """Yield the transitions of `items` in [since, now], an item at a time; raises SourceError.

    Items whose last update lies before `since` are not asked for, every event being an update; unless titles occur
    that only they can explain.
    """
    asked = {id_: item for id_, item in items.items() if item.updated is None or item.updated >= since}
    if not asked:
        return
    stories = list(teller.stories(asked, since))
    titles = _titles(teller, stories, {id_: item for id_, item in items.items() if id_ not in asked})
    for story in stories:
        yield tuple(each for each in read_transitions(items[story.item], story, titles) if since <= each.at <= now)


def _titles(teller: Teller, stories: Sequence[Story], others: Mapping[str, WorkItem]) -> Titles:
    titles = Titles()
    for story in stories:
        titles.learn(story)
    repos = sorted(titles.unknown(stories))
    for repo, listed in (teller.milestones(repos) if repos else {}).items():
        for each in () if isinstance(listed, Miss) else listed:
            titles.add(repo, Holder(each.container.id, each.container.title, each.created))
    repos = sorted(titles.unknown(stories))
    witnesses = {id_: item for id_, item in others.items() if _repo(item) in repos}
    for story in teller.stories(witnesses, None) if witnesses else ():
        titles.learn(story)
    return titles


def story_of_graphql(node: Fields, events: Sequence[Any]) -> Story:
    """Return the story of an Issue or PullRequest node and its timeline."""
    repo, holder = node.inner("repository").text("nameWithOwner"), None
    if node.has("milestone"):
        milestone = node.inner("milestone")
        holder = Holder(milestone.text("id"), milestone.text("title"), milestone.moment("createdAt"))
    rows = [Fields(each, "event") for each in events]
    kinds = {f"{kind.title().replace('_', '')}Event": kind for kind in HAPPENED}
    happened = [read_event(row, kinds[name], "createdAt") for row in rows if (name := row.text("__typename")) in kinds]
    return Story(node.text("id"), repo, _ordered(happened), holder)


class RestHistories:
    """Reads events by REST: a request for each item, and the milestones that hold them for each repository."""

    def __init__(self, rows: Any, caller: Caller) -> None:
        self._rows = rows
        self._caller = caller

    def stories(self, items: Mapping[str, WorkItem], since: datetime | None) -> Iterator[Story]:
        """Yield all that happened to `items`; see `Teller`."""
        repos = sorted({_repo(item) for item in items.values()})
        holders: dict[str, Holder] = {}
        for found in self._caller.map(lambda repo: self._holders(repo, since), repos):
            holders |= found
        told = self._caller.map(lambda item: self._story(item, holders.get(item.id)), items.values())
        return (story for story in told if story)

    def _holders(self, repo: str, since: datetime | None) -> dict[str, Holder]:
        asked = {"state": "all", "milestone": "*", "sort": "created", "direction": "asc"}
        if since:
            asked["since"] = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        try:
            rows = [Fields(row, "issue") for row in self._rows(f"/repos/{repo}/issues", asked)]
        except NotThereError:
            return {}
        return {row.text("node_id"): _holder_of_rest(row.inner("milestone")) for row in rows}

    def _story(self, item: WorkItem, holder: Holder | None) -> Story | None:
        repo, _, number = item.key.partition("#")
        try:
            rows = [Fields(row, "event") for row in self._rows(f"/repos/{repo}/issues/{number}/events", {})]
        except (NotThereError, GoneError):
            return None
        kinds = {kind: kind for kind in HAPPENED if not kind.startswith("parent")}  # whose, REST does not say
        happened = [read_event(row, kinds[name], "created_at") for row in rows if (name := row.text("event")) in kinds]
        return Story(item.id, repo, _ordered(happened), holder)


def _holder_of_rest(milestone: Fields) -> Holder:
    return Holder(milestone.text("node_id"), milestone.text("title"), milestone.moment("created_at"))


def _ordered(happened: Sequence[Happening]) -> tuple[Happening, ...]:
    return tuple(sorted(happened, key=lambda each: each.at))


def _repo(item: WorkItem) -> str:
    return item.key.partition("#")[0]
