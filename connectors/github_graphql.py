"""Asks GitHub by GraphQL: milestones of many repositories, then the items of many milestones, in one request each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from connectors.github_fields import Fields
from connectors.github_histories import story_of_graphql
from connectors.github_items import (
    Contents,
    Milestone,
    contents,
    deleted_meanwhile,
    item_of_graphql,
    milestone_of_graphql,
    unseen,
)
from connectors.github_past import Story
from connectors.github_projects import Projects
from connectors.github_queries import (
    CONNECTIONS,
    COUNTED,
    VIEWER,
    Further,
    Place,
    counted_with_items,
    further_events,
    further_pages,
    histories,
    listing,
    seen,
    single_items,
)
from connectors.github_questions import Learnt, Questions
from connectors.github_types import Types
from okr_sync.connector import LookUp, Miss, ProtocolError, WorkItem

_Listed: TypeAlias = tuple[list[Any], str | None] | Miss
"""Milestones and the cursor of the next page, or why not."""


class GraphqlTransport:
    """Questions of the connector as GraphQL; of items' points those count that `project` knows, None: all projects.

    `types` says which issues count.
    """

    def __init__(self, questions: Questions, project: int | None, types: Types) -> None:
        self._questions = questions
        self._types = types
        self._project = project
        self._projects = Projects(questions, project)

    def recall(self, learnt: Learnt) -> None:
        """Begin with what was learnt about the server earlier."""
        self._questions.recall(learnt)
        self._projects.recall(learnt.projects)

    def learnt(self) -> Learnt:
        """Return what is worth to be known about the server next time."""
        return self._questions.learnt().model_copy(update={"projects": self._projects.seen()})

    def viewer(self) -> str:
        """Return the login of the token's owner, and what is left of the hour's points where there is a limit."""
        data = self._questions.ask(VIEWER, {})
        login = Fields(data, "answer").inner("viewer").text("login")
        if data.get("rateLimit") is None:
            return login
        limit = Fields(data["rateLimit"], "rate limit")
        return f"{login}, {limit.number('remaining')} of {limit.number('limit')} points left this hour"

    def milestones(self, repos: Sequence[str]) -> dict[str, list[Milestone] | Miss]:
        """Return all milestones of each repository; a Miss for one that can't be seen."""
        listed: dict[str, list[Milestone] | Miss] = {repo: [] for repo in repos}
        pending: list[Place] = [(repo, None) for repo in repos]
        while pending:
            answers = self._questions.spread("listing", pending, self._listing)
            pending = []
            for repo, answer in answers:
                found = listed[repo]
                if isinstance(answer, Miss) or isinstance(found, Miss):
                    listed[repo] = answer if isinstance(answer, Miss) else found
                    continue
                rows, after = answer
                found.extend(milestone_of_graphql(row) for row in rows)
                pending += [(repo, after)] if after else []
        return listed

    def refresh(self, ids: Sequence[str]) -> dict[str, Milestone]:
        """Return those of these milestones that can be seen as they are now, with counts."""
        nodes = self._questions.many_nodes(ids, "light", lambda _: COUNTED)
        return {id_: milestone_of_graphql(node) for id_, node in nodes if node is not None}

    def contents(self, milestones: Sequence[Milestone]) -> Iterator[Contents]:
        """Yield the milestones with all their items.

        Raises AccessError when a project that points stood in can't be seen after that.
        """
        yield from self._questions.spread("contents", [each.container.id for each in milestones], self._contents)
        self._projects.check()

    def again(self, milestones: Sequence[Milestone]) -> Iterator[Contents]:
        """Yield the same as `contents`, which asks for counts and items in one question."""
        return self.contents(milestones)

    def look_up(self, ids: Sequence[str], known: Mapping[str, WorkItem]) -> LookUp:
        """Return what became of items; gone only where their repository can still be seen, which is asked after they
        were missed: it may have been seen in the same pull, and be lost since.
        """
        nodes = dict(self._questions.many_nodes(ids, "light", lambda wanted: single_items(wanted.fields())))
        lost = {id_: known[id_].key.partition("#")[0] for id_, node in nodes.items() if node is None and id_ in known}
        there = self._visible(sorted(set(lost.values())))
        gone = frozenset(id_ for id_, repo in lost.items() if repo in there)
        found = tuple(item_of_graphql(node, self._project) for node in nodes.values() if node is not None)
        return LookUp(found, gone, frozenset(ids) - gone - {item.id for item in found})

    def stories(self, items: Mapping[str, WorkItem], since: datetime | None) -> Iterator[Story]:
        """Yield all that happened to `items`, whenever they were updated; those that are there no more are left out."""
        for _, node in self._questions.many_nodes(list(items), "past", lambda wanted: histories(wanted.lacks)):
            if node is not None:
                known = Fields(node, "node")
                yield story_of_graphql(known, list(self._events(known)))

    def _visible(self, repos: Sequence[str]) -> set[str]:
        """Return those of the repositories that the token sees, also under an old name."""
        there = set()
        for part, answer in self._questions.sized("light", repos, seen):
            there |= {repo for place, repo in enumerate(part) if answer["data"].get(f"r{place}") is not None}
        return there

    def _listing(self, wanted: Sequence[Place]) -> Iterator[tuple[str, _Listed]]:
        """Yield for each place its milestones and where the next page starts, or a Miss."""
        for part, answer in self._questions.sized("listing", wanted, listing):
            yield from _listed(part, answer)

    def _contents(self, ids: Sequence[str]) -> Iterator[Contents]:
        """Yield milestones with their items: the first pages of all, then the second ones of those that have more."""
        milestones: list[Milestone] = []
        items: dict[str, list[tuple[WorkItem, bool]]] = {id_: [] for id_ in ids}
        pending: list[Further] = []
        for id_, node in self._questions.nodes(ids, "contents", lambda wanted: counted_with_items(wanted.fields())):
            milestones.append(milestone_of_graphql(_present(node)))
            for name in CONNECTIONS:
                rows, after = _page(Fields(node, "milestone").inner(name), None)
                items[id_] += self._items(rows)
                pending += [(id_, name, after)] if after else []
        while pending:
            pending = list(self._further(pending, items))
        for each in milestones:
            yield contents(each, items.pop(each.container.id))

    def _further(
        self, wanted: Sequence[Further], items: Mapping[str, list[tuple[WorkItem, bool]]]
    ) -> Iterator[Further]:
        """Add one more page to `items` for each of `wanted`; yield where to go on."""
        for part, answer in self._questions.sized("pages", wanted, self._question_of_pages):
            for place, (id_, name, before) in enumerate(part):
                node = Fields(_present(answer["data"].get(f"p{place}")), "milestone")
                rows, after = _page(node.inner(name), before)
                items[id_].extend(self._items(rows))
                if after:
                    yield id_, name, after

    def _question_of_pages(self, wanted: Sequence[Further]) -> tuple[str, Mapping[str, Any]]:
        return further_pages(wanted, self._questions.wanted.fields())

    def _items(self, rows: Sequence[Any]) -> list[tuple[WorkItem, bool]]:
        self._projects.note(rows)
        return [(item_of_graphql(row, self._project), self._types.count(row, "issueType")) for row in rows]

    def _events(self, node: Fields) -> Iterator[Any]:
        """Yield the events of an item, asking for further pages."""
        rows, after = _page(node.inner("timelineItems"), None)
        yield from rows
        while after:
            asked = further_events(self._questions.wanted.lacks)
            data = self._questions.ask(asked, {"id": node.text("id"), "after": after})
            rows, after = _page(Fields(data, "answer").inner("node").inner("timelineItems"), after)
            yield from rows


def _present(node: Any) -> Any:
    if node is None:
        raise deleted_meanwhile()
    return node


def _listed(wanted: Sequence[Place], answer: Mapping[str, Any]) -> Iterator[tuple[str, _Listed]]:
    kinds = {(error.get("path") or [None])[0]: error.get("type") for error in answer.get("errors") or ()}
    for place, (repo, after) in enumerate(wanted):
        raw, kind = answer["data"].get(f"r{place}"), kinds.get(f"r{place}")
        if raw is None or kind:
            yield repo, unseen(repo, denied=kind == "FORBIDDEN")
        else:
            yield repo, _page(Fields(raw, "repository").inner("milestones"), after)


def _page(connection: Fields, after: str | None) -> tuple[list[Any], str | None]:
    """Return the rows of a page and the cursor of the next one; None on the last page."""
    rows, info = connection.rows("nodes"), connection.inner("pageInfo")
    if not info.flag("hasNextPage"):
        return rows, None
    following = info.text("endCursor")
    if not rows or following == after:
        raise ProtocolError("GitHub's pages don't go on: an empty page or the same one again", fix="try again later")
    return rows, following
