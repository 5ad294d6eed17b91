"""A source that bears so many requests a minute is asked no faster than that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.github_http import LIMITS
from okr_sync.connector import Caller, WorkItem
from okr_sync.errors import TransientError
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.repositories import GithubWorld
from okr_sync.sandbox.server import Server
from okr_sync.sync.caller import RetryingCaller
from okr_sync.sync.pacing import MINUTE, Pacing
from okr_sync.testing.delivery import TOKEN
from tests.contract.github_fixtures import NOW, connected, pull
from tests.edge.test_caller import FakeTime

BORNE = 900  # requests a minute by REST, as GitHub documents it


@given(gaps=st.lists(st.integers(0, 40), max_size=60), most=st.integers(1, 5))
def test_no_minute_has_more_than_the_limit_and_nobody_waits_in_vain(gaps: list[int], most: int) -> None:
    """Whenever requests come: in no minute there are more than `most`, and one waits only until the minute before has
    room. Red when the minute is a second shorter.
    """
    pacing, now = Pacing(), 0.0
    sent: list[float] = []
    for gap in gaps:
        now += gap
        wait = pacing.reserve("x", most, now, float("inf"))
        at = now + wait
        assert sum(at - MINUTE < other <= at for other in sent) < most
        assert wait == 0 or sum(at - 1 - MINUTE < other <= at - 1 for other in sent) >= most
        sent.append(at)


def test_limits_of_two_names_are_two() -> None:
    pacing = Pacing()
    assert [pacing.reserve(name, 1, 0.0, 99.0) for name in ("REST", "GraphQL", "REST")] == [0.0, 0.0, MINUTE]


def test_a_wait_beyond_the_deadline_is_an_error_and_takes_no_place() -> None:
    """It names how long to wait, so that the next run comes late enough. Red when it is slept."""
    time = FakeTime()
    caller = RetryingCaller(seconds=50, sleep=time.sleep, elapsed=time.elapsed)
    caller.pace("REST", 1)
    for _ in range(2):
        with pytest.raises(TransientError, match="REST: more requests than the 1 a minute") as caught:
            caller.pace("REST", 1)
        assert caught.value.retry_after == MINUTE
    assert time.slept == []


def test_github_is_asked_no_faster_than_it_bears() -> None:
    """It refuses nothing: after most of a minute's requests the next ones wait for the minute to end.

    Red when the connector does not say its pace: the sandbox refuses the last ones.
    """
    time, world = FakeTime(), GithubWorld()
    repository = world.add_repository("acme/app", at=NOW)
    made = [world.add_issue(repository, "a", at=NOW) for _ in range(BORNE + 5)]
    known = {
        issue.node_id: WorkItem(issue.node_id, f"acme/app#{issue.number}", "a", "u", "issue", "open") for issue in made
    }
    site = GithubSite(world, lambda: NOW + timedelta(seconds=time.now), token=TOKEN, a_minute={"core": BORNE})
    caller = RetryingCaller(seconds=600, sleep=time.sleep, elapsed=time.elapsed)
    with Server(site) as server, connected(server.url, caller, api="rest") as connector:
        assert len(connector.look_up(frozenset(known), known).found) == len(made)
    assert (caller.retries, time.slept) == (0, [MINUTE])


class _Listener(Caller):
    """Keeps what paces are said."""

    def __init__(self) -> None:
        self.paces: list[tuple[str, int]] = []

    def pace(self, limit: str, a_minute: int) -> None:
        self.paces.append((limit, a_minute))


@pytest.mark.parametrize(("api", "limit"), [("graphql", "GraphQL"), ("rest", "REST")])
@pytest.mark.parametrize("enterprise", [False, True])
def test_the_pace_is_that_of_the_interface_and_only_where_there_are_limits(
    api: str, limit: str, enterprise: bool
) -> None:
    """The first answer shows whether there are any. Red when every server is taken for github.com."""
    listener, world = _Listener(), GithubWorld()
    world.add_milestone(world.add_repository("acme/app", at=NOW), "One", at=NOW)
    with Server(GithubSite(world, lambda: NOW, token=TOKEN, enterprise=enterprise)) as server:
        url = f"{server.url}/api/v3" if enterprise else server.url
        with connected(url, listener, api=api) as connector:
            pull(connector, {"a": {"repo": "acme/app", "milestone": 1}})
        assert len(server.log) == 2
    assert listener.paces == ([] if enterprise else [(limit, LIMITS[limit])])
