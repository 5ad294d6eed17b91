"""Which milestones a GitHub scope names, and what comes of their items: by GraphQL and by REST the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.github_milestones import GithubMilestones
from okr_sync.connector import LookUp, Referenced
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.repositories import GithubWorld, Milestone
from okr_sync.sandbox.server import Fault, Response, Server
from okr_sync.testing.delivery import TOKEN
from tests.contract.github_fixtures import NOW, START, connected, pull

DAY = timedelta(days=1)


@pytest.fixture
def world() -> GithubWorld:
    """Return an empty world."""
    return GithubWorld()


@pytest.fixture
def server(world: GithubWorld) -> Iterator[Server]:
    """Yield a server that plays `world` at NOW."""
    with Server(GithubSite(world, lambda: NOW, token=TOKEN)) as server:
        yield server


@pytest.fixture(params=["graphql", "rest"])
def connector(request: pytest.FixtureRequest, server: Server) -> Iterator[GithubMilestones]:
    """Yield a connector by either interface."""
    with connected(server.url, api=request.param) as connector:
        yield connector


def titled(world: GithubWorld, titles: dict[str, str]) -> dict[str, Milestone]:
    """Make one milestone a repository, each with two issues; return them by repository."""
    made = {}
    for repo, title in titles.items():
        repository = world.add_repository(repo, at=START)
        made[repo] = world.add_milestone(repository, title, at=START)
        for number in (1, 2):
            world.add_issue(repository, f"{title} {number}", at=START, milestone=made[repo])
    return made


def test_a_title_pools_milestones_of_many_repositories(world: GithubWorld, connector: GithubMilestones) -> None:
    """Repositories without a milestone of that title just don't take part."""
    made = titled(world, {"acme/app": "Assistant 1.0", "acme/api": "Assistant 1.0", "acme/docs": "Other"})
    pulled = pull(connector, {"a": {"repos": list(made), "milestone": "Assistant 1.0"}})
    assert pulled.scopes["a"] == (made["acme/app"].node_id, made["acme/api"].node_id)
    assert {item.key for item in pulled.held("a").values()} == {"acme/app#1", "acme/app#2", "acme/api#1", "acme/api#2"}


def test_case_counts_only_where_the_exact_title_exists(world: GithubWorld, connector: GithubMilestones) -> None:
    """In each repository the exact title wins; else another case will do."""
    made = titled(world, {"acme/app": "Assistant", "acme/api": "ASSISTANT"})
    shouting = world.add_milestone(made["acme/app"].repository, "ASSISTANT", at=START)
    pulled = pull(connector, {"a": {"repos": list(made), "milestone": "Assistant"}})
    assert set(pulled.scopes["a"]) == {made["acme/app"].node_id, made["acme/api"].node_id}
    assert shouting.node_id not in pulled.containers


def test_an_unknown_title_names_the_nearest(world: GithubWorld, connector: GithubMilestones) -> None:
    """A slip of the pen is a miss that says what may have been meant; without one it says what there is."""
    titled(world, {"acme/app": "Assistant 1.0"})
    world.add_repository("acme/bare", at=START)
    near, far, bare = (
        {"repo": "acme/app", "milestone": "Asistant 1.0"},
        {"repo": "acme/app", "milestone": "Zebra"},
        {"repo": "acme/bare", "milestone": "Zebra"},
    )
    misses = pull(connector, {"near": near, "far": far, "bare": bare}).misses
    assert "did you mean 'Assistant 1.0'?" in misses["near"].message
    assert misses["far"].message == "no milestone 'Zebra' in acme/app; there are 'Assistant 1.0'"
    assert misses["bare"].message == "no milestone 'Zebra' in acme/bare; there are none at all"


def test_a_number_must_exist_in_each_repository(world: GithubWorld, connector: GithubMilestones) -> None:
    """One repository without that number makes the scope a miss that names the repository."""
    made = titled(world, {"acme/app": "One", "acme/api": "Uno"})
    world.add_milestone(made["acme/app"].repository, "Two", at=START)
    world.add_repository("acme/bare", at=START)
    both: dict[str, Any] = {"repos": ["acme/app", "acme/api"]}
    asked: dict[str, dict[str, Any]] = {
        "one": {**both, "milestone": 1},
        "two": {**both, "milestone": 2},
        "none": {"repo": "acme/bare", "milestone": 1},
    }
    pulled = pull(connector, asked)
    assert len(pulled.held("one")) == 4
    assert pulled.misses["two"].message == "acme/api has no milestone 2; its nearest are 1"
    assert pulled.misses["none"].message == "acme/bare has no milestone 1; it has none at all"


def test_numbers_and_titles_may_be_listed_together(world: GithubWorld, connector: GithubMilestones) -> None:
    """A list pools its milestones, each once however often it is named."""
    made = titled(world, {"acme/app": "One"})["acme/app"]
    two = world.add_milestone(made.repository, "Two", at=START)
    pulled = pull(connector, {"a": {"repo": "acme/app", "milestones": [1, "Two", "one"]}})
    assert pulled.scopes["a"] == (made.node_id, two.node_id)


