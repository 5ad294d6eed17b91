"""What newer servers tell of GitHub items: whose sub-issue they are, and how many points projects give them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connectors.github_milestones import GithubMilestones
from okr_sync.connector import AccessError, ProtocolError
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.repositories import GithubWorld, Item
from okr_sync.sandbox.server import Fault, Response, Server
from okr_sync.testing.delivery import TOKEN
from tests.contract.github_fixtures import NOW, START, connected, pull

SCOPE: dict[str, dict[str, Any]] = {"a": {"repo": "acme/app", "milestone": 1}}
DAY = timedelta(days=1)


@pytest.fixture
def world() -> GithubWorld:
    """Return a world with a milestone of three issues and a pull request."""
    world = GithubWorld()
    milestone = world.add_milestone(world.add_repository("acme/app", at=START), "One", at=START)
    for name in ("a", "b", "c"):
        world.add_issue(milestone.repository, name, at=START, milestone=milestone)
    world.add_pull_request(milestone.repository, "d", at=START, milestone=milestone)
    return world


@pytest.fixture
def server(world: GithubWorld) -> Iterator[Server]:
    """Yield a server that plays the world at NOW."""
    with Server(GithubSite(world, lambda: NOW, token=TOKEN)) as server:
        yield server


def points(connector: GithubMilestones) -> list[float | None]:
    """Return the points of the items, in the order of their numbers."""
    items = pull(connector, SCOPE).items.values()
    return [item.points for item in sorted(items, key=lambda item: item.key)]


def parents(connector: GithubMilestones, items: list[Item]) -> list[tuple[str, int, str, str]]:
    """Return the changes of parents: title, day, before and after."""
    known = pull(connector, SCOPE).items
    names = {item.node_id: item.title for item in items}
    return [
        (names[each.item], (each.at - START).days, names.get(each.before or "", ""), names.get(each.after or "", ""))
        for piece in connector.past(known, START, NOW)
        for each in piece
        if each.field == "parent"
    ]


def test_a_sub_issue_names_its_parent(world: GithubWorld, server: Server) -> None:
    """By GraphQL; a parent that may not be seen, or that there is none, is nothing."""
    one, two, three, _ = world.items
    world.set_parent(two, one, at=START + DAY)
    world.set_parent(three, one, at=START + DAY)
    world.set_parent(three, None, at=START + 2 * DAY)
    with connected(server.url) as connector:
        items = pull(connector, SCOPE).items
    assert {item.title: item.parent for item in items.values()} == {"a": None, "b": one.node_id, "c": None, "d": None}


def test_the_past_knows_whose_sub_issue_it_was(world: GithubWorld, server: Server) -> None:
    """Into another parent is out of the first one, in one change.

    Red without `_parents` in the transitions.
    """
    one, two, three, _ = world.items
    for parent, day in ((one, 1), (two, 3), (None, 5)):
        world.set_parent(three, parent, at=START + day * DAY)
    with connected(server.url) as connector:
        changes = parents(connector, world.items)
    assert changes == [("c", 1, "", "a"), ("c", 3, "a", "b"), ("c", 5, "b", "")]


def test_an_old_server_is_asked_in_words_that_it_knows(world: GithubWorld) -> None:
    """What its schema lacks is left out after one refusal each, and not asked for again the next time.

    After a full reading it is asked for again: servers are upgraded. Red without `lacking`: the source fails.
    """
    world.close(world.items[0], "duplicate", at=START + DAY)
    world.set_parent(world.items[1], world.items[2], at=START + DAY)
    site = GithubSite(world, lambda: NOW, token=TOKEN, enterprise=True, modern=False)
    with Server(site) as server:
        with connected(f"{server.url}/api/v3") as connector:
            first = pull(connector, SCOPE)
            assert len(server.log) == 2 + 2
            assert len(list(connector.past(first.items, START, NOW))) == 4
        assert [(item.resolution, item.parent) for item in first.items.values()][:2] == [(None, None)] * 2
        server.forget()
        world.close(world.items[1], at=NOW)
        with connected(f"{server.url}/api/v3") as another:
            later = pull(another, SCOPE, first.cursor, NOW + timedelta(minutes=15))
        assert (len(later.items), len(server.log)) == (4, 2)
    with Server(GithubSite(world, lambda: NOW, token=TOKEN)) as server, connected(server.url) as connector:
        assert [item.parent for item in pull(connector, SCOPE, later.cursor).items.values() if item.parent]


def test_an_old_server_tells_the_past_in_words_that_it_knows(world: GithubWorld) -> None:
    """Also when nothing was learnt before: events of parents are left out."""
    with Server(GithubSite(world, lambda: NOW, token=TOKEN, modern=False)) as server:
        with connected(server.url) as connector:
            items = pull(connector, SCOPE).items
        with connected(server.url) as another:
            assert len(list(another.past(items, START, NOW))) == 4


def test_points_stand_in_a_field_of_a_project(world: GithubWorld, server: Server) -> None:
    """Of issues and pull requests; zero is not missing, below zero is, and so is what projects contradict.

    Red when the first project's number is taken: the third item has points.
    """
    one, two, three, request = world.items
    world.estimate(one, 5, at=START)
    world.estimate(one, 5, at=START, project=2)
    world.estimate(one, 8, at=START, field="Risk")
    world.estimate(two, 0, at=START)
    world.estimate(three, 3, at=START)
    world.estimate(three, 8, at=START, project=2)
    world.estimate(request, -1, at=START)
    with connected(server.url, points_field="Estimate") as connector:
        assert points(connector) == [5.0, 0.0, None, None]
    with connected(server.url, points_field="Estimate", project=2) as connector:
        assert points(connector) == [5.0, None, 8.0, None]
    with connected(server.url) as connector:
        assert points(connector) == [None] * 4


def test_a_name_with_quotes_stays_one_name(world: GithubWorld, server: Server) -> None:
    """The name of the field can't end the text that it stands in."""
    name = 'Size "XL" \\ {é}'
    world.estimate(world.items[0], 2.5, at=START, field=name)
    with connected(server.url, points_field=name) as connector:
        assert points(connector) == [2.5, None, None, None]


