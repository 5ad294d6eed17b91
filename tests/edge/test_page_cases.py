"""Lists whose pages come twice: what is counted is true, or kept and doubted, and no list is read for ever."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import pytest

from okr_sync.sandbox.server import Request, Response
from tests.edge.case_play import Case, Kind, check_kept, check_true, check_witness, opened
from tests.edge.sync_trackers import Jira
from tests.edge.test_data_cases import tracker_for

EVERY: tuple[Kind, ...] = ("cloud", "dc", "graphql", "rest", "gitlab")
ITEMS = 110  # more than a page of GitHub or GitLab holds
NOW, LATER = timedelta(0), timedelta(hours=1)
BUDGET = 100  # requests: where a list is read for ever, the run ends all the same


@dataclass
class Doubled:
    """A site that puts the rows of the first page into every further one; `stuck`: it sends the first page itself."""

    site: Any
    stuck: bool
    doubled: int = 0

    def respond(self, request: Request) -> Response:
        answer: Response = self.site.respond(request)
        first = first_page(request)
        if first is None:
            return answer
        self.doubled += 1
        again: Response = self.site.respond(first)
        return again if self.stuck else replace(answer, body=with_rows(answer.body, again.body))


def first_page(request: Request) -> Request | None:
    """Return the request that asks for the first page of the same list; None: this one does."""
    if request.query.get("page", "1") != "1":
        query = {**request.query, "page": "1"}
        return replace(request, query=query, raw_query=urlencode(query))
    body = request.json()
    if not isinstance(body, dict):
        return None
    further = body.get("nextPageToken") or body.get("startAt") or (body.get("variables") or {}).get("a0")
    if not further:
        return None
    plain = {name: value for name, value in body.items() if name not in ("nextPageToken", "startAt")}
    if "variables" in plain:
        variables = plain["variables"]
        plain["variables"] = {name: None if name[0] == "a" else value for name, value in variables.items()}
    return replace(request, body=json.dumps(plain).encode())


def with_rows(page: bytes, other: bytes) -> bytes:
    """Return a page with the rows of another."""
    return json.dumps(_with_rows(json.loads(page), json.loads(other))).encode()


def _with_rows(page: Any, other: Any) -> Any:
    if not isinstance(page, dict):
        return other if isinstance(page, list) else page
    rows = {"issues", "nodes"} & {name for name, value in page.items() if isinstance(value, list)}
    return {name: other[name] if name in rows else _with_rows(value, other[name]) for name, value in page.items()}


def crowd(kind: Kind) -> Any:
    """Return a tracker with several pages of work in `alpha`."""
    pages: Mapping[str, Any] = MappingProxyType({"page_limit": 2})
    tracker: Any = tracker_for(kind, pages)
    if not isinstance(tracker, Jira):
        for _ in range(ITEMS):
            tracker.issue(tracker.alpha)
    return tracker


def doubled_run(case: Case, *, stuck: bool) -> tuple[Any, int]:
    """Return a full run in which pages come twice, and how many requests a good one takes."""
    good = case.run(full=True)
    check_true(case, good)
    case.pass_time(LATER)
    case.finish_something()
    site = Doubled(case.tracker.server.site, stuck)
    case.tracker.server.site = site
    seen = case.run(NOW, full=True, budget=BUDGET)
    assert site.doubled > 0
    case.tracker.server.site = site.site
    return seen, good.requests


@pytest.mark.parametrize("kind", EVERY)
def test_rows_that_come_twice_stand_for_no_others(kind: Kind, tmp_path: Path) -> None:
    """The pages go on to their end, but those after the first bring its rows. No number is fresh that is not true."""
    with opened(crowd(kind), tmp_path) as case:
        before = dict(case.tracker.truth())
        seen, _ = doubled_run(case, stuck=False)
        for name, found in seen.counts().items():
            assert found == case.tracker.truth()[name] or (found == before[name] and name in seen.doubted())
        assert seen.doubted()
        check_witness(case, seen)
        check_true(case, case.run(LATER))


@pytest.mark.parametrize("kind", EVERY)
def test_a_list_that_leads_to_its_own_beginning_is_left(kind: Kind, tmp_path: Path) -> None:
    """The first page comes whatever page is asked for. Red when pages are followed wherever they lead."""
    with opened(crowd(kind), tmp_path) as case:
        before = dict(case.tracker.truth())
        seen, healthy = doubled_run(case, stuck=True)
        check_kept(seen, before)
        check_witness(case, seen)
        assert seen.requests <= 1.2 * healthy + 5
        check_true(case, case.run(LATER))
