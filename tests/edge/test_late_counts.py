"""Counts of Jira that lag behind its lists, and lists that move between two pages: no issue is lost for either."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from okr_sync.sandbox.server import Request, Response
from tests.edge.large_trackers import LargeJira
from tests.edge.sync_trackers import Counts, Watched, counts, states, watching
from tests.edge.test_resuming import break_after, go_on, told, whole

Flavour = Literal["cloud", "dc"]
KINDS = pytest.mark.parametrize("kind", ["cloud", "dc"])


class Miscounting:
    """A site whose counts are those that `wrong` makes of them, for each answer with a count; `count` is how many."""

    def __init__(self, site: Any, wrong: Callable[[int, Any], int]) -> None:
        self.site = site
        self.count = 0
        self._wrong = wrong

    def respond(self, request: Request) -> Response:
        """Return the site's answer with its count made wrong."""
        answer: Response = self.site.respond(request)
        said: Any = json.loads(answer.body) if answer.status == 200 else None
        name = next((each for each in ("total", "count") if isinstance(said, dict) and each in said), None)
        if name is None:
            return answer
        self.count += 1
        told = {**said, name: max(0, self._wrong(said[name], said))}
        return replace(answer, body=json.dumps(told).encode())


class Moving:
    """A site in which something happens once it has answered `after` searches."""

    def __init__(self, site: Any, after: int, deed: Callable[[], None]) -> None:
        self.site = site
        self.after = after
        self._deed = deed

    def respond(self, request: Request) -> Response:
        """Return the site's answer, and let it happen."""
        answer: Response = self.site.respond(request)
        self.after -= b'"jql"' in request.body
        if self.after == 0 and b'"jql"' in request.body:
            self._deed()
        return answer


WRONG: dict[str, Callable[[int, Any], int]] = {
    "one too few": lambda right, _: right - 1,
    "far too few": lambda right, _: right // 2,
    "none": lambda _, __: 0,
    "what the page holds": lambda right, said: (
        said.get("startAt", 0) + len(said["issues"]) if "issues" in said else right
    ),
    "one too many": lambda right, _: right + 1,
}


def check_kept(home: Watched, report: Any, before: dict[str, Counts | None]) -> None:
    """Assert that each number is true and fresh, or that of before and stale."""
    truth = home.tracker.truth()
    for name, state in states(report).items():
        assert counts(state) == (before[name] if state.stale else truth[name]), name


@pytest.mark.parametrize("full", [True, False], ids=["full", "changed"])
@pytest.mark.parametrize("wrong", WRONG)
@KINDS
def test_a_count_that_does_not_fit_its_list_takes_nothing_away(
    kind: Flavour, wrong: str, full: bool, tmp_path: Path
) -> None:
    """Issues are finished, deleted and made; then a run has wrong counts, and the next one right ones.

    Red on Data Center when a list ends where its count says so: what comes behind is missing.
    """
    with watching(LargeJira(kind), tmp_path) as home:  # type: ignore[arg-type] # it is like one
        home.sync()
        before = told(home.sync())
        assert before == home.tracker.truth()
        home.do(lambda tracker: tracker.finish_between())
        home.do(lambda tracker: tracker.delete_between())
        home.do(lambda tracker: tracker.move_between())
        site = Miscounting(home.tracker.site, WRONG[wrong])
        home.tracker.server.site = site
        home.pass_time(60)
        report = home.house.sync(full=full)
        check_kept(home, report, before)
        assert site.count > 0
        home.tracker.server.site = home.tracker.site
        home.pass_time(60)
        assert told(home.house.sync(retry=True)) == home.tracker.truth()


def swap(tracker: Any) -> None:
    """Delete an issue that is listed early and make one that is listed last: there are as many as before."""
    tracker.world.delete(tracker.stories[0][2], at=tracker.now)
    tracker.world.add_issue("BET", "New", at=tracker.now, parent=tracker.epics[-1])


@KINDS
def test_a_list_that_moved_between_two_parts_of_a_pull_is_read_anew(kind: Flavour, tmp_path: Path) -> None:
    """It is as long as before, and there is no mirror that knows what is skipped.

    Red on Data Center when only its length is compared: the issue between two pages is missing, and all is fresh.
    """
    with watching(LargeJira(kind), tmp_path) as home:  # type: ignore[arg-type] # it is like one
        needed = whole(home)
        break_after(home, round(needed * 0.5))
        home.pass_time(5)
        swap(home.tracker)
        report = go_on(home)
        assert report.collected[0].outcome == "ok"
        held = {id_ for each in report.collected[0].members for id_ in each.items}
        made = {each.id for some in home.tracker.stories for each in some if not each.latest("deleted")}
        assert made <= held, "nothing is skipped"
        assert report.collected[0].kept if kind == "cloud" else report.collected[0].kept is None
        assert told(go_on(home)) == home.tracker.truth()


@pytest.mark.parametrize("after", [2, 8, 10, 12])
@KINDS
def test_a_list_that_moves_while_it_is_read_loses_no_issue(kind: Flavour, after: int, tmp_path: Path) -> None:
    """In a first run; the next one has the truth. Red on Data Center when only its length is compared."""
    with watching(LargeJira(kind), tmp_path) as home:  # type: ignore[arg-type] # it is like one
        home.tracker.server.site = Moving(home.tracker.site, after, lambda: swap(home.tracker))
        report = home.house.sync()
        made = {each.id for some in home.tracker.stories for each in some if not each.latest("deleted")}
        held = {id_ for each in report.collected[0].members for id_ in each.items}
        assert report.collected[0].outcome == "failed" or made <= held
        assert home.tracker.server.site.after <= 0
        home.pass_time(60)
        assert told(home.house.sync(retry=True)) == home.tracker.truth()
