"""A real milestone with its real issues and pull requests, counted by the connector and by hand."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, parse, validate

from okr_sync.sandbox.devlake import load_devlake
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.repositories import GithubWorld
from okr_sync.sandbox.server import Server
from okr_sync.testing.delivery import TOKEN
from tests.contract.github_fixtures import NOW, START, connected, pull

SHARED = Path(__file__).parents[2] / "../shared/data"
DATA = SHARED / "devlake"
SCHEMA = SHARED / "github-graphql-schema/schema.graphql"
SCOPE = {"a": {"repo": "apache/incubator-devlake", "milestone": "v0.11.0"}}

pytestmark = pytest.mark.skipif(
    not (DATA.is_dir() and SCHEMA.is_file()), reason=f"no recorded GitHub rows and no GraphQL schema below {SHARED}"
)


@pytest.fixture
def server() -> Iterator[Server]:
    """Yield a server that plays the real milestone."""
    with Server(GithubSite(load_devlake(DATA), lambda: NOW, token=TOKEN)) as server:
        yield server


def rows() -> dict[str, dict[str, Any]]:
    """Return the recorded items by node id, read without the sandbox; one of them stands there twice."""
    limit = csv.field_size_limit(1 << 20)  # of the whole process: it must not outlive this
    try:
        with (DATA / "github" / "_raw_github_api_issues.csv").open(encoding="utf-8", newline="") as file:
            recorded = [json.loads(row["data"]) for row in csv.DictReader(file)]
    finally:
        csv.field_size_limit(limit)
    assert len(recorded) == 42
    return {row["node_id"]: row for row in recorded}


@pytest.mark.parametrize("api", ["graphql", "rest"])
def test_the_counts_are_those_of_the_recorded_rows(server: Server, api: str) -> None:
    """26 issues and 15 pull requests, all of them closed; what merged and when is as recorded."""
    recorded = rows()
    with connected(server.url, api=api) as connector:
        pulled = pull(connector, SCOPE)
    kinds = Counter((item.kind, item.state) for item in pulled.items.values())
    assert kinds == {("issue", "done"): 26, ("pull_request", "done"): 15}
    assert kinds == Counter(("pull_request" if "pull_request" in row else "issue", "done") for row in recorded.values())
    assert set(pulled.items) == set(recorded)
    for id_, item in pulled.items.items():
        row = recorded[id_]
        assert (item.title, item.key.rpartition("#")[2]) == (row["title"], str(row["number"]))
        assert item.created == datetime.fromisoformat(row["created_at"])
        assert item.done_at == datetime.fromisoformat(row["closed_at"])
        assert item.labels == tuple(sorted(label["name"] for label in row["labels"]))
        assert (item.resolution == "merged") == bool(row.get("pull_request", {}).get("merged_at"))


@pytest.mark.parametrize("api", ["graphql", "rest"])
def test_the_milestone_is_the_recorded_one(server: Server, api: str) -> None:
    """Id, number, title, state and due date of the container are those of the recorded row."""
    with (DATA / "github" / "_raw_github_api_milestones.csv").open(encoding="utf-8", newline="") as file:
        row = json.loads(next(csv.DictReader(file))["data"])
    with connected(server.url, api=api) as connector:
        container = pull(connector, SCOPE).containers[row["node_id"]]
    assert container.key == f"apache/incubator-devlake milestone {row['number']}"
    assert (container.title, container.state) == (row["title"], "open" if row["state"] == "open" else "done")
    assert container.due == (date.fromisoformat(row["due_on"][:10]) if row["due_on"] else None)


def test_every_query_fits_githubs_published_schema() -> None:
    """Whatever is sent by GraphQL is valid there: listing, reading, paging, looking up, the past, points, the probe."""
    schema = build_schema(SCHEMA.read_text(encoding="utf-8"), assume_valid=True)
    world = GithubWorld()
    repository = world.add_repository("acme/app", at=START)
    milestone = world.add_milestone(repository, "One", at=START)
    for n in range(101):
        world.add_issue(repository, f"i{n}", at=START, milestone=milestone)
        world.add_pull_request(repository, f"p{n}", at=START, milestone=milestone)
    scope = {"a": {"repo": "acme/app", "milestone": 1}}
    lost = world.add_issue(repository, "lost", at=START, milestone=milestone)
    for n in range(101):
        world.close(lost, at=START) if n % 2 == 0 else world.reopen(lost, at=START)
    with (
        Server(GithubSite(world, lambda: NOW, token=TOKEN)) as server,
        connected(server.url, points_field="Estimate") as connector,
    ):
        first = pull(connector, scope)
        pull(connector, scope, first.cursor)
        assert list(connector.past(first.items, START, NOW))
        world.delete(lost, at=NOW)
        connector.look_up(frozenset(first.items), first.items)
        with connected(server.url, points_field="Estimate") as another:  # which has not seen the repository in a pull
            another.look_up(frozenset(first.items), first.items)
        connector.probe()
        sent = {json.loads(each.body)["query"] for each in server.log}
    assert len(sent) == 9, (
        "a list, details, pages of both kinds, counts, events, more, a look-up, what is seen, a probe"
    )
    for query in sent:
        assert validate(schema, parse(query)) == []
