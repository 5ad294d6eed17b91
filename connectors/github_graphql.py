"""Asks GitHub by GraphQL: milestones of many repositories, then the items of many milestones, in one request each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, TypeAlias, TypeVar

from connectors.github_answers import TooMuchError
from connectors.github_fields import Fields
from connectors.github_histories import story_of_graphql
from connectors.github_http import Client
from connectors.github_items import Contents, Milestone, contents, item_of_graphql, milestone_of_graphql, unseen
from connectors.github_past import Story
from connectors.github_queries import (
    COUNTED,
    VIEWER,
    Place,
    by_ids,
    counted_with_items,
    further_events,
    further_page,
    histories,
    item_fields,
    listing,
    single_items,
)
from okr_sync.connector import Caller, LookUp, Miss, ProtocolError, TransientError, WorkItem

MOST_NODES = 100  # ids that GitHub takes in one `nodes` query

_Listed: TypeAlias = tuple[list[Any], str | None] | Miss
"""Milestones and the cursor of the next page, or why not."""
T = TypeVar("T")


class GraphqlTransport:
    """Questions of the connector as GraphQL; sizes that GitHub could not bear are halved and remembered."""

    def __init__(self, client: Client, caller: Caller, *, batch: int, with_labels: bool) -> None:
        self._client = client
        self._caller = caller
        self._sizes = {"listing": batch, "contents": batch, "light": MOST_NODES, "past": MOST_NODES}
        self._fields = item_fields(with_labels=with_labels)

    def viewer(self) -> str:
        """Return the login of the token's owner, and what is left of the hour's points where there is a limit."""
        data = self._query(VIEWER, {})
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
            answers = self._caller.map(self._listing, _parts(pending, self._sizes["listing"]))
            pending = []
            for repo, answer in chain.from_iterable(answers):
                found = listed[repo]
                if isinstance(answer, Miss) or isinstance(found, Miss):
                    listed[repo] = answer if isinstance(answer, Miss) else found
                    continue
                rows, after = answer
                found.extend(milestone_of_graphql(row) for row in rows)
                pending += [(repo, after)] if after else []
        return listed

    def refresh(self, ids: Sequence[str]) -> dict[str, Milestone] | None:
        """Return these milestones as they are now, with counts; None when one of them is no more."""
        found: dict[str, Milestone] = {}
        for id_, node in self._many(ids, "light", COUNTED):
            if node is None:
                return None
            found[id_] = milestone_of_graphql(node)
        return found

    def contents(self, milestones: Sequence[Milestone]) -> Iterator[Contents]:
        """Yield the milestones with all their items."""
        parts = _parts([each.container.id for each in milestones], self._sizes["contents"])
        return chain.from_iterable(self._caller.map(self._contents, parts))

    def look_up(self, ids: Sequence[str], known: Mapping[str, WorkItem]) -> LookUp:
        """Return what became of items; gone only where their repository can still be seen."""
        nodes = dict(self._many(ids, "light", single_items(self._fields)))
        lost = {id_: known[id_].key.partition("#")[0] for id_, node in nodes.items() if node is None and id_ in known}
        seen = self.milestones(sorted(set(lost.values()))) if lost else {}
        gone = frozenset(id_ for id_, repo in lost.items() if not isinstance(seen[repo], Miss))
        found = tuple(item_of_graphql(node) for node in nodes.values() if node is not None)
        return LookUp(found, gone, frozenset(ids) - gone - {item.id for item in found})

    def stories(self, items: Mapping[str, WorkItem], since: datetime | None) -> Iterator[Story]:
        """Yield all that happened to `items`, whenever they were updated; those that are there no more are left out."""
        for _, node in self._many(list(items), "past", histories()):
            if node is not None:
                known = Fields(node, "node")
                yield story_of_graphql(known, list(self._pages(known, "timelineItems", further_events())))

    def _listing(self, wanted: Sequence[Place]) -> list[tuple[str, _Listed]]:
        """Return for each place its milestones and where the next page starts, or a Miss."""
        answers = self._sized("listing", wanted, listing)
        return [each for part, answer in answers for each in _listed(part, answer)]

    def _contents(self, ids: Sequence[str]) -> list[Contents]:
        found = []
        for _, node in self._nodes(ids, "contents", counted_with_items(self._fields)):
            if node is None:
                raise TransientError(
                    "a GitHub milestone was deleted while it was read", fix="the next sync leaves it out"
                )
            milestone = milestone_of_graphql(node)
            pages = (
                self._pages(Fields(node, "milestone"), name, further_page(name, fields))
                for name, fields in self._fields.items()
            )
            found.append(contents(milestone, map(item_of_graphql, chain.from_iterable(pages))))
        return found

    def _pages(self, node: Fields, name: str, further: str) -> Iterator[Any]:
        """Yield the rows of one connection of a node, asking for further pages."""
        rows, after = _page(node.inner(name), None)
        yield from rows
        while after:
            data = self._query(further, {"id": node.text("id"), "after": after})
            rows, after = _page(Fields(data, "answer").inner("node").inner(name), after)
            yield from rows

    def _many(self, ids: Sequence[str], kind: str, fields: str) -> Iterator[tuple[str, Any]]:
        parts = _parts(ids, self._sizes[kind])
        return chain.from_iterable(self._caller.map(lambda part: list(self._nodes(part, kind, fields)), parts))

    def _nodes(self, ids: Sequence[str], kind: str, fields: str) -> Iterator[tuple[str, Any]]:
        """Yield each id with its node, None where there is none."""
        for part, answer in self._sized(kind, ids, lambda part: (by_ids(fields), {"ids": part})):
            nodes = Fields(answer["data"], "answer").rows("nodes")
            if len(nodes) != len(part):
                raise ProtocolError(f"GitHub answered {len(part)} ids with {len(nodes)} nodes", fix="try again later")
            for id_, node in zip(part, nodes, strict=True):
                if node is not None and Fields(node, "node").text("id") != id_:
                    raise ProtocolError(f"GitHub answered the id {id_} with another node", fix="try again later")
                yield id_, node

    def _sized(
        self, kind: str, many: Sequence[T], question: Callable[[list[T]], tuple[str, Mapping[str, Any]]]
    ) -> Iterator[tuple[list[T], Mapping[str, Any]]]:
        """Yield parts of `many` with their answers, as large as GitHub bears: a repeated request asks for half."""

        def ask() -> tuple[list[T], Mapping[str, Any]]:
            part = waiting[: self._sizes[kind]]
            try:
                return part, self._client.post(*question(part))
            except TooMuchError:
                self._sizes[kind] = min(self._sizes[kind], max(1, len(part) // 2))
                raise

        waiting = list(many)
        while waiting:
            part, answer = self._caller.call(ask)
            yield part, answer
            waiting = waiting[len(part) :]

    def _query(self, text: str, variables: Mapping[str, Any]) -> Any:
        return self._caller.call(lambda: self._client.post(text, variables))["data"]


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


def _parts(many: Iterable[T], size: int) -> list[list[T]]:
    rows = list(many)
    return [rows[start : start + size] for start in range(0, len(rows), size)]
