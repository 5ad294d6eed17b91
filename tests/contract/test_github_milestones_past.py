"""What GitHub's events tell of the past: milestones by titles of their day, endings, transfers, in few requests."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Literal

import pytest

from connectors.github_past import Happening, Holder, Story, Titles, read_transitions
from okr_sync.connector import Transition, WorkItem
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.repositories import GithubWorld, Item, Milestone, Repository
from okr_sync.sandbox.server import Server
from okr_sync.testing.delivery_world import TOKEN
from tests.contract.github_fixtures import START, PatientCaller, connected

_HOME = "acme/app"


def day(number: float) -> datetime:
    return START + timedelta(days=number)


class Home:
    """A repository with two milestones, and what its items tell at day 40."""

    def __init__(self) -> None:
        self.world = GithubWorld()
        self.repository: Repository = self.world.add_repository(_HOME, at=START)
        self.alpha = self.world.add_milestone(self.repository, "Alpha", at=START)
        self.beta = self.world.add_milestone(self.repository, "Beta", at=START)
        self.asked: list[str] = []

    def issue(self, milestone: Milestone | None = None, at: float = 1) -> Item:
        return self.world.add_issue(self.repository, "An issue", at=day(at), milestone=milestone)

    def put(self, item: Item, milestone: Milestone | None, at: float) -> None:
        self.world.set_milestone(item, milestone, at=day(at))

    def past(self, items: Iterable[Item], api: str, since: float = 0, **site: int) -> list[Transition]:
        """Return what is told since a day; `asked` has the requests for it."""
        now, caller = day(40), PatientCaller()
        with ExitStack() as stack:
            server = stack.enter_context(
                Server(GithubSite(self.world, lambda: now, token=TOKEN, too_big=site.get("too_big")))
            )
            plain = stack.enter_context(connected(server.url))
            connector = stack.enter_context(connected(server.url, caller, api=api))
            ids = frozenset(each.node_id for each in items)
            server.site.too_big, too_big = None, server.site.too_big  # type: ignore[attr-defined] # it is a GithubSite
            found = {item.id: item for item in plain.look_up(ids, {}).found}
            server.site.too_big = too_big  # type: ignore[attr-defined] # it is a GithubSite
            server.forget()
            told = [each for piece in connector.past(found, day(since), now) for each in piece]
            self.asked = [each.path for each in server.log]
        return told

    def containers(self, item: Item, told: Iterable[Transition]) -> list[tuple[str | None, str | None, datetime]]:
        """Return where the item was and went, by the present title."""
        titles = {self.alpha.node_id: "alpha", self.beta.node_id: "beta"}
        mine = [each for each in told if each.field == "container" and each.item == item.node_id]
        return [(titles.get(each.before or ""), titles.get(each.after or ""), each.at) for each in mine]


@pytest.fixture
def home() -> Home:
    return Home()


@pytest.fixture(params=["graphql", "rest"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_milestone_is_known_by_the_title_that_it_had_then(home: Home, api: str) -> None:
    """An item that left before the renaming is told by one that came in at that time and is still there."""
    left, stays = home.issue(), home.issue(home.alpha, at=2)
    home.put(left, home.alpha, at=3)
    home.put(left, None, at=5)
    home.world.retitle_milestone(home.alpha, "Renamed", at=day(10))
    told = home.past([left, stays], api)
    assert home.containers(left, told) == [(None, "alpha", day(3)), ("alpha", None, day(5))]
    assert home.containers(stays, told) == [(None, "alpha", day(2))]


def test_a_witness_may_be_an_item_that_nothing_happened_to(home: Home, api: str) -> None:
    """Items not touched since are asked for only when a title can't be explained without them."""
    left, stays = home.issue(home.alpha), home.issue(home.alpha)
    home.put(left, None, at=20)
    assert home.containers(left, home.past([left, stays], api, since=15)) == [("alpha", None, day(20))]
    plain = len(home.asked)
    home.world.retitle_milestone(home.alpha, "Renamed", at=day(30))
    assert home.containers(left, home.past([left, stays], api, since=15)) == [("alpha", None, day(20))]
    assert plain < len(home.asked) <= 2 * plain + 2


def test_a_title_used_again_means_whoever_had_it_then(home: Home, api: str) -> None:
    """Alpha was renamed and another milestone took its title: what left before is told of the first one."""
    left, old = home.issue(home.alpha), home.issue(home.alpha)
    home.put(left, None, at=5)
    home.world.retitle_milestone(home.alpha, "Renamed", at=day(10))
    home.world.retitle_milestone(home.beta, "Alpha", at=day(11))
    young = home.issue(home.beta, at=12)
    told = home.past([left, old, young], api)
    assert home.containers(left, told) == [(None, "alpha", day(1)), ("alpha", None, day(5))]
    assert home.containers(young, told) == [(None, "beta", day(12))]


def test_a_title_of_today_does_not_explain_what_was_before_its_milestone(home: Home, api: str) -> None:
    left = home.issue(home.alpha)
    home.put(left, None, at=5)
    home.world.delete(home.alpha, at=day(6))
    home.world.add_milestone(home.repository, "Alpha", at=day(8))
    assert [each for each in home.past([left], api) if each.field == "container"] == []


