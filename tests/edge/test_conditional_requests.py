"""Runs by REST over real HTTP: what is as it was isn't sent again, and every number is that of a fresh store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from okr_sync.config import load
from okr_sync.core.facts import Collected
from okr_sync.sandbox.server import Fault, Request, Response, Site
from tests.edge.sync_play import House
from tests.edge.sync_trackers import TOKEN, Github, Watched, watching

OTHER = "another-token-of-the-sandbox"
LISTS = 2  # repositories


@dataclass
class Between:
    """Stands before the site: lets `OTHER` in, too, and may take headers off answers of status 304 or change tags."""

    site: Site
    dropped: str = ""
    tag: str = ""
    conditions: list[str | None] = field(default_factory=list)

    def respond(self, request: Request) -> Response:
        """Return what the site says."""
        self.conditions.append(request.headers.get("if-none-match"))
        said = request.headers.get("authorization", "").replace(OTHER, TOKEN)
        response = self.site.respond(replace(request, headers={**request.headers, "authorization": said}))
        if response.status != 304:
            return response
        kept = {name: value for name, value in response.headers.items() if name != self.dropped}
        return replace(response, headers=kept | ({"ETag": self.tag} if self.tag else {}))


@dataclass
class Played:
    """A followed GitHub that is asked by REST, with somebody in between."""

    home: Watched
    between: Between

    def sync(self, *, full: bool = False) -> Collected:
        """Return what the source brought in an incremental run an hour later, checked against a fresh store."""
        self.home.pass_time(60)
        self.between.conditions.clear()
        report = self.home.house.sync(full=full)
        found = {
            each.id: (each.done, each.in_progress, each.open, each.dropped) for each in report.snapshot.initiatives
        }
        assert found == self.home.tracker.truth()
        return report.collected[0]


@contextmanager
def playing(folder: Path, **settings: float) -> Iterator[Played]:
    """Yield it before anything was asked."""
    tracker = Github("rest")
    tracker.settings = {**tracker.settings, **settings}
    between = Between(tracker.server.site)
    tracker.server.site = between
    with watching(tracker, folder) as home:
        yield Played(home, between)


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Played]:
    with playing(tmp_path) as play:
        yield play


def test_a_quiet_run_brings_no_bytes(play: Played) -> None:
    """Red where the connector remembers nothing: both lists are sent again."""
    first = play.sync()
    assert (first.not_modified, (first.received or 0) > 0) == (0, True)
    before = play.home.house.tables()
    quiet = play.sync()
    print(f"received: {first.received} full, {quiet.received} quiet")  # noqa: T201 -- shown by `pytest -rP`
    assert (quiet.requests, quiet.not_modified, quiet.received, quiet.points) == (LISTS, LISTS, 0, None)
    assert play.home.house.tables() == before


def test_what_changed_is_read_and_the_rest_is_not(play: Played) -> None:
    play.sync()
    play.home.do(lambda tracker: tracker.world.close(tracker.open, at=tracker.now))
    changed = play.sync()
    assert (changed.requests, changed.not_modified) == (LISTS + 1, 1)
    assert play.sync().not_modified == LISTS


def test_a_full_reading_now_and_then_costs_no_bytes_either(tmp_path: Path) -> None:
    with playing(tmp_path, full_every_hours=0.5) as play:
        play.sync()
        again = play.sync()
    assert (again.requests, again.not_modified, again.received) == (2 * LISTS, 2 * LISTS, 0)


def test_full_asks_for_all_that_there_is(play: Played) -> None:
    """Red where what is remembered is believed in a full run, too."""
    play.sync()
    assert play.sync(full=True).not_modified == 0
    assert play.between.conditions == [None] * 2 * LISTS
    assert play.sync().not_modified == LISTS


def test_another_token_never_asks_by_the_etags_of_the_first(play: Played) -> None:
    """Here the tags of both are equal, as by a cache in between. Red without the comparison of credentials."""
    play.sync()
    house = play.home.house
    told = load(house.store.path.parent, {"TOKEN": OTHER}, None)
    play.home.house = House(told, house.store, house.now)
    assert play.sync().not_modified == 0
    assert set(play.between.conditions) == {None}
    assert play.sync().not_modified == LISTS


def test_an_answer_about_another_body_is_not_believed_and_asked_for_once_more(play: Played) -> None:
    """Red without the comparison of tags: two requests, and whatever was remembered counts."""
    play.sync()
    play.between.tag = 'W/"of-something-else"'
    asked = play.sync()
    assert (asked.requests, asked.not_modified) == (2 * LISTS, LISTS)
    assert play.between.conditions.count(None) == LISTS


def test_a_strong_tag_that_was_made_weak_on_the_way_is_the_same(play: Played) -> None:
    play.sync()
    play.between.dropped = "ETag"  # a server may leave it out of a 304
    assert play.sync().requests == LISTS


def test_a_failed_run_remembers_nothing(play: Played) -> None:
    """Red where answers are saved whatever became of the run."""
    play.home.tracker.server.inject(Fault("response", Response(400), where="/acme/alpha/issues"))
    play.home.pass_time(60)
    (brought,) = play.home.house.sync().collected
    assert brought.outcome == "failed"
    assert play.home.house.tables()["etags"] == []