def test_points_that_the_token_may_not_read_are_an_access_error(server: Server) -> None:
    """GitHub's refusal says which permission is lacking; nothing counts as without points."""
    said = "Your token has not been granted the required scopes: 'projectItems' requires ['read:project']."
    server.inject(
        Fault("response", Response.of({"errors": [{"type": "INSUFFICIENT_SCOPES", "message": said}]}), skip=1)
    )
    with connected(server.url, points_field="Estimate") as connector, pytest.raises(AccessError) as caught:
        pull(connector, SCOPE)
    assert "read:project" in str(caught.value)
    assert "projects" in caught.value.fix


def test_points_forbidden_for_one_item_are_an_access_error(world: GithubWorld, server: Server) -> None:
    """Also where a single item is asked for by id: it does not lose its points.

    Red when only paths through issues and pull requests count.
    """
    with connected(server.url, points_field="Estimate") as connector:
        known = pull(connector, SCOPE).items
        error = {"type": "FORBIDDEN", "path": ["nodes", 0, "projectItems"], "message": "Resource not accessible"}
        server.inject(Fault("response", Response.of({"data": {"nodes": [None]}, "errors": [error]})))
        with pytest.raises(AccessError, match="not accessible"):
            connector.look_up(frozenset({world.items[0].node_id}), known)


def test_points_that_are_no_number_are_refused(server: Server) -> None:
    """A text where a number belongs is a ProtocolError, never no points."""
    bad = {"nodes": [{"project": {"number": 1}, "fieldValueByName": {"number": "5"}}, None]}
    with connected(server.url, points_field="Estimate") as connector:
        pull(connector, SCOPE)
        answer = json.loads(server.last.body)
        answer["data"]["nodes"][0]["issues"]["nodes"][0]["projectItems"] = bad
        server.inject(Fault("response", Response.of(answer), skip=1))
        with pytest.raises(ProtocolError, match="number"):
            pull(connector, SCOPE)
