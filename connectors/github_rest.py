"""Asks GitHub by REST: the milestones of each repository, then the items of each milestone that changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.github_answers import GoneError, NotThereError
from connectors.github_fields import Fields
from connectors.github_histories import RestHistories
from connectors.github_http import Client
from connectors.github_items import (
    Contents,
    Milestone,
    contents,
    deleted_meanwhile,
    item_of_rest,
    milestone_of_rest,
    unseen,
)
from connectors.github_pages import Pages
from connectors.github_past import Story
from connectors.github_questions import Learnt
from connectors.github_types import Types
from okr_sync.connector import Caller, LookUp, Miss, WorkItem


class RestTransport:
    """Questions of the connector as REST: for servers or tokens without GraphQL."""

    def __init__(self, client: Client, caller: Caller, types: Types, *, with_labels: bool) -> None:
        self._client = client
        self._caller = caller
        self._pages = Pages(client, caller)
        self._types = types
        self._with_labels = with_labels

    def viewer(self) -> str:
        """Return the login of the token's owner; of an App, which is no user, how many repositories it may read."""
        if isinstance(self._client.sign_in, str):
            return Fields(self._client.get("/user").payload, "user").text("login")
        listed = Fields(self._client.get("/installation/repositories", {"per_page": 1}).payload, "list")
        return f"App {self._client.sign_in.app} with {listed.number('total_count')} repositories"

    def milestones(self, repos: Sequence[str]) -> dict[str, list[Milestone] | Miss]:
        """Return all milestones of each repository; a Miss for one that can't be seen."""
        return dict(zip(repos, self._caller.map(self._milestones, repos), strict=True))

    def refresh(self, ids: Sequence[str]) -> dict[str, Milestone]:
        """Return none: REST knows milestones by repository only, so they are listed each time."""
        return {}

    def recall(self, learnt: Learnt) -> None:
        """Begin anew: REST has one size, and words that all servers know."""

    def learnt(self) -> Learnt:
        """Return nothing."""
        return Learnt()

    def contents(self, milestones: Sequence[Milestone]) -> Iterator[Contents]:
        """Yield the milestones with all their items."""
        return self._caller.map(self._contents, milestones)

    def again(self, milestones: Sequence[Milestone]) -> Iterator[Contents]:
        """Yield milestones with their items, both asked for without a condition."""
        return self._caller.map(self._again, milestones)

    def look_up(self, ids: Sequence[str], known: Mapping[str, WorkItem]) -> LookUp:
        """Return what became of items, a request each; gone only where their repository can still be seen."""
        asked = [id_ for id_ in ids if id_ in known]
        answers = dict(zip(asked, self._caller.map(lambda id_: self._item(known[id_]), asked), strict=True))
        repos = {id_: known[id_].key.partition("#")[0] for id_, item in answers.items() if item is None}
        listed = sorted(set(repos.values()))
        seen = dict(zip(listed, self._caller.map(self._is_visible, listed), strict=True))
        gone = frozenset(id_ for id_, repo in repos.items() if seen[repo])
        found = tuple(item for item in answers.values() if item)
        return LookUp(found, gone, frozenset(ids) - gone - {item.id for item in found})

    def stories(self, items: Mapping[str, WorkItem], since: datetime | None) -> Iterator[Story]:
        """Yield all that happened to `items`, a request each and one for each 100 updated ones of a repository."""
        return RestHistories(self._pages.rows, self._caller).stories(items, since)

    def _milestones(self, repo: str) -> list[Milestone] | Miss:
        try:
            return [milestone_of_rest(row) for row in self._pages.work(f"/repos/{repo}/milestones", {"state": "all"})]
        except NotThereError:
            return unseen(repo)

    def _contents(self, milestone: Milestone) -> Contents:
        return self._counted(milestone, self._pages.work(*_items_of(milestone)))

    def _again(self, milestone: Milestone) -> Contents:
        try:
            now = self._client.get(f"/repos/{milestone.repo}/milestones/{milestone.number}").payload
        except NotThereError:
            raise deleted_meanwhile() from None
        return self._counted(milestone_of_rest(now), self._pages.anew(*_items_of(milestone)))

    def _counted(self, milestone: Milestone, rows: Iterable[Any]) -> Contents:
        return contents(milestone, ((self._mapped(row), self._types.count(row, "type")) for row in rows))

    def _item(self, known: WorkItem) -> WorkItem | None:
        """Return the item as it is now; None when it is not there, or another stands in its place."""
        repo, _, number = known.key.partition("#")
        try:
            item = self._mapped(self._client.get(f"/repos/{repo}/issues/{number}").payload)
        except (NotThereError, GoneError):
            return None
        return item if item.id == known.id else None

    def _is_visible(self, repo: str) -> bool:
        try:
            return bool(Fields(self._client.get(f"/repos/{repo}").payload, "repository").text("node_id"))
        except NotThereError:
            return False

    def _mapped(self, row: Any) -> WorkItem:
        item = item_of_rest(row)
        return item if self._with_labels else replace(item, labels=())


def _items_of(milestone: Milestone) -> tuple[str, Mapping[str, Any]]:
    """Return the path and the parameters of the list of a milestone's items."""
    order = {"sort": "created", "direction": "asc"}  # rows don't move between pages while items close
    return f"/repos/{milestone.repo}/issues", {"milestone": milestone.number, "state": "all", **order}
