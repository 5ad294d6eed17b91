"""The laws of the played GitHub's GraphQL API, tried over real HTTP with httpx and PyGithub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

import httpx
import pytest
from github import Auth, Github, GithubException, UnknownObjectException

from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.github_generate import Counts, generate_github, truth
from okr_sync.sandbox.repositories import GithubWorld, Milestone, Repository
from okr_sync.sandbox.server import Server

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOKEN = "a-token"

PROGRESS = """
query($ids: [ID!]!) {
  rateLimit { cost limit remaining resetAt used nodeCount }
  nodes(ids: $ids) {
    ... on Milestone {
      id title state dueOn updatedAt repository { nameWithOwner }
      open: issues(states: OPEN) { totalCount }
      closed: issues(states: CLOSED, first: 100) {
        totalCount pageInfo { hasNextPage endCursor } nodes { number stateReason(enableDuplicate: true) closedAt }
      }
      merged: pullRequests(states: MERGED) { totalCount }
      waiting: pullRequests(states: [OPEN]) { totalCount }
      refused: pullRequests(states: [CLOSED]) { totalCount }
    }
  }
}
"""


def day(number: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)


@dataclass
class Play:
    """A served world with one milestone of four issues and two pull requests."""

    world: GithubWorld
    home: Repository
    milestone: Milestone
    server: Server
    site: GithubSite

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = self.post({"query": query, "variables": variables})
        assert answer.status_code == 200
        body: dict[str, Any] = answer.json()
        return body

    def post(self, payload: Any, token: str = TOKEN, path: str = "/graphql") -> httpx.Response:
        return httpx.post(self.server.url + path, json=payload, headers={"Authorization": f"bearer {token}"})

    def client(self, base: str = "") -> Github:
        url = self.server.url + base
        return Github(base_url=url, auth=Auth.Token(TOKEN), retry=None, seconds_between_requests=0)


def small_world() -> tuple[GithubWorld, Repository, Milestone]:
    """A milestone of issues 1 (done), 2 (not planned), 3 (duplicate), 4 (reopened), pulls 5 (merged), 6 (closed)."""
    world = GithubWorld()
    home = world.add_repository("acme/app", at=day(0))
    milestone = world.add_milestone(home, "Reminder", at=day(1), due_on=day(90))
    issues = [world.add_issue(home, f"Issue {one}", at=day(2), milestone=milestone) for one in range(4)]
    for number, reason in enumerate(("completed", "not_planned", "duplicate", "completed")):
        world.close(issues[number], reason, at=day(3))  # type: ignore[arg-type]  # a tuple of literals widens
    world.reopen(issues[3], at=day(4))
    world.label(issues[3], "bug", at=day(4))
    world.merge(world.add_pull_request(home, "Fix", at=day(4), milestone=milestone), at=day(5))
    world.close(world.add_pull_request(home, "No", at=day(4), milestone=milestone), at=day(6))
    return world, home, milestone


@pytest.fixture
def start() -> Iterator[Callable[..., Play]]:
    servers: list[Server] = []

    def make(world: GithubWorld | None = None, now: datetime = NOW, **options: Any) -> Play:
        made = small_world()
        chosen = world or made[0]
        site = GithubSite(chosen, lambda: now, token=TOKEN, **options)
        servers.append(Server(site).start())
        return Play(chosen, chosen.repositories[0], chosen.milestones[0], servers[-1], site)

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def play(start: Callable[..., Play]) -> Play:
    return start()


def kinds(body: dict[str, Any]) -> list[str]:
    return [error.get("type", "") for error in body["errors"]]


def test_a_milestone_tells_done_from_dropped_and_issues_from_pull_requests(play: Play) -> None:
    body = play.ask(PROGRESS, ids=[play.milestone.node_id])
    (node,) = body["data"]["nodes"]
    assert "errors" not in body
    assert (node["title"], node["state"], node["dueOn"]) == ("Reminder", "OPEN", "2026-04-01T00:00:00Z")
    assert (node["repository"]["nameWithOwner"], node["updatedAt"]) == ("acme/app", "2026-01-07T00:00:00Z")
    assert [node[name]["totalCount"] for name in ("open", "closed", "merged", "waiting", "refused")] == [1, 3, 1, 0, 1]
    reasons = {one["number"]: one["stateReason"] for one in node["closed"]["nodes"]}
    assert reasons == {1: "COMPLETED", 2: "NOT_PLANNED", 3: "DUPLICATE"}
    assert {one["closedAt"] for one in node["closed"]["nodes"]} == {"2026-01-04T00:00:00Z"}


def test_duplicate_shows_only_to_those_who_ask_for_it(play: Play) -> None:
    body = play.ask(
        """query($id: ID!) { node(id: $id) {
          ... on Issue { state stateReason asked: stateReason(enableDuplicate: true) } } }""",
        id=play.world.items[2].node_id,
    )
    assert body["data"]["node"] == {"state": "CLOSED", "stateReason": None, "asked": "DUPLICATE"}


def test_items_tell_their_state_labels_and_home(play: Play) -> None:
    body = play.ask(
        """query($ids: [ID!]!) { nodes(ids: $ids) { __typename
          ... on Issue { number state stateReason closedAt labels(first: 5) { nodes { name } } milestone { title } url }
          ... on PullRequest { number outcome: state merged mergedAt closedAt databaseId }
          ... on Repository { databaseId owner { login __typename } }
        } }""",
        ids=[play.world.items[3].node_id, play.world.items[4].node_id, play.home.node_id],
    )
    issue, pull, home = body["data"]["nodes"]
    assert issue == {
        "__typename": "Issue",
        "number": 4,
        "state": "OPEN",
        "stateReason": "REOPENED",
        "closedAt": None,
        "labels": {"nodes": [{"name": "bug"}]},
        "milestone": {"title": "Reminder"},
        "url": f"{play.server.url}/acme/app/issues/4",
    }
    assert (pull["outcome"], pull["merged"], pull["mergedAt"]) == ("MERGED", True, "2026-01-06T00:00:00Z")
    assert home["owner"] == {"login": "acme", "__typename": "Organization"}
    assert home["databaseId"] == play.home.id


def test_sub_issues_are_summed_in_their_parent(play: Play) -> None:
    parent = play.world.items[3]
    for number in range(3):
        child = play.world.add_issue(play.home, f"Part {number}", at=day(8), parent=parent)
        if number == 0:
            play.world.close(child, at=day(9))
    body = play.ask(
        """query($a: ID!, $b: ID!) {
          a: node(id: $a) { ... on Issue { subIssuesSummary { total completed percentCompleted } } }
          b: node(id: $b) { ... on Issue { parent { number } } }
        }""",
        a=parent.node_id,
        b=child.node_id,
    )
    assert body["data"]["a"]["subIssuesSummary"] == {"total": 3, "completed": 1, "percentCompleted": 33}
    assert body["data"]["b"]["parent"]["number"] == parent.number


def test_githubs_own_percentage_counts_pull_requests_and_is_zero_for_an_empty_milestone(play: Play) -> None:
    empty = play.world.add_milestone(play.home, "Empty", at=day(1))
    body = play.ask(
        "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Milestone { progressPercentage } } }",
        ids=[play.milestone.node_id, empty.node_id],
    )
    shares = [node["progressPercentage"] for node in body["data"]["nodes"]]
    assert shares == [pytest.approx(100 * 5 / 6), 0.0]


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_cursors_give_each_milestone_once_also_when_one_goes_away_between_pages(play: Play, direction: str) -> None:
    made = [play.world.add_milestone(play.home, f"M{number}", at=day(1)) for number in range(6)]
    query = """query($after: String, $direction: OrderDirection!) { repository(owner: "acme", name: "app") {
      milestones(first: 3, after: $after, orderBy: {field: NUMBER, direction: $direction}) {
        totalCount pageInfo { hasNextPage endCursor } nodes { number } } } }"""
    page = play.ask(query, direction=direction)["data"]["repository"]["milestones"]
    seen = [node["number"] for node in page["nodes"]]
    assert page["totalCount"] == 7
    play.world.delete(made[1] if direction == "ASC" else made[3], at=day(2))  # the last one of the first page
    while page["pageInfo"]["hasNextPage"]:
        page = play.ask(query, after=page["pageInfo"]["endCursor"], direction=direction)["data"]["repository"][
            "milestones"
        ]
        seen += [node["number"] for node in page["nodes"]]
    assert seen == sorted(range(1, 8), reverse=direction == "DESC")


@pytest.mark.parametrize(
    ("arguments", "titles"),
    [
        ("states: OPEN", ["Reminder", "Undated"]),
        ("states: [CLOSED]", ["Done"]),
        ('query: "rem"', ["Reminder"]),
        ("orderBy: {field: DUE_DATE, direction: ASC}", ["Done", "Reminder", "Undated"]),
        ("orderBy: {field: UPDATED_AT, direction: DESC}", ["Done", "Reminder", "Undated"]),
    ],
)
def test_milestones_can_be_filtered_and_ordered(play: Play, arguments: str, titles: list[str]) -> None:
    play.world.close_milestone(play.world.add_milestone(play.home, "Done", at=day(2), due_on=day(9)), at=day(9))
    play.world.add_milestone(play.home, "Undated", at=day(2))
    body = play.ask(
        f'{{ repository(owner: "acme", name: "app") {{ milestones(first: 9, {arguments}) {{ nodes {{ title }} }} }} }}'
    )
    assert [node["title"] for node in body["data"]["repository"]["milestones"]["nodes"]] == titles


def test_issues_can_be_filtered_by_since_and_label_and_read_from_the_end(play: Play) -> None:
    body = play.ask(
        """query($id: ID!) { node(id: $id) { ... on Milestone {
          since: issues(first: 9, filterBy: {since: "2026-01-05T00:00:00Z"}) { nodes { number } }
          bugs: issues(first: 9, labels: ["bug", "nothing"]) { nodes { number } }
          end: issues(last: 2) { nodes { number } pageInfo { hasPreviousPage } edges { cursor } }
        } } }""",
        id=play.milestone.node_id,
    )["data"]["node"]
    numbers = {name: [one["number"] for one in body[name]["nodes"]] for name in body}
    assert numbers == {"since": [4], "bugs": [4], "end": [3, 4]}
    assert body["end"]["pageInfo"]["hasPreviousPage"]


def test_a_broken_cursor_is_an_error(play: Play) -> None:
    body = play.ask('{ repository(owner: "acme", name: "app") { milestones(first: 1, after: "xyz") { totalCount } } }')
    assert kinds(body) == ["INVALID_CURSOR_ARGUMENTS"]


def test_what_is_unknown_is_a_typed_error_with_its_path_and_the_rest_is_kept(play: Play) -> None:
    body = play.ask(PROGRESS, ids=[play.milestone.node_id, "MI_nothing"])
    assert [node and node["title"] for node in body["data"]["nodes"]] == ["Reminder", None]
    assert [(error["type"], error["path"]) for error in body["errors"]] == [("NOT_FOUND", ["nodes", 1])]
    two = play.ask(
        '{ a: repository(owner: "acme", name: "app") { name } b: repository(owner: "acme", name: "no") { name } }'
    )
    assert two["data"] == {"a": {"name": "app"}, "b": None}
    assert two["errors"][0]["path"] == ["b"]
    assert "'acme/no'" in two["errors"][0]["message"]


def test_a_hidden_repositorys_milestones_look_deleted(play: Play) -> None:
    play.world.hide(play.home, at=day(9))
    assert kinds(play.ask(PROGRESS, ids=[play.milestone.node_id])) == ["NOT_FOUND"]


def test_a_renamed_repository_is_found_by_its_old_name_unless_renames_are_not_followed(play: Play) -> None:
    play.world.rename(play.home, "umbrella/core", at=day(9))
    body = play.ask(
        """{ a: repository(owner: "acme", name: "app") { nameWithOwner }
             b: repository(owner: "acme", name: "app", followRenames: false) { nameWithOwner } }"""
    )
    assert body["data"] == {"a": {"nameWithOwner": "umbrella/core"}, "b": None}
    assert kinds(body) == ["NOT_FOUND"]


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


@pytest.mark.parametrize("query", ["{ viewer { nothing } }", "{ viewer {", "query($a: Int!) { viewer { login } }"])
def test_a_query_that_does_not_fit_the_schema_is_an_error_with_a_place(play: Play, query: str) -> None:
    body = play.ask(query)
    assert "data" not in body
    assert body["errors"][0]["locations"]


def test_bodies_that_are_no_query_are_refused(play: Play) -> None:
    assert "query attribute" in play.post({}).json()["errors"][0]["message"]
    assert "query attribute" in play.post([1]).json()["errors"][0]["message"]
    url, headers = f"{play.server.url}/graphql", {"Authorization": f"bearer {TOKEN}"}
    assert httpx.post(url, content=b"{", headers=headers).status_code == 400
    assert httpx.get(url, headers=headers).status_code == 404


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


def test_points_are_counted_down_until_the_hour_is_used_up(start: Callable[..., Play]) -> None:
    play = start(graphql_limit=7)
    ids = [play.milestone.node_id] * 100
    rate = play.ask(PROGRESS, ids=ids)["data"]["rateLimit"]
    assert (rate["limit"], rate["used"], rate["remaining"], rate["resetAt"]) == (7, 5, 2, "2026-03-01T13:00:00Z")
    refused = play.post({"query": PROGRESS, "variables": {"ids": ids}})
    assert (refused.status_code, kinds(refused.json())) == (200, ["RATE_LIMITED"])
    assert refused.headers["x-ratelimit-resource"] == "graphql"
    with pytest.raises(GithubException) as caught:
        play.client().requester.graphql_query(PROGRESS, {"ids": ids})
    assert caught.value.status == 400


def test_a_query_for_too_many_milestones_times_out_as_html_whichever_way_it_asks(start: Callable[..., Play]) -> None:
    play = start(too_big=30)
    listed = '{ repository(owner: "acme", name: "app") { milestones(first: %d) { totalCount } } }'
    assert play.post({"query": listed % 30}).status_code == 200
    for payload in ({"query": listed % 31}, {"query": PROGRESS, "variables": {"ids": [play.milestone.node_id] * 31}}):
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


def test_an_enterprise_server_answers_at_api_graphql_without_a_rate_limit(start: Callable[..., Play]) -> None:
    play = start(enterprise=True)
    headers, body = play.client("/api/v3").requester.graphql_query(PROGRESS, {"ids": [play.milestone.node_id]})
    assert play.server.log[-1].path == "/api/graphql"
    assert body["data"]["rateLimit"] is None
    assert not [name for name in headers if name.lower().startswith("x-ratelimit")]


def test_a_hundred_milestones_come_in_one_request_and_equal_the_truth(start: Callable[..., Play]) -> None:
    begun = perf_counter()
    world = generate_github(3, repositories=20, milestones=100, items_per_milestone=30, now=NOW)
    play = start(world)
    body = play.ask(PROGRESS, ids=[one.node_id for one in world.milestones])
    assert perf_counter() - begun < 4.0
    assert len(play.server.log) == 1
    for node in body["data"]["nodes"]:
        reasons = [one["stateReason"] for one in node["closed"]["nodes"]]
        done = reasons.count("COMPLETED")
        pulls = [node[name]["totalCount"] for name in ("merged", "waiting", "refused")]
        assert Counts(done, node["open"]["totalCount"], len(reasons) - done, *pulls) == truth(world, [node["id"]], NOW)
