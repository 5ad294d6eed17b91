"""The delivery suite guards GitLab, too: the connector with one planted fault fails the law meant for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from connectors.gitlab import Gitlab
from connectors.gitlab_rows import GitlabQuery, Place
from okr_sync.connector import Caller, DeliverySource, LookUp, Page, SourceError, WorkItem
from tests.contract.gitlab_fixtures import GitlabWork
from tests.contract.test_gitlab import TestGitlab as _Suite

CONNECTORS = Path(__file__).parents[2] / "connectors"


class _CountsDuplicates(Gitlab):
    def _contents(self, place: Place) -> Page:
        page = super()._contents(place)
        return replace(page, items=tuple(replace(each, resolution=None) for each in page.items))


class _NeverSeesDeletions(Gitlab):
    def _contents(self, place: Place) -> Page:
        page = super()._contents(place)
        return replace(page, members=tuple(replace(each, whole=False) for each in page.members))


class _AlwaysQuiet(Gitlab):
    def _mark(self, project: str) -> str:
        return "as it was"


class _NeverQuiet(Gitlab):
    def _mark(self, project: str) -> str:
        return super()._mark(project) and ""


class _FirstPageOnly(Gitlab):
    def _contents(self, place: Place) -> Page:
        return super()._contents(replace(place, asked={**place.asked, "per_page": 2, "page": 3}))


class _Buries(Gitlab):
    def look_up(self, ids: frozenset[str], known: Mapping[str, WorkItem]) -> LookUp:
        looked = super().look_up(ids, known)
        return LookUp(looked.found, looked.gone | looked.hidden)


class _Digs(Gitlab):
    def look_up(self, ids: frozenset[str], known: Mapping[str, WorkItem]) -> LookUp:
        looked = super().look_up(ids, known)
        return LookUp(looked.found, frozenset(), looked.hidden | looked.gone)


class _FailsForOneBadScope(Gitlab):
    def pull(self, scopes: Mapping[str, GitlabQuery], cursor: str | None, now: datetime) -> Iterator[Page]:
        for page in super().pull(scopes, cursor, now):
            if page.misses:
                raise SourceError("one of them is wrong")
            yield page


class _TrustsAnyCursor(Gitlab):
    def pull(self, scopes: Mapping[str, GitlabQuery], cursor: str | None, now: datetime) -> Iterator[Page]:
        pages = super().pull(scopes, cursor, now)
        return pages if cursor is None else (page for page in pages if not page.items)


_FAULTS = [
    (_CountsDuplicates, "the_answer_is_the_truth"),
    (_NeverSeesDeletions, "a_later_pull_equals_a_fresh_one"),
    (_AlwaysQuiet, "a_later_pull_equals_a_fresh_one"),
    (_AlwaysQuiet, "changes_add_up_over_many_pulls"),
    (_NeverQuiet, "a_full_batch_costs_few_requests"),
    (_FirstPageOnly, "the_answer_is_the_truth"),
    (_Buries, "lost_permission_is_not_deletion"),
    (_Digs, "a_look_up_tells_living_from_deleted"),
    (_FailsForOneBadScope, "one_bad_scope_leaves_the_others"),
    (_TrustsAnyCursor, "a_strange_cursor_means_everything"),
]


def _try(source: type[Gitlab], law: str) -> None:
    suite, world = _Suite(), GitlabWork()
    made: list[DeliverySource] = []

    def connect(url: str | None = None, caller: Caller | None = None) -> DeliverySource:
        made.append(source(source.Settings(**suite.settings(url or world.server.url)), caller))
        return made[-1]

    with world.server:
        try:
            getattr(suite, f"test_{law}")(world, connect)
        finally:
            for connector in made:
                connector.close()


@pytest.mark.parametrize(("source", "law"), _FAULTS, ids=lambda value: getattr(value, "__name__", None))
def test_a_planted_fault_is_caught(source: type[Gitlab], law: str) -> None:
    """The law fails for the faulty connector, and holds for the one without the fault."""
    _try(Gitlab, law)
    with pytest.raises((AssertionError, KeyError, SourceError)):
        _try(source, law)


def test_a_second_tracker_needs_the_contract_alone() -> None:
    """All that these modules import is the contract, pydantic, the standard library and one another."""
    found: set[str] = set()
    for file in CONNECTORS.glob("gitlab*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "okr_sync":
                found |= {f"okr_sync.{each.name}" for each in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module or "")
    ours = {name for name in found if name.partition(".")[0] in ("okr_sync", "connectors", "httpx", "requests")}
    assert {name for name in ours if not name.startswith("connectors.gitlab")} == {"okr_sync.connector"}