def test_a_milestone_of_today_explains_what_left_it(home: Home, api: str) -> None:
    """Nothing is in it any more: then the list of milestones knows its title."""
    left = home.issue(home.alpha)
    home.put(left, None, at=5)
    assert home.containers(left, home.past([left], api)) == [(None, "alpha", day(1)), ("alpha", None, day(5))]


def test_into_another_milestone_is_one_change(home: Home, api: str) -> None:
    item = home.issue(home.alpha)
    home.put(item, home.beta, at=5)
    assert home.containers(item, home.past([item], api)) == [(None, "alpha", day(1)), ("alpha", "beta", day(5))]


def test_a_transferred_issue_comes_from_nowhere(home: Home, api: str) -> None:
    """Elsewhere it was another issue, which may have been counted there: its milestones stay there, its state comes."""
    elsewhere = home.world.add_repository("acme/other", at=START)
    first = home.world.add_milestone(elsewhere, "Alpha", at=START)  # the same title as here
    issue = home.world.add_issue(elsewhere, "An issue", at=day(1), milestone=first)
    home.world.close(issue, "not_planned", at=day(2))
    home.world.reopen(issue, at=day(3))
    moved = home.world.transfer(issue, home.repository, at=day(4))
    home.put(moved, home.beta, at=5)
    told = home.past([moved], api)
    assert home.containers(moved, told) == [(None, "beta", day(5))]
    states = [(each.before, each.after, each.at) for each in told if each.field == "state"]
    assert states == [("open", "done", day(2)), ("done", "open", day(3))]


def test_a_merge_is_one_ending(home: Home, api: str) -> None:
    merged = home.world.add_pull_request(home.repository, "Fix", at=day(1), milestone=home.alpha)
    home.world.close(merged, at=day(2))
    home.world.reopen(merged, at=day(3))
    home.world.merge(merged, at=day(4))
    told = [each for each in home.past([merged], api) if each.field == "resolution"]
    assert [(each.before, each.after, each.at) for each in told] == [
        (None, "unmerged", day(2)), ("unmerged", None, day(3)), (None, "merged", day(4)),
    ]  # fmt: skip


def test_more_events_than_a_page_are_all_told(home: Home, api: str) -> None:
    item = home.issue(home.alpha)
    for step in range(130):
        act = home.world.close if step % 2 == 0 else home.world.reopen
        act(item, at=day(2) + timedelta(hours=step))
    told = home.past([item], api)
    assert len([each for each in told if each.field == "state"]) == 130
    assert len(home.asked) == (2 if api == "graphql" else 1 + 2)


def test_a_hundred_items_are_one_request(home: Home) -> None:
    items = [home.issue(home.alpha) for _ in range(250)]
    assert len(home.past(items, "graphql")) == 250
    assert len(home.asked) == 3


def test_what_github_can_not_bear_is_asked_for_in_halves(home: Home) -> None:
    """502 for more than thirty items with their milestones: half, half again, once more the rest, then that half."""
    items = [home.issue(home.alpha) for _ in range(200)]
    assert len(home.past(items, "graphql", too_big=60)) == 200
    assert len(home.asked) == 2 + 1 + 200 / 25


def story(*happenings: tuple[int, str, str | None], holder: str | None = None) -> Story:
    held = Holder(holder, holder.title(), day(0)) if holder else None
    told = tuple(Happening(day(at), kind, value) for at, kind, value in happenings)  # type: ignore[arg-type] # words of the tests
    return Story("I", _HOME, told, held)


def read(told: Story, state: Literal["open", "done"] = "open", resolution: str | None = None) -> list[tuple[str, ...]]:
    titles = Titles()
    for title in ("Alpha", "Beta"):
        titles.add(_HOME, Holder(title.lower(), title, day(0)))
    item = WorkItem("I", f"{_HOME}#1", "", "", "issue", state, resolution)
    return [(each.field, each.before or "-", each.after or "-") for each in read_transitions(item, told, titles)]


@pytest.mark.parametrize("order", [1, -1])
def test_out_and_in_of_one_second_have_no_order(order: int) -> None:
    pair = [(5, "demilestoned", "Alpha"), (5, "milestoned", "Beta")][::order]
    told = read(story((1, "milestoned", "Alpha"), *pair, holder="beta"))
    assert told == [("container", "-", "alpha"), ("container", "alpha", "beta")]


def test_out_told_after_in_takes_nothing_away() -> None:
    told = read(story((1, "milestoned", "Alpha"), (5, "milestoned", "Beta"), (6, "demilestoned", "Alpha")))
    assert told == [("container", "-", "alpha"), ("container", "alpha", "beta")]


def test_what_can_not_be_explained_is_nowhere() -> None:
    """A title that nobody knows is no container, and to leave it is still to leave."""
    assert read(story((1, "milestoned", "Gone"), (2, "demilestoned", "Gone"))) == []
    told = read(story((1, "milestoned", "Alpha"), (2, "demilestoned", "Gone")))
    assert told == [("container", "-", "alpha"), ("container", "alpha", "-")]


def test_a_corrected_reason_is_the_reason() -> None:
    """The reason of the last closing is the issue's own; one without a reason was done all the same."""
    closing = story((1, "closed", "completed"))
    assert read(closing, "done", "not_planned") == [("state", "open", "done"), ("resolution", "-", "not_planned")]
    assert read(closing, "done") == [("state", "open", "done")]
    again = story((1, "closed", None), (2, "reopened", None))
    assert read(again)[1::2] == [("resolution", "-", "completed"), ("resolution", "completed", "-")]
