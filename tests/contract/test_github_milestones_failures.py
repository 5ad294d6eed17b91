"""What GitHub's refusals, limits, redirects and misshapen answers become."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connectors.github_answers import seconds_to_wait
from connectors.github_http import query_of
from okr_sync.connector import AccessError, LookUp, ProtocolError, SourceError, TransientError
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.repositories import GithubWorld
from okr_sync.sandbox.server import Fault, Request, Response, Server
from okr_sync.testing.delivery import TOKEN
from tests.contract.github_fixtures import NOW, START, connected, pull

SCOPE: dict[str, dict[str, Any]] = {"a": {"repo": "acme/app", "milestone": 1}}
SAME_PAGE = '</repos/acme/app/milestones?state=all&per_page=100>; rel="next"'


@pytest.fixture
def world() -> GithubWorld:
    """Return a world with one milestone that holds an issue and a pull request."""
    world = GithubWorld()
    repository = world.add_repository("acme/app", at=START)
    milestone = world.add_milestone(repository, "One", at=START)
    world.add_issue(repository, "a", at=START, milestone=milestone)
    world.add_pull_request(repository, "b", at=START, milestone=milestone)
    return world


@pytest.fixture
def site(world: GithubWorld) -> GithubSite:
    """Return the site that plays the world at NOW."""
    return GithubSite(world, lambda: NOW, token=TOKEN)


@pytest.fixture
def server(site: GithubSite) -> Iterator[Server]:
    """Yield a running server of the site."""
    with Server(site) as server:
        yield server


def failure(server: Server, api: str, *faults: Fault) -> SourceError:
    """Return how a pull fails; with faults injected, one after the other."""
    for fault in faults:
        server.inject(fault)
    with connected(server.url, api=api) as connector, pytest.raises(SourceError) as caught:
        pull(connector, SCOPE)
    assert TOKEN not in str(caught.value)
    return caught.value


def reply(payload: Any, skip: int = 0, **headers: str) -> Fault:
    """Return a fault that answers `payload` for ever."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault("response", Response.of(payload, 200, named), times=100, skip=skip)


@pytest.mark.parametrize("api", ["graphql", "rest"])
def test_a_spent_hour_is_waited_for(server: Server, site: GithubSite, api: str) -> None:
    """The primary limit is transient; so says REST with 403 and GraphQL with 200."""
    site.exhaust("graphql" if api == "graphql" else "core")
    error = failure(server, api)
    assert isinstance(error, TransientError)
    assert error.retry_after is not None
    assert "rate limit" in str(error)


