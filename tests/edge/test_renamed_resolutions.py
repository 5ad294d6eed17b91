"""Resolutions that get another name between two runs, over real HTTP: dropped work never silently counts as done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from okr_sync.core.definition import define
from okr_sync.core.facts import Collected
from okr_sync.sandbox.server import Request, Response, Site
from okr_sync.sync import RunReport
from tests.edge.case_play import opened
from tests.edge.sync_trackers import Jira, Watched, counts, states, watching

Flavour = Literal["cloud", "dc"]
KINDS = pytest.mark.parametrize("kind", ["cloud", "dc"])
OLD, NEW = "Won't Do", "Shelved"
A_DAY = 25 * 60  # minutes, until everything is read anew


class Renaming:
    """A site whose resolutions have the names `now` instead of their own; no issue changes by that."""

    def __init__(self, site: Site) -> None:
        self.now: Mapping[str, str] = {}
        self._site = site

    def respond(self, request: Request) -> Response:
        answer = self._site.respond(request)
        body = answer.body
        for old, new in self.now.items():
            # Statuses have such names, too, but no description right behind them.
            for rest in (b', "description": ""', b',"description":""'):
                body = body.replace(f'"{old}"'.encode() + rest, f'"{new}"'.encode() + rest)
        return replace(answer, body=body)


@contextmanager
def followed(jira: Jira, folder: Path, full_every_hours: float = 24) -> Iterator[tuple[Watched, Renaming]]:
    """Follow a site that was read once, and is read as a whole once a day, or as seldom as is said."""
    site = jira.server.site = Renaming(jira.server.site)
    jira.settings = {**jira.settings, "full_every_hours": full_every_hours}
    with watching(jira, folder) as home:
        home.sync()
        yield home, site


def touch(jira: Jira) -> None:
    """Change what was dropped, but for its state and resolution."""
    jira.world.edit(jira.dropped, at=jira.now, points=5.0)


def _tracker(report: RunReport) -> Collected:
    return next(each for each in report.collected if each.source == "tracker")


def check_true(report: RunReport, jira: Jira) -> None:
    assert _tracker(report).outcome == "ok"
    assert {name: counts(each) for name, each in states(report).items()} == jira.truth()
    assert not any(each.stale for each in states(report).values())


def check_refused(report: RunReport, jira: Jira, old: str = OLD, new: str = NEW) -> None:
    """All have what they had, stale, and the source says what to do."""
    collected = _tracker(report)
    assert collected.outcome == "failed"
    assert f"the resolution {old!r} is called {new!r} now, as issue" in str(collected.error)
    assert "let each `dropped` that names the one name the other, too" in str(collected.fix)
    assert {name: counts(each) for name, each in states(report).items()} == jira.truth()
    assert all(each.stale for each in states(report).values())


@KINDS
def test_dropped_work_is_not_done_since_its_resolution_has_another_name(kind: Flavour, tmp_path: Path) -> None:
    """What did not change counts as before. With a change, and with the daily full reading, the source fails until
    the old name is back. Seen red without the names in the cursor: what was dropped is done from the first change on.
    """
    with followed(jira := Jira(kind), tmp_path) as (home, site):
        site.now = {OLD: NEW}
        check_true(home.sync(minutes=1), jira)
        home.do(touch)
        check_refused(home.sync(minutes=1), jira)
        check_refused(home.sync(minutes=A_DAY), jira)
        site.now = {}
        check_true(home.sync(minutes=1), jira)


@KINDS
def test_the_daily_full_reading_knows_former_names(kind: Flavour, tmp_path: Path) -> None:
    """Also where no issue changed since. Seen red without a look at the cursor before everything is read anew."""
    with followed(jira := Jira(kind), tmp_path) as (home, site):
        site.now = {OLD: NEW}
        check_refused(home.sync(minutes=A_DAY), jira)
        check_refused(home.sync(minutes=1), jira)


def test_work_that_was_done_is_not_dropped_since_its_resolution_has_another_name(tmp_path: Path) -> None:
    """A name that drops. Seen red without the names in the cursor: the story is dropped with the full reading."""
    with followed(jira := Jira("cloud"), tmp_path) as (home, site):
        site.now = {"Done": "Won't Fix"}
        check_refused(home.sync(minutes=A_DAY), jira, "Done", "Won't Fix")


def test_names_in_another_language_are_other_names(tmp_path: Path) -> None:
    """The account's language changes all at once. Seen red without the names in the cursor."""
    with followed(jira := Jira("cloud"), tmp_path) as (home, site):
        site.now = {OLD: "Wird nicht erledigt", "Duplicate": "Duplikat"}
        check_refused(home.sync(minutes=A_DAY), jira, OLD, "Wird nicht erledigt")


