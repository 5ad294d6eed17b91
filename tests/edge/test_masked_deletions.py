"""Deletions in Jira for which its count is as it was, since an old issue came in: the next run misses what is gone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.edge.sync_trackers import Jira, Watched, counts, states, watching

Flavour = Literal["cloud", "dc"]
KINDS = pytest.mark.parametrize("kind", ["cloud", "dc"])
LEAST = 3  # what changed, how many there are, and once an hour the list of fields


class Near(Jira):
    """Beside the mapped epics a project OUT with an epic and old stories that nobody maps."""

    def stock(self) -> None:
        if "OUT" not in self.world.projects:
            self.world.add_project("OUT")
        super().stock()
        self.foreign = self.world.add_epic("OUT", "Foreign", at=self.now)
        self.loose = self.story("OUT", None)
        self.far = self.story("FAR", self.beta)


def delete(jira: Any) -> None:
    jira.world.delete(jira.done, at=jira.now)


def leave(jira: Any) -> None:
    """Take a mapped story out of its epic and of all projects that are counted."""
    jira.world.reparent(jira.done, None, at=jira.now)
    jira.world.change_project(jira.done, "OUT", at=jira.now)


COMING: dict[str, Callable[[Any], None]] = {
    "below a mapped epic": lambda jira: jira.world.reparent(jira.loose, jira.alpha, at=jira.now),
    "below an epic that nobody maps": lambda jira: jira.world.reparent(jira.loose, jira.foreign, at=jira.now),
    "into a project of epics": lambda jira: jira.world.change_project(jira.loose, "ALP", at=jira.now),
}


def check_true(home: Watched) -> None:
    """Assert that the next run has the truth, all of it fresh."""
    found = states(home.sync())
    assert {name: counts(state) for name, state in found.items()} == home.tracker.truth()
    assert not any(state.stale or state.suspect for state in found.values())


@pytest.mark.parametrize("going", [delete, leave])
@pytest.mark.parametrize("coming", COMING)
@KINDS
def test_what_goes_while_an_old_issue_comes_is_missed_by_the_next_run(
    kind: Flavour, coming: str, going: Callable[[Any], None], tmp_path: Path
) -> None:
    """Red when the logs of old issues that changed are not read: what went stays until the daily full reading."""
    with watching(Near(kind), tmp_path) as home:
        check_true(home)
        home.pass_time(60)
        home.do(going)
        home.do(COMING[coming])
        check_true(home)


@KINDS
def test_what_goes_while_a_hidden_issue_is_shown_again_is_missed_by_the_next_run(kind: Flavour, tmp_path: Path) -> None:
    """Red when issues that are shown again are not taken for a reason to look: they make up for what went."""
    with watching(Near(kind), tmp_path) as home:
        check_true(home)
        home.do(lambda jira: jira.world.hide_project("FAR", at=jira.now))
        home.sync()
        shown = [each for each in home.tracker.world.issues.values() if each.key.startswith("FAR-")]
        home.do(lambda jira: jira.world.show_project("FAR", at=jira.now))
        for story in [home.tracker.open, home.tracker.done, home.tracker.dropped][: len(shown)]:
            home.tracker.world.delete(story, at=home.tracker.now)
        check_true(home)


@KINDS
def test_what_goes_while_a_hidden_issue_is_moved_to_where_it_is_seen_is_missed_by_the_next_run(
    kind: Flavour, tmp_path: Path
) -> None:
    """It was known before, but not counted. Red when what is known counts as counted: what went stays, and is fresh."""
    with watching(Near(kind), tmp_path) as home:
        check_true(home)
        home.do(lambda jira: jira.world.hide_project("FAR", at=jira.now))
        home.sync()
        home.do(delete)
        home.do(lambda jira: [jira.world.change_project(each, "ALP", at=jira.now) for each in _first_of_far(jira)])
        found = states(home.sync())
        assert counts(found["alpha"]) == home.tracker.truth()["alpha"]
        assert (found["alpha"].stale, found["beta"].stale) == (False, True)
        home.do(lambda jira: jira.world.show_project("FAR", at=jira.now))
        check_true(home)


def _first_of_far(jira: Any) -> list[Any]:
    return [each for each in jira.world.issues.values() if each.key.startswith("FAR-")][:1]


@KINDS
def test_an_issue_hidden_by_a_security_level_looks_deleted_and_counts_again_when_it_is_back(
    kind: Flavour, tmp_path: Path
) -> None:
    """As the page says: Jira answers the same of both, so nothing could tell."""
    with watching(Near(kind), tmp_path) as home:
        home.tracker.world.add_level("Board", seen=False)
        check_true(home)
        before = home.tracker.truth()["alpha"]
        home.do(lambda jira: jira.world.protect(jira.done, "Board", at=jira.now))
        alpha = states(home.sync())["alpha"]
        assert (counts(alpha), alpha.stale) == ((before[0] - 1, *before[1:]), False)
        home.do(lambda jira: jira.world.protect(jira.done, None, at=jira.now))
        check_true(home)


@KINDS
def test_an_old_issue_that_only_changed_costs_one_request(kind: Flavour, tmp_path: Path) -> None:
    """It may have come, which its log tells. Red when all ids are listed to be sure; a quiet run asks for no log."""
    with watching(Near(kind), tmp_path) as home:
        check_true(home)
        assert home.sync().collected[0].requests == LEAST
        near = home.tracker.story("ALP", None)
        home.sync()
        home.sync()
        home.do(lambda jira: jira.world.edit(near, at=jira.now, summary="Another title"))
        assert home.sync().collected[0].requests == LEAST + 1
        home.do(lambda jira: jira.world.reparent(near, jira.foreign, at=jira.now))
        assert home.sync().collected[0].requests == LEAST + 1, "it was in a project of epics before"
        home.do(lambda jira: jira.world.move(jira.open, "Done", at=jira.now, resolution="Done"))
        assert home.sync().collected[0].requests == LEAST, "what is mapped was counted"