def test_an_unseen_repository_misses_and_leaves_the_others(world: GithubWorld, connector: GithubMilestones) -> None:
    """A scope is never made smaller by a repository that can't be seen: it misses; the other scopes are answered."""
    titled(world, {"acme/app": "One"})
    asked: dict[str, dict[str, Any]] = {
        "good": {"repo": "acme/app", "milestone": 1},
        "part": {"repos": ["acme/app", "acme/gone"], "milestone": "One"},
        "lost": {"repos": ["acme/gone", "acme/secret"], "milestone": 1},
    }
    pulled = pull(connector, asked)
    assert len(pulled.held("good")) == 2
    assert pulled.misses["part"].why == "not_found"
    assert "acme/gone" in pulled.misses["lost"].message
    assert "acme/secret" in pulled.misses["lost"].message


def test_facts_of_issues_and_pull_requests(world: GithubWorld, connector: GithubMilestones) -> None:
    """Kind, state, resolution and times are GitHub's; a duplicate is told, so is a request closed without merging."""
    repository = world.add_repository("acme/app", at=START)
    due = datetime(2026, 12, 24, 7, tzinfo=UTC)
    milestone = world.add_milestone(repository, "One", at=START, due_on=due)
    for reason in ("completed", "not_planned", "duplicate"):
        world.close(world.add_issue(repository, reason, at=START, milestone=milestone), reason, at=START + DAY)
    again = world.add_issue(repository, "again", at=START, milestone=milestone, labels=("ux", "bug"))
    world.close(again, at=START + DAY)
    world.reopen(again, at=START + 2 * DAY)
    merged = world.add_pull_request(repository, "merged", at=START, milestone=milestone)
    world.merge(merged, at=START + DAY)
    world.close(world.add_pull_request(repository, "closed", at=START, milestone=milestone), at=START + DAY)
    world.add_pull_request(repository, "open", at=START, milestone=milestone)
    world.close_milestone(milestone, at=START + 3 * DAY)

    pulled = pull(connector, {"a": {"repo": "acme/app", "milestone": "One"}})
    facts = {item.title: (item.kind, item.state, item.resolution) for item in pulled.items.values()}
    assert facts == {
        "completed": ("issue", "done", "completed"),
        "not_planned": ("issue", "done", "not_planned"),
        "duplicate": ("issue", "done", "duplicate"),
        "again": ("issue", "open", None),
        "merged": ("pull_request", "done", "merged"),
        "closed": ("pull_request", "done", "unmerged"),
        "open": ("pull_request", "open", None),
    }
    reopened, request = pulled.items[again.node_id], pulled.items[merged.node_id]
    assert (reopened.done_at, reopened.labels, reopened.created) == (None, ("bug", "ux"), START)
    assert (request.key, request.done_at) == ("acme/app#5", START + DAY)
    assert request.url.endswith("/acme/app/pull/5")
    container = pulled.containers[milestone.node_id]
    assert (container.key, container.title, container.kind) == ("acme/app milestone 1", "One", "milestone")
    assert (container.due, container.state, container.done_at) == (date(2026, 12, 24), "done", START + 3 * DAY)


def test_labels_may_be_left_out(world: GithubWorld, server: Server) -> None:
    """`labels: false` spares GitHub the work, by either interface."""
    repository = world.add_repository("acme/app", at=START)
    milestone = world.add_milestone(repository, "One", at=START)
    issue = world.add_issue(repository, "a", at=START, milestone=milestone, labels=("bug",))
    for api in ("graphql", "rest"):
        for labels, expected in ((True, ("bug",)), (False, ())):
            with connected(server.url, api=api, labels=labels) as connector:
                pulled = pull(connector, {"a": {"repo": "acme/app", "milestone": 1}})
                assert pulled.items[issue.node_id].labels == expected


def test_a_renamed_repository_is_followed(world: GithubWorld, connector: GithubMilestones) -> None:
    """Under its old name all its milestones are there, closed and beyond the thirtieth too, with its new name."""
    repository = world.add_repository("acme/old", at=START)
    milestones = [world.add_milestone(repository, f"M{n}", at=START) for n in range(1, 41)]
    world.close_milestone(milestones[39], at=START + DAY)
    world.add_issue(repository, "a", at=START, milestone=milestones[39])
    world.rename(repository, "acme/new", at=START + DAY)
    pulled = pull(connector, {"a": {"repo": "acme/old", "milestone": 40}})
    assert [item.key for item in pulled.held("a").values()] == ["acme/new#1"]
    assert [each.key for each in pulled.containers.values()] == ["acme/new milestone 40"]


def test_long_lists_are_read_to_their_end(world: GithubWorld, connector: GithubMilestones) -> None:
    """More than a hundred milestones, issues and pull requests come page by page, each once."""
    repository = world.add_repository("acme/app", at=START)
    milestones = [world.add_milestone(repository, f"M{n}", at=START) for n in range(1, 206)]
    for n in range(230):
        world.add_issue(repository, f"i{n}", at=START, milestone=milestones[204])
    for n in range(101):
        world.add_pull_request(repository, f"p{n}", at=START, milestone=milestones[204])
    pulled = pull(connector, {"a": {"repo": "acme/app", "milestone": "M205"}})
    kinds = [item.kind for item in pulled.held("a").values()]
    assert (kinds.count("issue"), kinds.count("pull_request")) == (230, 101)
    assert pulled.members[milestones[204].node_id].whole


