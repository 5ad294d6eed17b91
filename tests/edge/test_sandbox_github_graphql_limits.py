"""The laws of the played GitHub's GraphQL API: limits, cost, refusals and flavours, tried over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from time import process_time

import httpx
import pytest
from github import GithubException, UnknownObjectException

from okr_sync.sandbox.github_generate import Counts, generate_github, truth
from tests.edge.github_play import NOW, PROGRESS, Play, kinds, played


@pytest.fixture
def play() -> Iterator[Play]:
    with played() as made:
        yield made


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        (
            '{ repository(owner: "acme", name: "app") { milestones { nodes { title } } } }',
            "MISSING_PAGINATION_BOUNDARIES",
        ),
        (
            '{ repository(owner: "acme", name: "app") { milestones(first: 101) { totalCount } } }',
            "EXCESSIVE_PAGINATION",
        ),
        (
            """{ repository(owner: "acme", name: "app") { milestones(first: 100) { nodes {
              issues(first: 100) { nodes { labels(first: 100) { nodes { name } } } } } } } }""",
            "MAX_NODE_LIMIT_EXCEEDED",
        ),
    ],
)
def test_a_query_beyond_the_limits_is_refused_before_it_runs(play: Play, query: str, kind: str) -> None:
    body = play.ask(query)
    assert kinds(body) == [kind]
    assert "data" not in body
    assert body["errors"][0]["path"][0] == "repository"


def test_more_than_a_hundred_ids_are_refused(play: Play) -> None:
    assert kinds(play.ask(PROGRESS, ids=["x"] * 101)) == ["ARGUMENT_LIMIT"]


def test_cost_is_requests_per_connection_over_a_hundred_and_at_least_one(play: Play) -> None:
    """The documented way: each connection costs a request for each of its parents, every parent being full."""
    assert play.ask("{ rateLimit { cost } }")["data"]["rateLimit"]["cost"] == 1
    ids = [play.milestone.node_id] * 100
    rate = play.ask(PROGRESS, ids=ids)["data"]["rateLimit"]
    assert (rate["cost"], rate["nodeCount"]) == (5, 100 + 100 * 100)
    nested = """{ rateLimit { cost nodeCount } repository(owner: "acme", name: "app") {
      milestones(first: 50) { nodes { issues(first: 60) { nodes { labels(first: 10) { nodes { name } } } } } } } }"""
    found = play.ask(nested)["data"]["rateLimit"]
    assert (found["cost"], found["nodeCount"]) == (31, 50 + 50 * 60 + 50 * 60 * 10)  # (1 + 50 + 3,000) / 100


def test_what_is_not_included_costs_nothing(play: Play) -> None:
    query = """query($more: Boolean!, $ids: [ID!]!) {
        rateLimit { cost } nodes(ids: $ids) { ...Counts @include(if: $more) } }
      fragment Counts on Milestone { a: issues { totalCount } b: issues(states: OPEN) { totalCount }
        c: pullRequests { totalCount } }"""
    ids = [play.milestone.node_id] * 100
    costs = [play.ask(query, ids=ids, more=more)["data"]["rateLimit"]["cost"] for more in (True, False)]
    assert costs == [3, 1]


def test_a_connection_that_two_fragments_ask_for_is_paid_once(play: Play) -> None:
    fragment = "... on Milestone { issues(first: 1) { totalCount } }"
    query = f"query($ids: [ID!]!) {{ rateLimit {{ cost }} nodes(ids: $ids) {{ {fragment} {fragment} {fragment} }} }}"
    assert play.ask(query, ids=[play.milestone.node_id] * 100)["data"]["rateLimit"]["cost"] == 1


def test_points_are_counted_down_until_the_hour_is_used_up() -> None:
    with played(graphql_limit=7) as play:
        ids = [play.milestone.node_id] * 100
        rate = play.ask(PROGRESS, ids=ids)["data"]["rateLimit"]
        assert (rate["limit"], rate["used"], rate["remaining"], rate["resetAt"]) == (7, 5, 2, "2026-03-01T13:00:00Z")
        refused = play.post({"query": PROGRESS, "variables": {"ids": ids}})
        assert (refused.status_code, kinds(refused.json())) == (200, ["RATE_LIMITED"])
        assert refused.headers["x-ratelimit-resource"] == "graphql"
        with pytest.raises(GithubException) as caught:
            play.client().requester.graphql_query(PROGRESS, {"ids": ids})
        assert caught.value.status == 400


def test_a_used_up_hour_can_bear_either_of_the_names_that_github_gives_it() -> None:
    with played(limited_type="RATE_LIMIT") as play:
        play.site.exhaust("graphql")
        (error,) = play.ask("{ viewer { login } }")["errors"]
        assert (error["type"], error["code"]) == ("RATE_LIMIT", "graphql_rate_limit")


def test_a_query_for_too_many_milestones_times_out_as_html_whichever_way_it_asks() -> None:
    with played(too_big=30) as play:
        listed = '{ repository(owner: "acme", name: "app") { milestones(first: %d) { totalCount } } }'
        assert play.post({"query": listed % 30}).status_code == 200
        for payload in (
            {"query": listed % 31},
            {"query": PROGRESS, "variables": {"ids": [play.milestone.node_id] * 31}},
        ):
            answer = play.post(payload)
            assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
        alias = 'r{0}: repository(owner: "acme", name: "app") {{ milestone(number: 1) {{ title }} }}'
        assert play.post({"query": "{" + " ".join(alias.format(one) for one in range(31)) + "}"}).status_code == 502


def test_a_secondary_limit_refuses_graphql_too(play: Play) -> None:
    play.site.limit_secondary(retry_after=7)
    refused = play.post({"query": "{ viewer { login } }"})
    assert (refused.status_code, refused.headers["retry-after"]) == (403, "7")
    assert play.ask("{ viewer { login } }")["data"]["viewer"]["login"] == "okr-bot"


def test_a_missing_or_wrong_token_is_401(play: Play) -> None:
    assert play.post({"query": "{ viewer { login } }"}, token="wrong").status_code == 401
    assert httpx.post(f"{play.server.url}/graphql", json={"query": "{ viewer { login } }"}).status_code == 401


def test_pygithub_keeps_partial_data_in_its_not_found_error(play: Play) -> None:
    requester = play.client().requester
    _, body = requester.graphql_query(PROGRESS, {"ids": [play.milestone.node_id]})
    assert body["data"]["nodes"][0]["open"]["totalCount"] == 1
    with pytest.raises(UnknownObjectException) as caught:
        requester.graphql_query(PROGRESS, {"ids": [play.milestone.node_id, "MI_gone"]})
    assert caught.value.data["data"]["nodes"][0]["title"] == "Reminder"


def test_an_enterprise_server_answers_at_api_graphql_without_a_rate_limit() -> None:
    with played(enterprise=True) as play:
        headers, body = play.client("/api/v3").requester.graphql_query(PROGRESS, {"ids": [play.milestone.node_id]})
        assert play.server.log[-1].path == "/api/graphql"
        assert body["data"]["rateLimit"] is None
        assert not [name for name in headers if name.lower().startswith("x-ratelimit")]


def test_a_hundred_milestones_come_in_one_request_and_equal_the_truth() -> None:
    begun = process_time()
    world = generate_github(3, repositories=20, milestones=100, items_per_milestone=30, now=NOW)
    with played(world) as play:
        body = play.ask(PROGRESS, ids=[one.node_id for one in world.milestones])
        assert process_time() - begun < 4.0
        assert len(play.server.log) == 1
        for node in body["data"]["nodes"]:
            reasons = [one["stateReason"] for one in node["closed"]["nodes"]]
            done = reasons.count("COMPLETED")
            pulls = [node[name]["totalCount"] for name in ("merged", "waiting", "refused")]
            assert Counts(done, node["open"]["totalCount"], len(reasons) - done, *pulls) == truth(
                world, [node["id"]], NOW
            )
