"""Sends GraphQL questions to GitHub as large as it bears, in words that the server knows, and remembers both."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, TypeVar

from pydantic import BaseModel

from connectors.github_answers import TooMuchError, UnknownWordError
from connectors.github_fields import Fields
from connectors.github_http import Client
from connectors.github_queries import OPTIONAL, Wanted, by_ids, lacking
from connectors.github_sizes import Sizes
from connectors.github_types import LACKING, LEAVE_OUT
from okr_sync.connector import AccessError, Caller, ProtocolError

MOST_NODES = 100  # ids that GitHub takes in one `nodes` query, and parts that we put into one

T = TypeVar("T")
R = TypeVar("R")


class Learnt(BaseModel):
    """What asking a server taught: the sizes that it bears by the kind of question, words that its schema lacks, and
    the projects, id → number, that numbers were read from.
    """

    sizes: dict[str, int] = {}
    lacks: frozenset[str] = frozenset()
    projects: dict[str, int] = {}


class Questions:
    """Questions of some kinds: "listing" repositories, "contents" of milestones, further "pages", "past", "light" ones.

    `wanted` says in which words items are asked for.
    """

    def __init__(self, client: Client, caller: Caller, wanted: Wanted, batch: int) -> None:
        self.wanted = wanted
        self._client = client
        self._caller = caller
        most = {"listing": batch, "contents": min(batch, wanted.most_milestones())}
        self._sizes = Sizes(most | dict.fromkeys(("pages", "past", "light"), MOST_NODES))

    def recall(self, learnt: Learnt) -> None:
        """Begin with what was learnt earlier."""
        self._sizes.recall(learnt.sizes)
        self.wanted = replace(self.wanted, lacks=learnt.lacks & OPTIONAL)

    def learnt(self) -> Learnt:
        """Return what is worth to be known next time."""
        return Learnt(sizes=self._sizes.learnt(), lacks=self.wanted.lacks)

    def spread(self, kind: str, many: Iterable[T], ask: Callable[[list[T]], Iterable[R]]) -> Iterator[R]:
        """Yield what `ask` says about parts of `many`, of the present size, several at a time."""
        return chain.from_iterable(self._caller.map(lambda part: list(ask(part)), _parts(many, self._sizes.of(kind))))

    def many_nodes(self, ids: Sequence[str], kind: str, fields: Callable[[Wanted], str]) -> Iterator[tuple[str, Any]]:
        """Yield each id with its node like `nodes`, several requests at a time."""
        return self.spread(kind, ids, lambda part: self.nodes(part, kind, fields))

    def nodes(self, ids: Sequence[str], kind: str, fields: Callable[[Wanted], str]) -> Iterator[tuple[str, Any]]:
        """Yield each id with its node, None where there is none."""
        for part, answer in self.sized(kind, ids, lambda part: (by_ids(fields(self.wanted)), {"ids": part})):
            nodes = Fields(answer["data"], "answer").rows("nodes")
            if len(nodes) != len(part):
                raise ProtocolError(f"GitHub answered {len(part)} ids with {len(nodes)} nodes", fix="try again later")
            for id_, node in zip(part, nodes, strict=True):
                if node is not None and Fields(node, "node").text("id") != id_:
                    raise ProtocolError(f"GitHub answered the id {id_} with another node", fix="try again later")
                yield id_, node

    def sized(
        self, kind: str, many: Sequence[T], question: Callable[[list[T]], tuple[str, Mapping[str, Any]]]
    ) -> Iterator[tuple[list[T], Mapping[str, Any]]]:
        """Yield parts of `many` with their answers, one after another: after a time-out half as much is asked for."""
        waiting = list(many)
        while waiting:
            part, answer = self._answered(kind, waiting, question)
            yield part, answer
            waiting = waiting[len(part) :]

    def ask(self, text: str, variables: Mapping[str, Any]) -> Any:
        """Return the data of the answer to a question that can't be made smaller."""
        return self._client.call(lambda token: self._post(text, variables, token))["data"]

    def _post(self, text: str, variables: Mapping[str, Any], token: str) -> Mapping[str, Any]:
        answer = self._client.post(text, variables, token)
        limit = answer["data"].get("rateLimit")
        if isinstance(limit, dict) and "cost" in limit:  # an Enterprise server may have none
            self._caller.spend(Fields(limit, "rate limit").number("cost"))
        return answer

    def _answered(
        self, kind: str, waiting: list[T], question: Callable[[list[T]], tuple[str, Mapping[str, Any]]]
    ) -> tuple[list[T], Mapping[str, Any]]:
        def ask(token: str) -> tuple[list[T], Mapping[str, Any]]:
            part = waiting[: self._sizes.of(kind)]
            asked = question(part)
            try:
                answer = self._post(*asked, token)
            except TooMuchError:
                self._sizes.refused(kind, len(part))
                raise
            self._sizes.answered(kind, len(part))
            self._caller.keep(_named(*asked), answer)
            return part, answer

        while True:
            known = self.wanted.lacks
            part = waiting[: self._sizes.of(kind)]
            answer = self._caller.kept(_named(*question(part)))
            if answer is not None:
                self._sizes.answered(kind, len(part))
                return part, answer
            try:
                return self._client.call(ask)
            except UnknownWordError as error:
                if "issueType" in error.words:
                    raise AccessError(LACKING, fix=LEAVE_OUT) from None
                lacks = known | lacking(error.words)
                if lacks == known:
                    raise
                self.wanted = replace(self.wanted, lacks=self.wanted.lacks | lacks)


def _named(text: str, variables: Mapping[str, Any]) -> str:
    return json.dumps([text, variables], sort_keys=True)


def _parts(many: Iterable[T], size: int) -> list[list[T]]:
    rows = list(many)
    return [rows[start : start + size] for start in range(0, len(rows), size)]