@pytest.mark.parametrize("api", ["graphql", "rest"])
def test_enterprise_servers_answer_too(world: GithubWorld, api: str) -> None:
    """An Enterprise server is asked below /api/v3 and /api/graphql; it may have no rate limits."""
    made = titled(world, {"acme/app": "One"})["acme/app"]
    with (
        Server(GithubSite(world, lambda: NOW, token=TOKEN, enterprise=True)) as server,
        connected(f"{server.url}/api/v3/", api=api) as connector,
    ):
        pulled = pull(connector, {"a": {"repo": "acme/app", "milestone": 1}})
        assert connector.probe() == f"signed in as okr-bot at {server.url}/api/v3"
        assert len(pulled.members[made.node_id].items) == 2
        assert {each.path.rpartition("/")[0][:7] for each in server.log} <= {"/api", "/api/v3"}


def test_the_probe_tells_what_is_left(world: GithubWorld, server: Server) -> None:
    """By GraphQL the probe names the points of the hour."""
    with connected(server.url) as connector:
        assert connector.probe() == f"signed in as okr-bot, 4999 of 5000 points left this hour at {server.url}"


def test_a_transferred_issue_has_left(world: GithubWorld, connector: GithubMilestones) -> None:
    """Another issue stands at its new place: the old one is not found any more, while its repository is seen."""
    made = titled(world, {"acme/app": "One", "acme/api": "One"})
    before = pull(connector, {"a": {"repo": "acme/app", "milestone": 1}})
    issue = next(item for item in world.items if item.repository.full_name == "acme/app")
    world.transfer(issue, made["acme/api"].repository, at=NOW)
    looked = connector.look_up(frozenset({issue.node_id, "I_never_seen"}), before.items)
    assert looked == LookUp(gone=frozenset({issue.node_id}), hidden=frozenset({"I_never_seen"}))


@pytest.mark.parametrize(("path", "forbidden"), [(["r1"], None), (["r1", "milestones"], {"milestones": None})])
def test_a_repository_that_forbids_is_denied(
    server: Server, path: list[str], forbidden: dict[str, None] | None
) -> None:
    """GraphQL's FORBIDDEN for one repository is a miss that says so; the token's other repositories are answered."""
    error = {"type": "FORBIDDEN", "path": path, "message": "Resource protected by organization SAML enforcement."}
    empty = {"milestones": {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}}
    server.inject(Fault("response", Response.of({"data": {"r0": empty, "r1": forbidden}, "errors": [error]})))
    with connected(server.url) as connector:
        query = {"a": {"repo": "acme/app", "milestone": 1}, "b": {"repo": "acme/sso", "milestone": 1}}
        misses = pull(connector, query).misses
    assert {ref: miss.why for ref, miss in misses.items()} == {"a": "not_found", "b": "denied"}


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"repo": "acme/app"},
        {"milestone": 1},
        {"repo": "acme/app", "repos": ["acme/api"], "milestone": 1},
        {"repo": "acme/app", "milestone": 1, "milestones": [2]},
        {"repo": "acme/app", "milestones": []},
        {"repo": "acme/app", "milestone": 0},
        {"repo": "acme/app", "milestone": True},
        {"repo": "acme/app", "milestone": 1.5},
        {"repo": "acme/app", "milestone": " "},
        *({"repo": repo, "milestone": 1} for repo in ("acme", "acme/app/x", "acme/..", "a b/c", 'a/b"', "/x", "")),
    ],
)
def test_a_scope_that_says_too_little_or_too_much_is_refused(query: dict[str, object]) -> None:
    """Exactly one way of naming repositories and one of naming milestones."""
    with pytest.raises(ValidationError):
        GithubMilestones.Query(**query)


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "ftp://github.example"},
        {"url": "api.github.com"},
        {"url": "https://user:word@github.example"},
        {"token": Referenced("two words")},
        {"token": Referenced("line\nbreak")},
        {"token": Referenced("ümlaut")},
        {"batch": 0},
        {"batch": 101},
        {"timeout": 0},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object]) -> None:
    """A wrong address, a token that fits no header, or a size out of range never reaches a request."""
    with pytest.raises(ValidationError) as caught:
        GithubMilestones.Settings(**{"token": Referenced(TOKEN), **settings})
    assert "two words" not in str(caught.value)


def test_queries_survive_their_json(world: GithubWorld) -> None:
    """A query read back from its canonical JSON is the same: 7 stays a number, "7" a title."""
    query = GithubMilestones.Query(repos=("acme/app",), milestones=(7, "7"))
    assert GithubMilestones.Query.model_validate_json(json.dumps(query.model_dump(mode="json"))) == query