@pytest.mark.parametrize("api", ["graphql", "rest"])
@pytest.mark.parametrize(("retry_after", "expected"), [(17, 17.0), (None, 60.0)])
def test_a_secondary_limit_names_its_wait(
    server: Server, site: GithubSite, api: str, retry_after: int | None, expected: float
) -> None:
    """Retry-After counts; without it a minute, which is the least that GitHub asks for."""
    site.limit_secondary(retry_after=retry_after)
    error = failure(server, api)
    assert isinstance(error, TransientError)
    assert error.retry_after == expected


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({"retry-after": "7", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1784505600"}, 7.0),
        ({"retry-after": "Mon, 20 Jul 2026 00:00:30 GMT"}, 120.0),
        ({"retry-after": "Mon, 20 Jul 2026 00:00:30"}, 120.0),
        ({"retry-after": "Sun, 19 Jul 2026 23:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Mon, 20 Jul 2026 00:00:30 GMT", "date": "today"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1784505600"}, 90.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1784505000"}, 0.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1e9"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "99999999999"}, None),
        ({"x-ratelimit-remaining": "0"}, None),
        ({"x-ratelimit-remaining": "7", "x-ratelimit-reset": "1784505600"}, None),
    ],
)
def test_the_wait_counts_from_the_servers_own_clock(named: dict[str, str], expected: float | None) -> None:
    """Times that the server names are relative to its own Date, so a skewed clock on either side changes nothing."""
    assert seconds_to_wait({"date": "Sun, 19 Jul 2026 23:58:30 GMT", **named}, "") == expected


def test_a_403_that_names_a_wait_is_transient(server: Server) -> None:
    """Whatever GitHub calls it: Retry-After says that it will work later."""
    error = failure(server, "rest", Fault("response", Response.of({"message": "Slow down"}, 403, {"Retry-After": "5"})))
    assert isinstance(error, TransientError)
    assert error.retry_after == 5.0


def test_a_token_that_github_repeats_stays_inside(server: Server) -> None:
    """Words of GitHub that hold the token come out without it."""
    error = failure(server, "rest", Fault("response", Response.of({"message": f"no {TOKEN} here"}, 403)))
    assert "no *** here" in str(error)


def test_a_redirect_to_another_host_is_not_followed(server: Server) -> None:
    """Not even when the path looks like GitHub's, and the path is not asked for at home either."""
    away = Response(301, b"", {"Location": "http://localhost:9/repositories/1/milestones"})
    error = failure(server, "rest", Fault("response", away))
    assert type(error) is ProtocolError
    assert "localhost:9" in str(error)
    assert len(server.log) == 1


def test_headers_that_cannot_be_read_are_refused(server: Server) -> None:
    """PyGithub stumbles over a reset that is no number: that is the server's fault, not a bug of ours."""
    error = failure(server, "rest", Fault("response", Response(200, b"[]", {"X-RateLimit-Reset": "soon"})))
    assert type(error) is ProtocolError


def test_a_number_that_is_no_json_is_refused(server: Server) -> None:
    """NaN is not JSON, although Python reads it."""
    assert type(failure(server, "rest", Fault("response", Response(200, b"[NaN]")))) is ProtocolError


def test_no_permission_is_an_access_error(server: Server) -> None:
    """403 without a limit behind it is not retried and repeats GitHub's own words."""
    said = {"message": "Resource not accessible by personal access token"}
    error = failure(server, "rest", Fault("response", Response.of(said, 403, {"X-RateLimit-Remaining": "4999"})))
    assert isinstance(error, AccessError)
    assert said["message"] in str(error)


def test_a_missing_scope_is_an_access_error(server: Server) -> None:
    """GraphQL tells a token without the needed scope."""
    error = failure(server, "graphql", reply({"errors": [{"type": "INSUFFICIENT_SCOPES", "message": "needs repo"}]}))
    assert isinstance(error, AccessError)


def test_items_that_may_not_be_read_are_an_access_error(server: Server) -> None:
    """A token that sees the milestone but not its pull requests fails, with GitHub's own words: nothing is left out."""
    error = {"type": "FORBIDDEN", "path": ["nodes", 0, "pullRequests"], "message": "Resource not accessible"}
    seen = failure(server, "graphql", reply({"data": {"nodes": [None]}, "errors": [error]}, skip=1))
    assert isinstance(seen, AccessError)
    assert "Resource not accessible" in str(seen)


@pytest.mark.parametrize("api", ["graphql", "rest"])
def test_an_answer_without_end_is_cut_off(server: Server, api: str) -> None:
    """A small packed answer that unpacks to more than 64 MiB is refused before it fills the memory."""
    bomb = gzip.compress(b"[" + b" " * (65 * 2**20) + b"]", compresslevel=1)
    error = failure(server, api, Fault("response", Response(200, bomb, {"Content-Encoding": "gzip"})))
    assert type(error) is ProtocolError
    assert "64 MiB" in str(error)


@pytest.mark.parametrize(
    "payload",
    [
        {"errors": ["odd"]},
        {"errors": [{"type": "NOT_FOUND", "message": "without a path"}]},
        {"errors": [{"message": "Field 'stateReason' doesn't accept argument 'enableDuplicate'"}]},
        {"data": None},
        {"data": {"r0": {"milestones": None}}},
        {"data": {"r0": {"milestones": {"nodes": None}}}},
        {"data": {"r0": {"milestones": {"nodes": [], "pageInfo": {"hasNextPage": None}}}}},
        {"data": {"r0": {"milestones": {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": "x"}}}}},
        {"data": {"r0": {"milestones": {"nodes": [{"id": "MI_1"}], "pageInfo": {"hasNextPage": False}}}}},
    ],
)
def test_a_misshapen_graphql_answer_is_refused(server: Server, payload: dict[str, Any]) -> None:
    """Whatever lacks what was asked for is a ProtocolError, never an empty milestone."""
    assert type(failure(server, "graphql", reply(payload))) is ProtocolError


@pytest.mark.parametrize("nodes", [[], [{"id": "MI_other"}], [None, None], ["text"]])
def test_nodes_that_were_not_asked_for_are_refused(server: Server, nodes: list[Any]) -> None:
    """The answer to `nodes(ids:)` has one node for each id, in their order."""
    assert type(failure(server, "graphql", reply({"data": {"nodes": nodes}}, skip=1))) is ProtocolError


def test_a_milestone_deleted_meanwhile_is_transient(server: Server) -> None:
    """Listed, then gone before its items were read: the next sync knows."""
    error = failure(server, "graphql", reply({"data": {"nodes": [None]}}, skip=1))
    assert isinstance(error, TransientError)
    assert "deleted while it was read" in str(error)


def row(**changes: Any) -> dict[str, Any]:
    """Return a milestone as REST lists it."""
    whole = {
        "node_id": "MI_1",
        "number": 1,
        "title": "One",
        "state": "open",
        "html_url": "https://github.example/acme/app/milestone/1",
        "open_issues": 0,
        "closed_issues": 0,
        "updated_at": "2026-10-05T09:00:00Z",
        "due_on": None,
        "closed_at": None,
    }
    return {name: value for name, value in {**whole, **changes}.items() if value != "left out"}


@pytest.mark.parametrize(
    "payload",
    [
        {"items": []},
        ["text"],
        [row(node_id=None)],
        [row(number=True)],
        [row(open_issues=-1)],
        [row(closed_issues="left out")],
        [row(due_on="left out")],
        [row(due_on="soon")],
        [row(closed_at="2026-10-05T09:00:00")],
        [row(state="paused")],
        [row(html_url="https://github.example/milestone")],
    ],
)
def test_a_misshapen_rest_answer_is_refused(server: Server, payload: Any) -> None:
    """Whatever lacks a field, or has one of another type, is a ProtocolError, never a zero."""
    assert type(failure(server, "rest", reply(payload))) is ProtocolError


def test_an_issue_without_labels_is_refused(server: Server) -> None:
    """The items of a milestone are looked at as closely."""
    issue = {"node_id": "I_1", "number": 1, "title": "a", "html_url": "https://github.example/acme/app/issues/1"}
    assert type(failure(server, "rest", reply([issue], skip=1))) is ProtocolError


def test_a_page_that_leads_to_itself_is_refused(server: Server) -> None:
    """A Link that never ends does not make the connector ask for ever."""
    error = failure(server, "rest", reply([row()], Link=SAME_PAGE))
    assert type(error) is ProtocolError
    assert len(server.log) <= 2


def test_the_next_page_is_found_among_the_links() -> None:
    """Only the link named next counts; without one the list ends."""
    links = '<https://x/y?page=1>; rel="first", <https://x/y?per_page=100&page=3>; rel="next"'
    assert query_of(links) == {"per_page": "100", "page": "3"}
    assert query_of('<https://x/y?page=1>; rel="first"') is None
    assert query_of(None) is None


@pytest.mark.parametrize("api", ["graphql", "rest"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_without_end_is_given_up(server: Server, api: str, status: int) -> None:
    """A loop of redirects costs three requests at most, and none is followed for GraphQL."""
    away = Response(status, b"", {"Location": f"{server.url}/repositories/1/milestones"})
    assert type(failure(server, api, Fault("response", away, times=100))) is ProtocolError
    assert len(server.log) == (3 if api == "rest" else 1)


@pytest.mark.parametrize("api", ["graphql", "rest"])
def test_a_removed_interface_is_a_protocol_error(server: Server, api: str) -> None:
    """410 for a whole interface is not taken for a deleted repository."""
    gone = Response.of({"message": "This API was removed"}, 410)
    assert isinstance(failure(server, api, Fault("response", gone, times=100)), ProtocolError)


def test_a_wrong_base_address_says_what_to_set(server: Server) -> None:
    """404 for GraphQL means that no GitHub is at this address."""
    error = failure(server, "graphql", Fault("response", Response.of({"message": "Not Found"}, 404)))
    assert isinstance(error, ProtocolError)
    assert "/api/v3" in error.fix


@pytest.mark.parametrize("api", ["graphql", "rest"])
def test_items_that_do_not_fit_their_count_are_read_once_more(server: Server, site: GithubSite, api: str) -> None:
    """One may leave or come between a count and a list. Red when nothing is read again: a Miss for nothing."""
    with connected(server.url, api=api) as connector:
        honest = pull(connector, SCOPE)
        needed = len(server.log)
        server.inject(Fault("response", short(site, server, api), skip=1))
        again = pull(connector, SCOPE)
        assert (again.items, again.members, again.scopes) == (honest.items, honest.members, honest.scopes)
        assert len(server.log) - 2 * needed == (1 if api == "graphql" else 2), "by REST its count is asked for, too"


@pytest.mark.parametrize("api", ["graphql", "rest"])
def test_items_that_do_not_fit_their_count_twice_are_no_answer(server: Server, site: GithubSite, api: str) -> None:
    """Nothing of the milestone is told, and it is read again next time. Red when what came counts."""
    with connected(server.url, api=api) as connector:
        honest = pull(connector, SCOPE)
        broken = short(site, server, api)
        server.inject(Fault("response", broken, skip=1))
        server.inject(Fault("response", broken, skip=0 if api == "graphql" else 1))
        pulled = pull(connector, SCOPE)
        assert (pulled.misses["a"].why, pulled.scopes, pulled.members, pulled.items) == ("unreachable", {}, {}, {})
        assert not server.has_faults
        again = pull(connector, SCOPE, pulled.cursor, NOW + timedelta(minutes=15))
        assert (again.items, again.members, again.scopes) == (honest.items, honest.members, honest.scopes)


def test_a_milestone_that_is_deleted_before_it_is_read_again_fails_the_pull(
    world: GithubWorld, server: Server, site: GithubSite
) -> None:
    """By REST its count is asked for by number. Red when a 404 is taken for another address."""
    with connected(server.url, api="rest") as connector:
        pull(connector, SCOPE)
        server.inject(Fault("response", short(site, server, "rest"), skip=1))
        server.inject(Fault("response", Response.of({"message": "Not Found"}, 404)))
        with pytest.raises(TransientError, match="deleted while it was read"):
            pull(connector, SCOPE)


def short(site: GithubSite, server: Server, api: str) -> Response:
    """Return the true answer to the last request of the log without its first item."""
    last = server.log[-1]
    host = {"authorization": f"token {TOKEN}", "host": server.url.removeprefix("http://")}
    payload = json.loads(site.respond(Request(last.method, last.path, last.query, host, last.body)).body)
    items = payload if api == "rest" else payload["data"]["nodes"][0]["issues"]["nodes"]
    assert items
    del items[0]
    return Response.of(payload)


def test_by_rest_a_deleted_issue_is_gone(world: GithubWorld, server: Server) -> None:
    """REST says 410 for it; 404 only counts while its repository can be seen."""
    with connected(server.url, api="rest") as connector:
        known = pull(connector, SCOPE).items
        issue = next(item for item in world.items if not item.pull_request)
        world.delete(issue, at=NOW)
        assert connector.look_up(frozenset({issue.node_id}), known) == LookUp(gone=frozenset({issue.node_id}))
        world.hide(issue.repository, at=NOW)
        assert connector.look_up(frozenset({issue.node_id}), known) == LookUp(hidden=frozenset({issue.node_id}))
