"""What the sandbox keeps or leaves out to answer quickly changes no answer."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.github_generate import generate_github
from okr_sync.sandbox.issues import take_picture
from okr_sync.sandbox.jira_generate import generate_jira
from okr_sync.sandbox.jira_json import KEPT_FORMS, Writer
from okr_sync.sandbox.jira_narrow import narrow
from okr_sync.sandbox.jira_query import Reader, find, milliseconds
from okr_sync.sandbox.jql import parse
from okr_sync.sandbox.server import Request

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=3)
WORLD = generate_jira(3, 3, 6, 30, NOW)
PICTURE = take_picture(WORLD, LATER)
MIDDLE = milliseconds(sorted(view.updated for view in PICTURE.issues.values())[-60])
READER = Reader(WORLD, PICTURE, "cloud", ZoneInfo("Asia/Kathmandu"), LATER)

NARROWED = [
    "parent = P1-1",
    "parent in (P1-1, p2-1, P1-1)",
    f"updated >= {MIDDLE}",
    f"updated > {MIDDLE} AND project = P1",
    f"parent in (P1-1, P2-1) AND updated >= {MIDDLE} ORDER BY updated DESC",
    f"(parent = P1-1 AND status = Done) AND updatedDate >= {MIDDLE}",
]
NOT_NARROWED = [
    "parent not in (P1-1)",
    "parent in (P1-1, EMPTY)",
    f"parent = P1-1 OR updated >= {MIDDLE}",
    "NOT parent = P1-1",
    f"updated <= {MIDDLE}",
    f"created >= {MIDDLE}",
    'updated >= "2026-02-20"',
    "project = P1",
]


@pytest.mark.parametrize("jql", [*NARROWED, *NOT_NARROWED])
def test_a_narrowed_query_finds_what_the_whole_world_has(jql: str) -> None:
    """Compared with the same query asked so that nothing can be narrowed; seen red with a bound a minute later, with
    `not in` taken for `in`, and with OR taken for AND.
    """
    where, _, order = jql.partition(" ORDER BY ")
    whole = f"({where}) OR (NOT project in (P1, P2, P3))" + (f" ORDER BY {order}" if order else "")
    found = [view.id for view in find(jql, READER).views]
    assert found == [view.id for view in find(whole, READER).views]
    assert len(found) > 3


@pytest.mark.parametrize("jql", NARROWED)
def test_what_stands_below_or_changed_since_is_not_looked_for_everywhere(jql: str) -> None:
    where = parse(jql).where
    assert where is not None
    few = narrow(where, PICTURE)
    assert few is not None
    assert len(few) < len(PICTURE.issues)


@pytest.mark.parametrize("jql", NOT_NARROWED)
def test_what_can_t_be_told_quickly_is_looked_for_everywhere(jql: str) -> None:
    where = parse(jql).where
    assert where is not None
    assert narrow(where, PICTURE) is None


def test_issues_are_written_as_asked_each_time() -> None:
    """Other fields or another address give other text; seen red with the fields left out of what it is kept by."""
    writer = Writer(WORLD, PICTURE, "cloud", ZoneInfo("UTC"), "http://here/rest/api/3")
    views = [view for view in PICTURE.issues.values() if view.parent][:5]
    fields: list[list[str]] = [["summary", "parent"], ["id"], ["*all"], ["*all", "-summary"], ["id", "key"]]
    fields += [[name] for name in ("created", "updated", "labels", "status")]
    assert len(fields) > KEPT_FORMS
    for wanted in (*fields, *fields):
        for one in (writer, replace(writer, api="http://there/rest/api/2")):
            assert json.loads(one.pages(views, wanted)) == [one.issue(view, wanted) for view in views]


def ask(site: GithubSite, query: str, **variables: Any) -> Any:
    headers = {"authorization": "bearer sandbox-token", "host": "here"}
    body = json.dumps({"query": query, "variables": variables}).encode()
    return json.loads(site.respond(Request("POST", "/graphql", {}, headers, body)).body)


def test_a_question_asked_again_has_the_same_answer_and_what_is_left_by_now() -> None:
    """Also under other names, in any order, and with errors; seen red with the rate limit not asked for anew."""
    world = generate_github(3, repositories=2, milestones=4, items_per_milestone=5, now=NOW)
    site = GithubSite(world, lambda: LATER)
    query = (
        "query($ids: [ID!]!) { a: nodes(ids: $ids) { id ... on Milestone { title } } "
        "left: rateLimit { remaining } b: nodes(ids: $ids) { __typename } }"
    )
    ids = [world.milestones[0].node_id, "MI_unknown"]
    first, second = ask(site, query, ids=ids), ask(site, query, ids=ids)
    assert list(first["data"]) == list(second["data"]) == ["a", "left", "b"]
    assert second["data"]["left"]["remaining"] == first["data"]["left"]["remaining"] - 1
    assert {**first["data"], "left": None} == {**second["data"], "left": None}
    assert first["errors"] == second["errors"]
    assert [error["path"] for error in first["errors"]] == [["a", 1], ["b", 1]]
    assert ask(site, query, ids=ids[:1])["data"]["a"] == first["data"]["a"][:1]


def test_a_change_is_in_the_next_answer() -> None:
    """Seen red with answers kept for the site instead of for the state of its world."""
    now = [LATER]
    world = generate_github(3, repositories=1, milestones=1, items_per_milestone=5, now=NOW)
    site = GithubSite(world, lambda: now[0])
    query = "query($id: ID!) { node(id: $id) { ... on Milestone { title } } }"
    node = world.milestones[0].node_id
    assert ask(site, query, id=node)["data"]["node"]["title"] != "Another"
    now[0] += timedelta(minutes=1)
    world.retitle_milestone(world.milestones[0], "Another", at=now[0])
    assert ask(site, query, id=node)["data"]["node"]["title"] == "Another"


@pytest.mark.parametrize(
    "query",
    [
        "{ ... on Query { viewer { login } } rateLimit { remaining } }",
        "{ rateLimit { remaining } }",
        "{ viewer { login } }",
    ],
)
def test_any_shape_of_a_question_is_answered(query: str) -> None:
    site = GithubSite(generate_github(3, repositories=1, milestones=1, items_per_milestone=1, now=NOW), lambda: LATER)
    first, second = ask(site, query)["data"], ask(site, query)["data"]
    assert first.get("viewer") == second.get("viewer") == ({"login": "okr-bot"} if "viewer" in query else None)
    assert ("rateLimit" in first) == ("rateLimit" in query)