def test_another_letter_case_is_the_same_name(tmp_path: Path) -> None:
    """`dropped` does not heed it either. Seen red without `casefold` where names are compared."""
    with followed(jira := Jira("cloud"), tmp_path) as (home, site):
        site.now = {OLD: "Won't do"}
        check_true(home.sync(minutes=A_DAY), jira)


def test_names_outlive_another_question_and_not_another_site(tmp_path: Path) -> None:
    """Ids of another site are those of other resolutions. Seen red where only a cursor that fits the question is looked
    at, and where the site's address is not.
    """
    jira = Jira("cloud")
    site = jira.server.site = Renaming(jira.server.site)
    with opened(jira, tmp_path) as case:
        check_true(case.run().report, jira)
        site.now = {OLD: NEW}
        check_refused(case.run(points_field="Story Points").report, jira)
        elsewhere = case.run(url=jira.server.url.replace("127.0.0.1", "localhost"), allow_hosts=["localhost"])
        assert _tracker(elsewhere.report).outcome == "ok"


def dropping(home: Watched, *names: str) -> None:
    """Let all initiatives drop these resolutions."""
    config, named = home.house.config, frozenset(map(str.casefold, names))
    initiatives = tuple(replace(each, dropped=named) for each in config.book.initiatives)
    home.house.config = replace(config, book=define(replace(config.book, initiatives=initiatives)))


@KINDS
def test_once_each_dropped_names_both_the_next_run_reads_all_by_the_names_of_today(
    kind: Flavour, tmp_path: Path
) -> None:
    """Nobody has to ask for it, and the former name may go from `dropped` after that run: no item has it any more.

    Seen red with a cursor that stays when a name was taken: what did not change counts as done without the former name.
    """
    jira = Jira(kind)
    jira.story("ALP", jira.alpha, "Done", OLD)  # which nobody touches
    with followed(jira, tmp_path, full_every_hours=1e6) as (home, site):
        site.now = {OLD: NEW}
        home.do(touch)
        check_refused(home.sync(minutes=1), jira)
        dropping(home, OLD, NEW, "Duplicate")
        check_true(home.sync(minutes=1), jira)
        check_true(home.sync(minutes=1), jira)
        dropping(home, NEW, "Duplicate")
        check_true(home.sync(minutes=1), jira)
        check_true(home.sync(minutes=A_DAY), jira)


@KINDS
def test_a_new_name_by_which_all_counts_as_before_stops_nothing(kind: Flavour, tmp_path: Path) -> None:
    """With a change, with the daily reading, and where what is renamed is dropped by both names.

    Seen red where any new name is refused.
    """
    with followed(jira := Jira(kind), tmp_path) as (home, site):
        site.now = {"Done": "Finished", OLD: "Won't Fix"}
        check_true(home.sync(minutes=A_DAY), jira)
        site.now = {"Done": "Completed"}
        home.do(lambda jira: jira.world.edit(jira.done, at=jira.now, points=5.0))
        check_true(home.sync(minutes=1), jira)


def test_a_new_name_is_refused_while_any_initiative_would_count_otherwise(tmp_path: Path) -> None:
    """Seen red where only the first set of dropped names is looked at."""
    with followed(jira := Jira("cloud"), tmp_path) as (home, site):
        [first, *others] = home.house.config.book.initiatives
        kept = replace(first, dropped=first.dropped | {NEW.casefold()})
        home.house.config = replace(
            home.house.config, book=define(replace(home.house.config.book, initiatives=(kept, *others)))
        )
        site.now = {OLD: NEW}
        check_refused(home.sync(minutes=A_DAY), jira)
