"""How many requests GitHub is asked, full and quiet, and how the connector makes questions smaller when it must."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from okr_sync.connector import TransientError
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.github_generate import Counts, generate_github, truth
from okr_sync.sandbox.repositories import GithubWorld
from okr_sync.sandbox.server import Fault, Logged, Response, Server
from okr_sync.testing.delivery import TOKEN
from okr_sync.testing.pulled import Pulled
from tests.contract.github_fixtures import NOW, START, PatientCaller, connected, pull

DROPPED = ("not_planned", "duplicate")
Clock = list[Any]


def counts_of(pulled: Pulled) -> Counts:
    """Count what was pulled the way the world's truth counts."""
    counts = dict.fromkeys(Counts.__dataclass_fields__, 0)
    for item in pulled.items.values():
        if item.kind == "pull_request":
            place = "open" if item.state == "open" else "done" if item.resolution == "merged" else "dropped"
            counts[f"pulls_{place}"] += 1
        else:
            counts["open" if item.state == "open" else "dropped" if item.resolution in DROPPED else "done"] += 1
    return Counts(**counts)


def every_milestone(world: GithubWorld) -> dict[str, dict[str, Any]]:
    """Return one scope for each milestone, by number."""
    return {each.node_id: {"repo": each.repository.full_name, "milestone": each.number} for each in world.milestones}


def asked_ids(log: list[Logged]) -> list[int]:
    """Return how many ids each GraphQL request named, leaving out those that named none."""
    ids = [json.loads(each.body)["variables"].get("ids") for each in log]
    return [len(some) for some in ids if some]


@pytest.fixture(scope="module")
def large() -> GithubWorld:
    """Return 100 milestones over 20 repositories with 30 items each."""
    return generate_github(7, repositories=20, milestones=100, items_per_milestone=30, now=NOW)


@pytest.fixture
def clock() -> Clock:
    """Return a clock that tests may move: its first element is the instant."""
    return [NOW]


@pytest.fixture
def server(large: GithubWorld, clock: Clock) -> Iterator[Server]:
    """Yield a server that plays the large world."""
    with Server(GithubSite(large, lambda: clock[0], token=TOKEN)) as server:
        yield server


@pytest.mark.parametrize(
    ("api", "full", "quiet"),
    [
        ("graphql", 1 + 1, 1),  # the list of 20 repositories, then 100 milestones a request; later ids only
        ("rest", 20 + 100, 20),  # a list for each repository, then each milestone's items; later the lists only
    ],
)
def test_a_hundred_milestones_cost_few_requests(
    large: GithubWorld, server: Server, api: str, full: int, quiet: int
) -> None:
    """A full pull gives the truth of 3,000 items; a quiet one costs next to nothing and brings no items."""
    scopes = every_milestone(large)
    with connected(server.url, api=api) as connector:
        first = pull(connector, scopes)
        spent = len(server.log)
        later = pull(connector, scopes, first.cursor, NOW + timedelta(minutes=15))
    print(f"{api}: {spent} requests full, {len(server.log) - spent} quiet, for {len(first.items)} items")  # noqa: T201 -- shown by `pytest -rP`
    assert (spent, len(server.log) - spent) == (full, quiet)
    assert counts_of(first) == truth(large, set(scopes), NOW)
    assert all(members.whole for members in first.members.values())
    assert (later.items, later.members) == ({}, {})
    assert (later.scopes, later.containers) == (first.scopes, first.containers)


@pytest.mark.parametrize(("labels", "full", "quiet"), [(True, 1 + 206, 4), (False, 1 + 6, 4)])
def test_labels_are_what_costs_points(large: GithubWorld, *, labels: bool, full: int, quiet: int) -> None:
    """GraphQL charges a request for the labels of each possible item: 206 points for 100 milestones instead of 6.

    What GitHub says that its answers cost is told to the caller, one by one.
    """
    site, caller = GithubSite(large, lambda: NOW, token=TOKEN), PatientCaller()
    with Server(site) as server, connected(server.url, caller, labels=labels) as connector:
        cursor = pull(connector, every_milestone(large)).cursor
        spent = site.limits.windows["graphql"].used
        pull(connector, every_milestone(large), cursor, NOW + timedelta(minutes=15))
        assert (spent, site.limits.windows["graphql"].used - spent) == (full, quiet)
        assert caller.points == [1, full - 1, quiet]


