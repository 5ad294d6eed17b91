"""GitHub at the size of a company: requests against the least that the API allows, and correct to the item."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from math import ceil
from random import Random
from typing import Any

import pytest

from connectors.github_milestones import GithubMilestones
from okr_sync.connector import TransientError
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.github_generate import generate_github
from okr_sync.sandbox.github_truth import states_at
from okr_sync.sandbox.repositories import GithubWorld
from okr_sync.sandbox.server import Fault, Response, Server
from okr_sync.testing.delivery import TOKEN
from okr_sync.testing.pulled import Mirror, Pulled
from tests.contract.github_fixtures import NOW, START, PatientCaller, connected, pull

REPOSITORIES, MILESTONES, ITEMS = 30, 210, 3
LATER = NOW + timedelta(minutes=15)
FULL = ceil(REPOSITORIES / 100) + ceil(MILESTONES / 100)
QUIET = ceil(MILESTONES / 100)


class Company:
    """Many milestones on a server whose clock stands at `now`, and a connector to it."""

    def __init__(self) -> None:
        self.world = generate_github(
            3, repositories=REPOSITORIES, milestones=MILESTONES, items_per_milestone=ITEMS, now=NOW
        )
        self.now = NOW
        self.site = GithubSite(self.world, lambda: self.now, token=TOKEN)
        self.server = Server(self.site)
        self.scopes = {
            each.node_id: {"repo": each.repository.full_name, "milestone": each.number}
            for each in self.world.milestones
        }

    def pull(self, cursor: str | None = None, caller: PatientCaller | None = None) -> tuple[Pulled, int]:
        """Return a checked pull and its requests, by a connector of its own: nothing is remembered but the cursor."""
        self.server.forget()
        with connected(self.server.url, caller or PatientCaller(4), labels=False) as connector:
            pulled = pull(connector, self.scopes, cursor, self.now)
        return pulled, len(self.server.log)

    def live(self, share: float) -> None:
        """Let each of these happen to a share of the milestones: an issue closes, reopens, moves, is deleted."""
        dice = Random(5)
        for milestone in dice.sample(self.world.milestones, ceil(share * MILESTONES)):
            there = states_at(self.world, self.now)
            inside = {id_ for id_, was in there.items() if was.milestone == milestone.node_id}
            items = [each for each in self.world.items if each.node_id in inside and not each.pull_request]
            for deed, item in zip((self._turn, self._move, self._delete), items, strict=False):
                deed(item)

    def _turn(self, item: Any) -> None:
        was = states_at(self.world, self.now)[item.node_id]
        act = self.world.close if was.state == "open" else self.world.reopen
        act(item, at=self.now)

    def _move(self, item: Any) -> None:
        near = [each for each in self.world.milestones if each.repository is item.repository]
        self.world.set_milestone(item, near[-1], at=self.now)

    def _delete(self, item: Any) -> None:
        self.world.delete(item, at=self.now)

    def truth(self) -> dict[str, dict[str, tuple[str, str | None]]]:
        """Return by milestone the state and resolution of each item in it."""
        told: dict[str, dict[str, tuple[str, str | None]]] = {each: {} for each in self.scopes}
        for id_, was in states_at(self.world, self.now).items():
            if was.milestone is not None:
                told[was.milestone][id_] = (was.state, was.resolution)
        return told


def held(mirror: Mirror, company: Company) -> dict[str, dict[str, tuple[str, str | None]]]:
    """Return what the mirror has in the form of the truth."""
    return {
        each: {id_: (item.state, item.resolution) for id_, item in mirror.held(each).items()} for each in company.scopes
    }


@pytest.fixture
def company() -> Iterator[Company]:
    """Yield a company on a running server."""
    made = Company()
    with made.server:
        yield made


def test_full_quiet_and_changed_runs_cost_the_least_and_are_right_to_the_item(company: Company) -> None:
    """Full: the lists and a hundred milestones a request; quiet: their counts; changed: one more, and looking up what
    left.
    """
    mirror = Mirror()
    first, full = company.pull()
    mirror.take(first)
    assert full <= 1.1 * FULL
    assert held(mirror, company) == company.truth()
    company.now = LATER
    quiet, spent = company.pull(first.cursor)
    assert spent == QUIET
    assert quiet.items == {}
    company.live(0.01)
    changed, spent = company.pull(quiet.cursor)
    mirror.take(changed)
    assert spent <= 1.5 * (QUIET + 1)
    assert 0 < len(changed.members) < MILESTONES / 10
    assert held(mirror, company) == company.truth()


def test_what_left_costs_one_request_and_one_for_its_repositories(company: Company) -> None:
    """Deleted items are asked for by id, a hundred at a time; that their repositories are seen in one more, without
    their milestones.

    Red when whole lists are read for it: a list of each hundred milestones of a repository.
    """
    first, _ = company.pull()
    there = states_at(company.world, NOW)
    gone = [each for each in company.world.items if each.node_id in there][:90]
    company.now = LATER
    for each in gone:
        company.world.delete(each, at=LATER)
    company.server.forget()
    with connected(company.server.url) as connector:
        looked = connector.look_up(frozenset(each.node_id for each in gone), first.items)
    known = [each.node_id for each in gone if each.node_id in first.items]
    assert looked.gone == frozenset(known)
    assert len(company.server.log) == 2
    assert not any("milestones" in json.loads(each.body)["query"] for each in company.server.log)


def test_one_deleted_milestone_leaves_the_others_unread(company: Company) -> None:
    """Its scope is resolved anew with the list of one repository; the others keep what is known of them.

    Red when a missing id makes `refresh` give up: all lists and all items are read again.
    """
    first, _ = company.pull()
    company.now = LATER
    lost = company.world.milestones[7]
    company.world.delete(lost, at=LATER)
    later, spent = company.pull(first.cursor)
    assert (spent, later.items) == (QUIET + 1, {})
    assert set(later.misses) == {lost.node_id}
    assert later.misses[lost.node_id].why == "not_found"
    assert later.scopes.keys() == company.scopes.keys() - {lost.node_id}


def test_a_renamed_repository_costs_nothing_more(company: Company) -> None:
    """Milestones are known by id: the old name goes on, and what is read again has the new one."""
    first, _ = company.pull()
    company.now = LATER
    home = company.world.milestones[0].repository
    company.world.rename(home, "acme/moved", at=LATER)
    later, spent = company.pull(first.cursor)
    assert (spent, later.misses) == (QUIET, {})
    assert later.containers[company.world.milestones[0].node_id].key == "acme/moved milestone 1"


@pytest.mark.parametrize("status", [502, 504])
@pytest.mark.parametrize("times", [1, 3])
def test_an_outage_costs_little_more_than_health(company: Company, status: int, times: int) -> None:
    """Three refusals, then well: 1.2 times the healthy requests and five, and the same facts."""
    company.server.inject(Fault("response", Response(status, b"<html>"), times=times))
    pulled, spent = company.pull(caller=PatientCaller())
    assert spent <= 1.2 * FULL + 5
    assert set(pulled.scopes) == set(company.scopes)
    assert all(members.whole for members in pulled.members.values())


def many_pages() -> GithubWorld:
    """Return a world of 10 milestones with 210 issues and 101 pull requests each."""
    world = GithubWorld()
    for number in range(2):
        repository = world.add_repository(f"acme/r{number}", at=START)
        for name in "abcde":
            milestone = world.add_milestone(repository, name, at=START)
            for each in range(210):
                world.add_issue(repository, f"i{each}", at=START, milestone=milestone)
            for each in range(101):
                world.add_pull_request(repository, f"p{each}", at=START, milestone=milestone)
    return world


def test_further_pages_of_many_milestones_are_asked_for_together() -> None:
    """The list, the first pages of all, the second ones of all, the third ones: four requests for 50 pages.

    Red when each further page is a request of its own: 32 requests.
    """
    world = many_pages()
    scopes = {each.node_id: {"repo": each.repository.full_name, "milestone": each.number} for each in world.milestones}
    with Server(GithubSite(world, lambda: NOW, token=TOKEN)) as server, connected(server.url) as connector:
        pulled = pull(connector, scopes)
        assert len(pulled.items) == 10 * 311
        assert all(members.whole for members in pulled.members.values())
        assert len(server.log) == 4


def small(milestones: int) -> tuple[GithubWorld, dict[str, dict[str, Any]]]:
    """Return a world of a few milestones in two repositories, and a scope for each."""
    world = generate_github(1, repositories=2, milestones=milestones, items_per_milestone=1, now=NOW)
    return world, {
        each.node_id: {"repo": each.repository.full_name, "milestone": each.number} for each in world.milestones
    }


def test_a_silent_answer_halves_the_question() -> None:
    """A time-out is what GitHub's own ten seconds look like through a proxy: half is asked for.

    Red when only 502 and 504 count as too much.
    """
    world, scopes = small(12)
    with Server(GithubSite(world, lambda: NOW, token=TOKEN)) as server:
        server.inject(Fault("silence", skip=1, seconds=4))
        with connected(server.url, PatientCaller(), timeout=2) as connector:
            pulled = pull(connector, scopes)
        asked = [len(json.loads(each.body)["variables"].get("ids", ())) for each in server.log]
    assert asked[:2] == [0, 6]
    assert pulled.scopes.keys() == scopes.keys()


def test_a_spent_hour_waits_by_the_servers_clock() -> None:
    """The wait counts from GitHub's Date, weeks away from ours, also when some points remain, too few for the question.

    Red when only a remainder of zero counts, and when our own clock does.
    """
    world, scopes = small(4)
    site = GithubSite(world, lambda: NOW, token=TOKEN, graphql_limit=2)
    with Server(site) as server, connected(server.url) as connector, pytest.raises(TransientError) as caught:
        pull(connector, scopes)
    assert caught.value.retry_after == 3600.0
    assert site.limits.windows["graphql"].remaining == 1


@pytest.mark.parametrize("api", ["graphql", "rest"])
def test_letters_that_are_no_utf_8_are_refused(company: Company, api: str) -> None:
    """A broken title is not mended with question marks.

    Red when the text is decoded by PyGithub.
    """
    company.server.inject(Fault("response", Response(200, b'{"data": {"r0": "\xff"}}')))
    with connected(company.server.url, api=api) as connector, pytest.raises(Exception, match="not JSON"):
        pull(connector, dict(list(company.scopes.items())[:1]))


def test_an_answer_still_in_the_making_is_transient(company: Company) -> None:
    """202 is not waited for inside of PyGithub, which asks every two seconds for ever."""
    company.server.inject(Fault("response", Response(202), times=100))
    with connected(company.server.url, api="rest") as connector, pytest.raises(TransientError, match="202"):
        pull(connector, dict(list(company.scopes.items())[:1]))
    assert len(company.server.log) == 1


def test_the_largest_question_has_fewer_nodes_than_github_allows() -> None:
    """With labels and points a hundred milestones would ask for more than half a million nodes: fewer are asked for."""
    world = generate_github(2, repositories=10, milestones=100, items_per_milestone=1, now=NOW)
    scopes = {each.node_id: {"repo": each.repository.full_name, "milestone": each.number} for each in world.milestones}
    with Server(GithubSite(world, lambda: NOW, token=TOKEN)) as server:
        with connected(server.url, points_field="Estimate") as connector:
            assert isinstance(connector, GithubMilestones)
            assert set(pull(connector, scopes).scopes) == set(scopes)
        asked = [len(json.loads(each.body)["variables"].get("ids", ())) for each in server.log]
    assert asked == [0, 80, 20]
