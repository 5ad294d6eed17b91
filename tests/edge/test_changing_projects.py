"""Fields of GitHub's projects that become others between two runs, over real HTTP: what items weigh stays the truth,
or it is said why not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from okr_sync.core.snapshot import InitiativeState
from okr_sync.sandbox.server import Request, Response, Site
from okr_sync.sync import RunReport
from tests.edge.sync_trackers import Github, Watched, states, watching
from tests.edge.test_sync_weights import Weighed

A_DAY = 25 * 60  # minutes, until everything is read anew
WHOLE = (8.0, 13.0, "points")
NONE_LEFT = (1.0, 3.0, "points; 3 items without points counted as 1")


class Refusing:
    """A site that refuses to tell of projects, once it is `refusing`, in GitHub's words to a classic token."""

    def __init__(self, site: Site) -> None:
        self.refusing = False
        self._site = site

    def respond(self, request: Request) -> Response:
        if not self.refusing or b"projectItems" not in request.body:
            return self._site.respond(request)
        said = "Your token has not been granted the required scopes: 'projectItems' requires ['read:project']."
        return Response.of({"errors": [{"type": "INSUFFICIENT_SCOPES", "message": said}]})


@contextmanager
def weighed(folder: Path, **settings: Any) -> Iterator[tuple[Watched, Weighed]]:
    """Follow issues that were read with points once: open 5, done 8, dropped 21, open 0."""
    hub = Weighed("graphql")
    hub.settings = {**hub.settings, "full_every_hours": 24, "points_field": "Estimate", **settings}
    issues = [each for each in hub.world.items if each.repository is hub.home and not each.pull_request]
    for issue, points in zip(issues, (5, 8, 21, 0), strict=True):
        hub.world.estimate(issue, points, at=hub.now)
    with watching(hub, folder) as home:
        assert weight(home.sync()) == WHOLE
        yield home, hub


def touch(hub: Github) -> None:
    """Let something happen in the milestone, so that its issues are read; nothing that counts."""
    hub.world.label(hub.open, "bug", at=hub.now)
    hub.world.close(hub.pull, at=hub.now)


def alpha(report: RunReport) -> InitiativeState:
    return states(report)["alpha"]


def weight(report: RunReport) -> tuple[float | None, float | None, str]:
    state = alpha(report)
    assert [each.outcome for each in report.collected] == ["ok"]
    assert not state.stale
    return state.weight_done, state.weight_total, state.policy


def check_kept(report: RunReport, why: str) -> None:
    """The weight is what it was, stale, and the source says why."""
    (collected,) = report.collected
    state = alpha(report)
    assert collected.outcome == "failed"
    assert why in str(collected.error)
    assert "projects" in str(collected.fix)
    assert ((state.weight_done, state.weight_total, state.policy), state.stale) == (WHOLE, True)


def _make_text(hub: Github) -> None:
    hub.world.projects.delete_field("Estimate", at=hub.now)
    hub.world.estimate(hub.done, "8", at=hub.now)


GONE: dict[str, Callable[[Github], None]] = {
    "renamed": lambda hub: hub.world.projects.rename_field("Estimate", "Size", at=hub.now),
    "deleted": lambda hub: hub.world.projects.delete_field("Estimate", at=hub.now),
    "made anew as text": _make_text,
}


@pytest.mark.parametrize("deed", GONE.values(), ids=GONE)
def test_what_is_read_after_its_field_is_gone_has_no_points_and_the_policy_says_so(
    deed: Callable[[Github], None], tmp_path: Path
) -> None:
    """What was read before keeps them until then; a text is no number. Seen red without the number of items in the
    policy, and where the text of a field is told as its number.
    """
    with weighed(tmp_path) as (home, _):
        home.do(deed)
        assert weight(home.sync(minutes=1)) == WHOLE
        home.do(touch)
        assert weight(home.sync(minutes=1)) == NONE_LEFT
        assert weight(home.sync(minutes=A_DAY)) == NONE_LEFT