def test_both_interfaces_bring_equal_facts(large: GithubWorld, server: Server) -> None:
    """Items, containers, members and scopes don't depend on the way of asking."""
    titles = sorted({each.title for each in large.milestones})
    repos = [each.full_name for each in large.repositories]
    scopes = {title: {"repos": repos, "milestone": title} for title in titles}
    with connected(server.url, api="graphql") as one, connected(server.url, api="rest") as other:
        by_graphql, by_rest = pull(one, scopes), pull(other, scopes)
    assert by_graphql.items == by_rest.items
    assert by_graphql.containers == by_rest.containers
    assert by_graphql.members == by_rest.members
    assert by_graphql.scopes == by_rest.scopes


@pytest.mark.parametrize("too_big", [6, 1])
def test_questions_too_large_are_halved_and_the_size_is_remembered(large: GithubWorld, too_big: int) -> None:
    """After 502 the repeated request asks for half, down to one milestone; another process begins with that size.

    Red without `Sizes.refused` (it never ends well), and without `learnt` in the cursor (it begins with twelve).
    """
    scopes = dict(list(every_milestone(large).items())[:12])
    site = GithubSite(large, lambda: NOW, token=TOKEN)
    with Server(site) as server:
        with connected(server.url, PatientCaller()) as connector:
            fresh = pull(connector, scopes)
            server.forget()
            site.too_big = too_big
            halved = pull(connector, scopes, unread(fresh.cursor))
        assert halved.items == fresh.items
        assert asked_ids(server.log)[:2] == [12, 6]
        server.forget()
        with connected(server.url, PatientCaller()) as another:
            assert pull(another, scopes, unread(halved.cursor)).items == fresh.items
        assert max(asked_ids(server.log)) <= too_big
        assert {each.status for each in server.log} == {200}


def unread(cursor: str | None) -> str:
    """Return a cursor after which all milestones are read again, without the list."""
    return json.dumps({**json.loads(cursor or ""), "marks": {}})


def test_without_retries_a_question_too_large_fails_as_transient(large: GithubWorld) -> None:
    """The connector itself asks once; each later pull asks for half, until it is answered."""
    scopes = dict(list(every_milestone(large).items())[:4])
    with Server(GithubSite(large, lambda: NOW, token=TOKEN, too_big=100)) as server, connected(server.url) as connector:
        for _ in range(2):  # the list of 4 repositories, then of 2: a hundred milestones each may be too much
            with pytest.raises(TransientError, match="502"):
                pull(connector, scopes)
        assert len(pull(connector, scopes).scopes) == 4


def test_a_query_that_went_wrong_is_halved_too(large: GithubWorld, server: Server) -> None:
    """GitHub's "Something went wrong" with status 200 is a time-out as well."""
    wrong = Response.of({"data": None, "errors": [{"message": "Something went wrong while executing your query."}]})
    scopes = every_milestone(large)
    server.inject(Fault("response", wrong, skip=1))
    caller = PatientCaller()
    with connected(server.url, caller) as connector:
        pulled = pull(connector, scopes)
    assert counts_of(pulled) == truth(large, set(scopes), NOW)
    assert asked_ids(server.log) == [100, 50, 50]
    assert caller.retries == 1


def test_many_threads_bring_the_same(large: GithubWorld, server: Server) -> None:
    """With four requests at a time each answer lands where it belongs."""
    scopes = every_milestone(large)
    for api in ("graphql", "rest"):
        caller = PatientCaller(concurrency=4)
        with connected(server.url, caller, api=api, batch=5) as connector:
            assert counts_of(pull(connector, scopes)) == truth(large, set(scopes), NOW)


@pytest.mark.parametrize("api", ["graphql", "rest"])
def test_only_changed_milestones_are_read_again(api: str) -> None:
    """One closed issue costs the details of its milestone, not of the others."""
    world, clock = GithubWorld(), [NOW]
    repository = world.add_repository("acme/app", at=START)
    milestones = [world.add_milestone(repository, f"M{n}", at=START) for n in range(5)]
    issues = [world.add_issue(repository, "a", at=START, milestone=each) for each in milestones]
    scopes = every_milestone(world)
    with (
        Server(GithubSite(world, lambda: clock[0], token=TOKEN)) as server,
        connected(server.url, api=api) as connector,
    ):
        first = pull(connector, scopes)
        clock[0] += timedelta(minutes=15)
        world.close(issues[2], "duplicate", at=clock[0])
        server.forget()
        later = pull(connector, scopes, first.cursor, clock[0])
        assert len(server.log) == 2
        assert [item.resolution for item in later.items.values()] == ["duplicate"]
        assert set(later.members) == {milestones[2].node_id}


