"""The bench of the delivery connectors compares with what it says it compares with."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import pytest

from okr_sync.sandbox.server import Request, Response, Server
from tests.bench.deliveries.checking import compare, count
from tests.bench.deliveries.downloading import download, plan
from tests.bench.deliveries.processes import run_module
from tests.bench.deliveries.rivals import sample
from tests.bench.deliveries.sizes import Disturbance, Holdings, Phase, Tracker, least, quiet_bound, ratio

L = Holdings(places=5000, items=224_000, subtasks=24_000, repositories=500)


@pytest.mark.parametrize(
    ("tracker", "phase", "requests"),
    [
        ("jira-cloud", "full", 2 + 50 + 2000 + 240 + 1),
        ("jira-cloud", "quiet", 2),
        ("jira-cloud", "changed", 20 + 1 + 40 + 5 + 2),
        ("jira-dc", "full", 2 + 5 + 200 + 24 + 1),
        ("jira-dc", "changed", 2 + 1 + 200 + 24 + 1),
        ("github", "full", 5 + 50),
        ("github", "quiet", 50),
        ("github", "changed", 50 + 19),
    ],
)
def test_the_least_is_every_item_once_on_full_pages(tracker: Tracker, phase: Phase, requests: int) -> None:
    """Seen red with the pages of sub-tasks, of ids, of repositories, or of changed milestones, the count or the names
    of what left out of the formula.
    """
    assert least(tracker, phase, L, Disturbance(2000, moved=300, deleted=200, places=1850)) == requests


def test_nothing_that_left_saves_the_question_for_ids() -> None:
    assert least("jira-cloud", "changed", L, Disturbance(150, places=150)) == 2 + 1


def test_a_quiet_run_is_bounded_by_the_site_and_by_hundreds_of_milestones() -> None:
    assert [quiet_bound("jira-cloud", L), quiet_bound("github", L)] == [5, 52]


def test_a_sample_of_places_is_spread_evenly_and_keeps_repositories_together() -> None:
    """Seen red with the first ones taken, and with places chosen one by one: each repository is then asked whole."""
    epics = list(range(100))
    assert sample(epics, 10, lambda epic: epic) == list(range(0, 100, 10))
    assert sample(epics, 100, lambda epic: epic) == sample(epics, 500, lambda epic: epic) == epics
    milestones = [(number % 10, number) for number in range(40)]
    chosen = sample(milestones, 20, lambda each: each[0])
    assert sorted(chosen) == [each for each in sorted(milestones) if each[0] % 2 == 0]


def test_a_ratio_to_nothing_is_infinite() -> None:
    assert (ratio(3, 2), ratio(1, 0), ratio(0, 0)) == (1.5, math.inf, 1.0)


def asked(path: str, body: Any = None) -> dict[str, Any]:
    return {"method": "POST", "path": path, "query": {}, "body": json.dumps(body) if body is not None else ""}


def test_pages_reached_by_a_token_are_one_chain_and_all_else_side_by_side() -> None:
    """Seen red with the token kept in the question: each page is then a chain of its own."""
    log = [
        asked("/search", {"jql": "a"}),
        asked("/search", {"jql": "b"}),
        asked("/search", {"jql": "a", "nextPageToken": "t1"}),
        asked("/search", {"jql": "a", "nextPageToken": "t2"}),
        asked("/info"),
    ]
    chains = [(each["path"], (each["body"] or {}).get("jql"), each["pages"]) for each in plan(log)]
    assert chains == [("/search", "a", 3), ("/search", "b", 1), ("/info", None, 1)]


class Pages:
    """Three pages of a list, the next one only with the token of the one before."""

    def __init__(self) -> None:
        self.tokens: list[str | None] = []

    def respond(self, request: Request) -> Response:
        token = request.json().get("nextPageToken")
        self.tokens.append(token)
        following = {None: "t1", "t1": "t2", "t2": None}[token]
        return Response.of({"issues": [1], "nextPageToken": following})


def test_the_downloader_follows_the_tokens_that_it_is_given() -> None:
    """Seen red with the token of the answer not put into the next question."""
    site = Pages()
    with Server(site) as server:
        chain = {"method": "POST", "path": "/search", "query": {}, "body": {"jql": "a"}, "pages": 3}
        requests, size = asyncio.run(download(server.url, {}, [chain]))
        assert (requests, size) == (3, sum(line.sent for line in server.log))
    assert site.tokens == [None, "t1", "t2"]


def test_equal_counts_with_other_items_differ() -> None:
    """Seen red with sums compared instead of items."""
    true = {"1": ("done", "Done", 3.0), "2": ("open", None, 1.0)}
    assert list(compare("epic", true, dict(true))) == []
    swapped = {"1": ("open", None, 1.0), "2": ("done", "Done", 3.0)}
    (line,) = compare("epic", true, swapped)
    assert line.startswith("epic: 1/2 done, 4 points in the store, 1/2 done, 4 points in truth; 2 items differ: 1 (")


def test_what_was_dropped_is_not_done() -> None:
    entries = {"1": ("done", "Won't Do", None), "2": ("done", None, None), "3": ("in_progress", None, None)}
    assert count(entries) == (1, 1, 0, 1)


def test_a_process_is_measured_from_outside() -> None:
    """Seen red with the exit code not looked at."""
    cost = run_module("json.tool", "--help")
    assert "usage" in cost.output
    assert cost.wall > 0
    assert cost.cpu > 0
    assert 1 < cost.peak < 4096
    with pytest.raises(RuntimeError, match="ended with 2"):
        run_module("json.tool", "--no-such-option")
