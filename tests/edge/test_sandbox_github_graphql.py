"""The laws of the played GitHub's GraphQL API: what it tells, tried over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.edge.github_play import PROGRESS, TOKEN, Play, day, kinds, played


@pytest.fixture
def play() -> Iterator[Play]:
    with played() as made:
        yield made


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


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01T00:00:00Z"])
def test_a_since_that_is_no_instant_is_an_error(play: Play, since: str) -> None:
    query = """query($id: ID!, $since: DateTime) { node(id: $id) { ... on Milestone {
      issues(filterBy: {since: $since}) { totalCount } } } }"""
    assert since in play.ask(query, id=play.milestone.node_id, since=since)["errors"][0]["message"]


def test_items_can_be_ordered_by_their_last_change_and_cut_before_a_cursor(play: Play) -> None:
    query = """query($id: ID!, $before: String) { node(id: $id) { ... on Milestone {
      issues(last: 2, before: $before, orderBy: {field: UPDATED_AT, direction: DESC}) {
        nodes { number } pageInfo { startCursor hasPreviousPage } } } } }"""
    page = play.ask(query, id=play.milestone.node_id)["data"]["node"]["issues"]
    assert [one["number"] for one in page["nodes"]] == [2, 1]
    page = play.ask(query, id=play.milestone.node_id, before=page["pageInfo"]["startCursor"])["data"]["node"]["issues"]
    assert [one["number"] for one in page["nodes"]] == [4, 3]
    assert not page["pageInfo"]["hasPreviousPage"]


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


@pytest.mark.parametrize("query", ["{ viewer { nothing } }", "{ viewer {", "query($a: Int!) { viewer { login } }"])
def test_a_query_that_does_not_fit_the_schema_is_an_error_with_a_place(play: Play, query: str) -> None:
    body = play.ask(query)
    assert "data" not in body
    assert body["errors"][0]["locations"]


def test_bodies_that_are_no_query_are_refused(play: Play) -> None:
    assert "query attribute" in play.post({}).json()["errors"][0]["message"]
    wrong = {"query": "query($id: ID!) { node(id: $id) { id } }", "variables": {"id": None}}
    assert "$id" in play.post(wrong).json()["errors"][0]["message"]
    two = "query A { viewer { login } } query B { viewer { id } }"
    assert "operation name" in play.post({"query": two}).json()["errors"][0]["message"]
    assert play.post({"query": two, "operationName": "A"}).json()["data"] == {"viewer": {"login": "okr-bot"}}
    assert "query attribute" in play.post([1]).json()["errors"][0]["message"]
    url, headers = f"{play.server.url}/graphql", {"Authorization": f"bearer {TOKEN}"}
    assert httpx.post(url, content=b"{", headers=headers).status_code == 400
    assert httpx.get(url, headers=headers).status_code == 404