def test_what_left_costs_a_request_and_what_is_missed_one_more() -> None:
    """Whether its repository can still be seen: that it was seen in the same pull proves nothing any more."""
    world, clock = GithubWorld(), [NOW]
    repository = world.add_repository("acme/app", at=START)
    milestone = world.add_milestone(repository, "One", at=START)
    doomed, leaving = (world.add_issue(repository, name, at=START, milestone=milestone) for name in "ab")
    scopes = every_milestone(world)
    with Server(GithubSite(world, lambda: clock[0], token=TOKEN)) as server, connected(server.url) as connector:
        first = pull(connector, scopes)
        clock[0] += timedelta(minutes=15)
        world.delete(doomed, at=clock[0])
        world.set_milestone(leaving, None, at=clock[0])
        pull(connector, scopes, first.cursor, clock[0])
        server.forget()
        assert [each.id for each in connector.look_up(frozenset({leaving.node_id}), first.items).found]
        assert len(server.log) == 1
        assert connector.look_up(frozenset({doomed.node_id}), first.items).gone == {doomed.node_id}
        assert len(server.log) == 1 + 2


@pytest.mark.parametrize("api", ["graphql", "rest"])
def test_everything_is_read_anew_once_a_day(api: str) -> None:
    """A new title is seen at the latest after `full_every_hours`: titles don't move a milestone's counts."""
    world = GithubWorld()
    repository = world.add_repository("acme/app", at=START)
    milestone = world.add_milestone(repository, "One", at=START)
    world.add_issue(repository, "a", at=START, milestone=milestone)
    scopes = {"a": {"repo": "acme/app", "milestone": "One"}}
    with (
        Server(GithubSite(world, lambda: NOW, token=TOKEN)) as server,
        connected(server.url, api=api, full_every_hours=2) as connector,
    ):
        cursor = pull(connector, scopes).cursor
        unzoned = {**json.loads(cursor or ""), "full_at": "2026-11-02T09:00:00"}
        assert len(pull(connector, scopes, json.dumps(unzoned)).items) == 1
        for hours, expected in ((-1, 1), (0, 0), (1.9, 0), (2, 1)):
            assert len(pull(connector, scopes, cursor, NOW + timedelta(hours=hours)).items) == expected
        quiet = pull(connector, scopes, cursor, NOW + timedelta(hours=1.9)).cursor
        assert len(pull(connector, scopes, quiet, NOW + timedelta(hours=2)).items) == 1


def test_a_deleted_milestone_makes_its_scope_miss() -> None:
    """When a known milestone is no more, the scopes are resolved anew; by title the others of the pool remain."""
    world, clock = GithubWorld(), [NOW]
    made = []
    for name in ("app", "api"):
        repository = world.add_repository(f"acme/{name}", at=START)
        made.append(world.add_milestone(repository, "One", at=START))
    scopes: dict[str, dict[str, Any]] = {
        "pool": {"repos": ["acme/app", "acme/api"], "milestone": "One"},
        "number": {"repo": "acme/api", "milestone": 1},
    }
    with Server(GithubSite(world, lambda: clock[0], token=TOKEN)) as server, connected(server.url) as connector:
        cursor = pull(connector, scopes).cursor
        clock[0] += timedelta(minutes=15)
        world.delete(made[1], at=clock[0])
        later = pull(connector, scopes, cursor, clock[0])
        assert later.scopes == {"pool": (made[0].node_id,)}
        assert later.misses["number"].message == "acme/api has no milestone 1; it has none at all"


def test_a_scope_that_missed_is_asked_again() -> None:
    """A miss is not remembered: the milestone counts as soon as it is there."""
    world, clock = GithubWorld(), [NOW]
    repository = world.add_repository("acme/app", at=START)
    world.add_milestone(repository, "One", at=START)
    scopes = {title: {"repo": "acme/app", "milestone": title} for title in ("One", "Two")}
    with Server(GithubSite(world, lambda: clock[0], token=TOKEN)) as server, connected(server.url) as connector:
        first = pull(connector, scopes)
        assert set(first.misses) == {"Two"}
        clock[0] += timedelta(minutes=15)
        two = world.add_milestone(repository, "Two", at=clock[0])
        later = pull(connector, scopes, first.cursor, clock[0])
        assert (later.misses, later.scopes["Two"]) == ({}, (two.node_id,))
