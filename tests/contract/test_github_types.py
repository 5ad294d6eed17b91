"""Which issues of GitHub count by their issue type."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from okr_sync.connector import AccessError
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.repositories import GithubWorld
from okr_sync.sandbox.server import Server
from okr_sync.testing.delivery import TOKEN
from tests.contract.github_fixtures import NOW, START, connected, pull

SCOPE: dict[str, dict[str, Any]] = {"a": {"repo": "acme/app", "milestone": 1}}
DAY = timedelta(days=1)
APIS = pytest.mark.parametrize("api", ["graphql", "rest"])


@pytest.fixture
def world() -> GithubWorld:
    """Return a world with a bug, a feature, an issue without a type and a pull request in one milestone."""
    world = GithubWorld()
    milestone = world.add_milestone(world.add_repository("acme/app", at=START), "One", at=START)
    for name in ("bug", "feature", "none"):
        world.add_issue(milestone.repository, name, at=START, milestone=milestone)
    world.add_pull_request(milestone.repository, "request", at=START, milestone=milestone)
    world.set_type(world.items[0], "Bug", at=START)
    world.set_type(world.items[1], "Feature", at=START)
    return world


@pytest.fixture
def server(world: GithubWorld) -> Iterator[Server]:
    """Yield a server that plays the world at NOW."""
    with Server(GithubSite(world, lambda: NOW, token=TOKEN)) as server:
        yield server


@APIS
@pytest.mark.parametrize(
    ("chosen", "counted"),
    [
        ({}, {"bug", "feature", "none", "request"}),
        ({"only_types": ["Feature"]}, {"feature", "request"}),
        ({"only_types": ["bug", "FEATURE"]}, {"bug", "feature", "request"}),
        ({"except_types": ["Bug"]}, {"feature", "none", "request"}),
    ],
)
def test_issues_count_by_their_type(server: Server, api: str, chosen: dict[str, Any], counted: set[str]) -> None:
    """In any letter case, and by both interfaces; pull requests have no type and count; the milestone is whole.

    Red when the type is not looked at, and, where it is but what is left out is not counted as there, for want of the
    whole milestone.
    """
    with connected(server.url, api=api, **chosen) as connector:
        pulled = pull(connector, SCOPE)
    assert {item.title for item in pulled.items.values()} == counted
    assert [members.whole for members in pulled.members.values()] == [True]


@APIS
def test_an_issue_that_gets_another_type_leaves_with_the_next_reading_of_its_milestone(
    world: GithubWorld, api: str
) -> None:
    """It is in the milestone yet, and no member; looked up, it is there."""
    clock = [NOW]
    with (
        Server(GithubSite(world, lambda: clock[0], token=TOKEN)) as server,
        connected(server.url, api=api, only_types=["Feature"]) as connector,
    ):
        first = pull(connector, SCOPE)
        clock[0] = NOW + DAY / 2
        feature = world.items[1]
        world.set_type(feature, "Task", at=clock[0])
        world.close(feature, at=clock[0])
        later = pull(connector, SCOPE, first.cursor, clock[0])
        (members,) = later.members.values()
        assert (set(members.items), members.whole) == ({world.items[3].node_id}, True)
        looked = connector.look_up(frozenset({feature.node_id}), first.items)
        assert [item.state for item in looked.found] == ["done"]


@APIS
def test_a_server_without_types_says_so(world: GithubWorld, api: str) -> None:
    """Nothing counts as without a type there. Without the choice it is asked in words that it knows.

    Red when a missing type is taken for none.
    """
    with Server(GithubSite(world, lambda: NOW, token=TOKEN, modern=False)) as server:
        with connected(server.url, api=api, except_types=["Bug"]) as connector:
            with pytest.raises(AccessError, match="knows no issue types") as caught:
                pull(connector, SCOPE)
            assert "except_types" in caught.value.fix
        with connected(server.url, api=api) as connector:
            assert len(pull(connector, SCOPE).items) == 4


def test_the_type_is_asked_for_only_where_it_matters(server: Server) -> None:
    """An older server need not refuse a word that nobody wants."""
    with connected(server.url) as connector:
        pull(connector, SCOPE)
    assert all(b"issueType" not in each.body for each in server.log)


def test_types_are_looked_up_by_name(server: Server) -> None:
    """Each at its own place, with the nearest name; one repository of an owner is asked. Red when nobody asks."""
    with connected(server.url, only_types=["feature", "Tusk", "Story"]) as connector:
        queries = {ref: connector.Query(**query) for ref, query in SCOPE.items()}
        found = {named.path: (named.said, named.miss) for named in connector.resolve(queries, NOW) if not named.ref}
    assert found == {
        ("only_types", 0): ("issue type Feature", None),
        ("only_types", 1): ("no issue type 'Tusk'; did you mean Task?", "not_found"),
        ("only_types", 2): ("no issue type 'Story'; there are Bug, Feature, Task", "not_found"),
    }
    assert sum(each.path.endswith("/issue-types") for each in server.log) == 1


def test_no_types_are_looked_up_where_none_are_chosen(world: GithubWorld) -> None:
    """Nor does a server without types stumble over them; chosen, they are told to be missing."""
    with Server(GithubSite(world, lambda: NOW, token=TOKEN, modern=False)) as server:
        with connected(server.url) as connector:
            queries = {ref: connector.Query(**query) for ref, query in SCOPE.items()}
            assert all(named.ref for named in connector.resolve(queries, NOW))
            assert not any(each.path.endswith("/issue-types") for each in server.log)
        with connected(server.url, except_types=["Bug"]) as connector:
            last = list(connector.resolve(queries, NOW))[-1]
    assert (last.said, last.miss) == ("no issue type 'Bug'; there are none", "not_found")


@pytest.mark.parametrize("chosen", [{"only_types": ["Bug"], "except_types": ["Task"]}, {"only_types": [" "]}])
def test_a_choice_that_means_nothing_is_refused(chosen: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"only_types|issue type"), connected("https://api.github.com", **chosen):
        pass
