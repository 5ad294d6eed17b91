"""A page of a list that GitHub says is unchanged: its rows are those of last time, what follows it is asked anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from connectors.github_milestones import GithubMilestones
from okr_sync.connector import Caller, Remembered
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.repositories import GithubWorld
from okr_sync.sandbox.server import Request, Response, Server
from okr_sync.testing.delivery import TOKEN
from tests.contract.github_fixtures import NOW, connected, pull

SCOPE = {"behind": {"repo": "acme/app", "milestone": "Behind"}}


class RememberingCaller(Caller):
    """Remembers everything."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Remembered] = {}

    def remembered(self, address: str, credential: str) -> Remembered | None:
        return self.known.get((address, credential))

    def remember(self, address: str, credential: str, answer: Remembered) -> None:
        self.known[address, credential] = answer


@dataclass
class Terse:
    """GitHub, whose answers of status 304 may lack the Link header."""

    site: GithubSite
    links: bool = True

    def respond(self, request: Request) -> Response:
        answer = self.site.respond(request)
        if answer.status != 304 or self.links:
            return answer
        return replace(answer, headers={name: value for name, value in answer.headers.items() if name != "Link"})


@dataclass
class Played:
    """A repository with a hundred milestones, a connector that remembers, and what its server was asked."""

    world: GithubWorld
    site: Terse
    server: Server
    connector: GithubMilestones

    def found(self) -> int:
        """Return how many milestones "Behind" a new pull finds; leave its requests in the log."""
        self.server.log.clear()
        return len(pull(self.connector, SCOPE).containers)

    def asked(self) -> list[int]:
        """Return the status of each request of the last pull."""
        return [each.status for each in self.server.log]

    def add(self, title: str, *, items: int = 0) -> None:
        """Add a milestone, the last of the list, with issues."""
        made = self.world.add_milestone(self.world.repositories[0], title, at=NOW)
        for _ in range(items):
            self.world.add_issue(made.repository, "An issue", at=NOW, milestone=made)


@pytest.fixture(params=[True, False], ids=["linked", "terse"])
def play(request: pytest.FixtureRequest) -> Iterator[Played]:
    world = GithubWorld()
    world.add_repository("acme/app", at=NOW)
    site = Terse(GithubSite(world, lambda: NOW, token=TOKEN), request.param)
    with Server(site) as server, connected(server.url, RememberingCaller(), api="rest") as connector:
        played = Played(world, site, server, connector)
        for number in range(100):
            played.add(f"One of many {number}")
        yield played


def test_a_page_that_comes_behind_a_full_one_is_found(play: Played) -> None:
    """The full page's rows, and so its ETag, stay what they were.

    Red where the remembered link counts: the milestone and its issue are never seen. Without a link in the answer the
    full page is asked for once more.
    """
    assert play.found() == 0
    play.add("Behind", items=1)
    assert play.found() == 1
    assert play.asked() == ([304, 200, 200] if play.site.links else [304, 200, 200, 200])


def test_a_page_that_is_not_full_is_the_last_one_without_a_link(play: Played) -> None:
    play.add("Behind", items=1)
    assert play.found() == 1
    assert play.asked() == [200, 200, 200]
    assert play.found() == 1
    assert play.asked() == [304, 304, 304]


def test_a_last_page_that_is_no_more_is_not_asked_from_memory(play: Played) -> None:
    play.add("Behind", items=1)
    assert play.found() == 1
    play.world.delete(play.world.milestones[-1], at=NOW)
    assert play.found() == 0