def test_a_field_that_has_its_name_again_gives_its_points_back(tmp_path: Path) -> None:
    """Nothing was lost but for a while. Seen red where a field renamed back has lost its values in the sandbox."""
    with weighed(tmp_path) as (home, hub):
        home.do(GONE["renamed"])
        assert weight(home.sync(minutes=A_DAY)) == NONE_LEFT
        home.do(lambda _: hub.world.projects.rename_field("Size", "Estimate", at=hub.now))
        assert weight(home.sync(minutes=A_DAY)) == WHOLE


def test_a_second_project_that_contradicts_takes_points_away_and_the_policy_says_so(tmp_path: Path) -> None:
    """No number is preferred by chance; one that agrees changes nothing. Seen red where the last one counts."""
    with weighed(tmp_path) as (home, hub):
        home.do(lambda _: hub.world.estimate(hub.open, 5, at=hub.now, project=2))
        assert weight(home.sync(minutes=A_DAY)) == WHOLE
        home.do(lambda _: hub.world.estimate(hub.done, 3, at=hub.now, project=2))
        assert weight(home.sync(minutes=A_DAY)) == (2.5, 7.5, "points; 1 item without points counted as median 2.5")


def test_a_second_project_is_passed_over_where_the_first_is_named(tmp_path: Path) -> None:
    """Seen red where `project` is not looked at."""
    with weighed(tmp_path, project=1) as (home, hub):
        home.do(lambda _: hub.world.estimate(hub.done, 3, at=hub.now, project=2))
        assert weight(home.sync(minutes=A_DAY)) == WHOLE
        home.do(lambda _: hub.world.projects.hide(2, at=hub.now))
        assert weight(home.sync(minutes=A_DAY)) == WHOLE


def test_a_closed_project_weighs_as_before(tmp_path: Path) -> None:
    """GitHub tells its values as ever. Seen red where the sandbox hides a closed project."""
    with weighed(tmp_path) as (home, hub):
        home.do(lambda _: hub.world.projects.close(at=hub.now))
        assert weight(home.sync(minutes=A_DAY)) == WHOLE


def test_a_project_that_cannot_be_seen_any_more_takes_no_points_away(tmp_path: Path) -> None:
    """GitHub leaves it out. All is kept, with the next change as with the daily full reading, until it can be seen or
    somebody reads everything by hand. Seen red without the look at known projects, where they are not kept in the
    cursor, and where the daily full reading forgets them.
    """
    with weighed(tmp_path) as (home, hub):
        home.do(lambda _: hub.world.projects.hide(at=hub.now))
        assert weight(home.sync(minutes=1)) == WHOLE
        home.do(touch)
        check_kept(home.sync(minutes=1), "project 1, where points stand, can't be seen any more")
        check_kept(home.sync(minutes=A_DAY), "project 1, where points stand, can't be seen any more")
        home.do(lambda _: hub.world.projects.show(at=hub.now))
        assert weight(home.sync(minutes=1)) == WHOLE
        home.do(lambda _: hub.world.projects.hide(at=hub.now))
        home.pass_time(1)
        assert weight(home.house.sync(full=True)) == NONE_LEFT
        assert weight(home.sync(minutes=A_DAY)) == NONE_LEFT


def test_a_project_that_points_left_before_may_go(tmp_path: Path) -> None:
    """A full reading forgets projects that it found no number in. Seen red where what was known is never forgotten."""
    with weighed(tmp_path) as (home, hub):
        home.do(lambda _: hub.world.estimate(hub.open, 5, at=hub.now, project=2))
        assert weight(home.sync(minutes=A_DAY)) == WHOLE
        home.do(lambda _: hub.world.estimate(hub.open, None, at=hub.now, project=2))
        assert weight(home.sync(minutes=A_DAY)) == WHOLE
        home.do(lambda _: hub.world.projects.hide(2, at=hub.now))
        assert weight(home.sync(minutes=A_DAY)) == WHOLE


def test_a_token_that_may_read_no_projects_any_more_takes_no_points_away(tmp_path: Path) -> None:
    """GitHub says so. Seen red where that refusal is taken for an answer without parts."""
    with weighed(tmp_path) as (home, hub):
        site = hub.server.site = Refusing(hub.server.site)
        site.refusing = True
        check_kept(home.sync(minutes=A_DAY), "read:project")
        site.refusing = False
        assert weight(home.sync(minutes=1)) == WHOLE
