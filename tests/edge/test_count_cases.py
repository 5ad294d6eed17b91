"""Milestones that hold other items than GitHub counts: numbers stay those of before and stale, never a part of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from okr_sync.sandbox.server import Request, Response
from tests.edge.case_play import Case, Kind, check_requests, check_true, check_witness, opened, tracker_of

GITHUB: tuple[Kind, ...] = ("graphql", "rest")
NOW, LATER = timedelta(0), timedelta(hours=1)
OF_ALPHA = frozenset({"alpha", "both", "pulls"})


@dataclass
class Short:
    """A site that leaves the first issue of milestone 1 of acme/alpha out of its items, `times` times.

    All counts are as they were, and nothing comes twice.
    """

    site: Any
    times: int
    left_out: int = 0

    def respond(self, request: Request) -> Response:
        answer: Response = self.site.respond(request)
        rows = items_of_alpha(request, answer)
        if rows is None or self.left_out >= self.times:
            return answer
        self.left_out += 1
        payload, items = rows
        del items[0]
        headers = {name: value for name, value in answer.headers.items() if name.lower() != "etag"}
        return replace(answer, body=json.dumps(payload).encode(), headers=headers)


def items_of_alpha(request: Request, answer: Response) -> tuple[Any, list[Any]] | None:
    """Return an answer and the list of issues in it; None: it has none of that milestone."""
    if request.path.endswith("/acme/alpha/issues") and answer.status == 200:
        payload = json.loads(answer.body)
        return payload, payload
    if b"first: 100" not in request.body or b"pullRequests" not in answer.body:
        return None
    payload = json.loads(answer.body)
    nodes = [each for each in payload["data"].get("nodes", ()) if "/acme/alpha/" in each.get("url", "")]
    return (payload, nodes[0]["issues"]["nodes"]) if nodes else None


def short_run(case: Case, times: int, *, full: bool) -> Any:
    """Return a run in which items are left out so many times, after a story was finished."""
    case.pass_time(LATER)
    case.finish_something()
    site = Short(case.tracker.server.site, times)
    case.tracker.server.site = site
    seen = case.run(NOW, full=full)
    assert site.left_out == min(times, 2), "a milestone is read twice at most"
    case.tracker.server.site = site.site
    return seen


@pytest.mark.parametrize("full", [True, False], ids=["full", "changed"])
@pytest.mark.parametrize("kind", GITHUB)
def test_fewer_items_than_the_tracker_counts_are_never_fresh(kind: Kind, full: bool, tmp_path: Path) -> None:
    """I2, I9 and I12: what rests on the milestone is as it was and stale, the rest is true, and the next run is.

    Red when what came counts: the numbers are fresh, and none of an instant of the run.
    """
    with opened(tracker_of(kind), tmp_path) as case:
        before = dict(case.tracker.truth())
        seen = short_run(case, 100, full=full)
        truth = case.tracker.truth()
        assert truth["alpha"] != before["alpha"]
        assert seen.counts() == {name: before[name] if name in OF_ALPHA else truth[name] for name in truth}
        assert seen.stale() == OF_ALPHA
        assert seen.report.outcome == "partial"
        assert "other items of acme/alpha milestone 1" in seen.key_result("finish-alpha").reason
        check_witness(case, seen)
        check_requests(case, seen)
        check_true(case, case.run(LATER))


@pytest.mark.parametrize("kind", GITHUB)
def test_an_item_that_a_list_leaves_out_once_costs_one_more_reading(kind: Kind, tmp_path: Path) -> None:
    """A list may lag behind its count for a moment. Red without the second reading: stale for nothing."""
    with opened(tracker_of(kind), tmp_path) as case:
        seen = short_run(case, 1, full=False)
        check_true(case, seen)
        assert seen.requests <= case.healthy + (1 if kind == "graphql" else 2)
