"""What a tracker's own words are worth in a run: levels of any depth, numbers of projects, resolutions, sign-in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import pytest

from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.github_app import App
from okr_sync.sandbox.jira_catalogue import IssueType
from tests.edge.case_play import check_true, opened
from tests.edge.sync_play import START
from tests.edge.sync_trackers import Counts, Github, Jira, counts, states, watching

LEVELS = 4  # above the epics


class TallJira(Jira):
    """The epics stand below `LEVELS` issues, one above the other; the config names the highest."""

    initiatives: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
        {"tall": {"delivery": [{"source": "tracker", "epics": [f"FAR-{100 + LEVELS}"]}]}}
    )

    def __init__(self) -> None:
        super().__init__("cloud")
        below = self.alpha
        for level in range(2, LEVELS + 2):
            self.world.types.append(IssueType(f"102{level}", f"Ebene {level}", level))
            above = self.world.add_epic("FAR", "Higher", at=START, type=f"Ebene {level}", key=f"FAR-{99 + level}")
            self.world.reparent(below, above, at=START)
            if level == LEVELS:
                self.near_the_top = above
            below = above

    def truth(self) -> dict[str, Counts]:
        known = super().truth()
        is_below = self.beta.latest("parent") == self.near_the_top.id
        return {"tall": known["both"] if is_below else known["alpha"]}


def test_work_counts_however_many_levels_stand_above_it(tmp_path: Path) -> None:
    """Also an epic that is put below one of the higher levels later, and taken out again."""
    jira = TallJira()
    with opened(jira, tmp_path) as case:
        for above in (jira.near_the_top, None):
            before = jira.truth()
            case.pass_time(timedelta(minutes=1))
            jira.world.reparent(jira.beta, above, at=jira.now)
            assert jira.truth() != before
            check_true(case, case.run())
            case.finish_something()
            check_true(case, case.run())


class Weighed(Github):
    """A milestone whose issues weigh what a field of a project says."""

    initiatives: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
        {"alpha": {**Github.initiatives["alpha"], "weight_by": "points"}}
    )

    def truth(self) -> dict[str, Counts]:
        return {"alpha": super().truth()["alpha"]}


def test_a_number_of_a_project_is_the_weight_of_an_issue(tmp_path: Path) -> None:
    """What was dropped weighs nothing; a new estimate shows in a full reading. Red where the field is not asked for."""
    hub = Weighed("graphql")
    hub.settings = {**hub.settings, "points_field": "Estimate"}
    issues = [each for each in hub.world.items if each.repository is hub.home and not each.pull_request]
    for issue, points in zip(issues, (5, 8, 21, 0), strict=True):  # open, done, dropped, open
        hub.world.estimate(issue, points, at=hub.now)
    with watching(hub, tmp_path) as home:
        state = states(home.sync())["alpha"]
        assert (state.weight_done, state.weight_total) == (8.0, 13.0)
        hub.world.estimate(hub.open, 24, at=hub.now)
        home.pass_time(60)
        state = states(home.house.sync(full=True))["alpha"]
        assert (state.weight_done, state.weight_total, state.progress) == (8.0, 32.0, 0.25)


class Choosy(Jira):
    """One initiative drops what `Fixed` ended, and nothing else."""

    initiatives: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
        {"alpha": Jira.initiatives["alpha"], "chosen": {**Jira.initiatives["alpha"], "dropped": ["FIXED"]}}
    )


@pytest.mark.parametrize("kind", ["cloud", "dc"])
def test_what_counts_as_dropped_is_chosen_by_resolution(kind: Any, tmp_path: Path) -> None:
    """In any letter case; the list replaces the usual one, for its initiative alone."""
    jira = Choosy(kind)
    jira.story("ALP", jira.alpha, "Done", "Fixed")
    with watching(jira, tmp_path) as home:
        found = {name: counts(state) for name, state in states(home.sync()).items()}
        assert found == {"alpha": (2, 1, 1, 1), "chosen": (2, 1, 1, 1)}
        home.do(lambda tracker: tracker.story("ALP", tracker.alpha, "Done", "Fixed"))
        found = {name: counts(state) for name, state in states(home.sync()).items()}
        assert found == {"alpha": (3, 1, 1, 1), "chosen": (2, 1, 1, 2)}


@pytest.mark.parametrize("api", ["graphql", "rest"])
def test_an_app_s_token_that_ends_between_two_requests_of_a_run_is_renewed(api: Any, tmp_path: Path) -> None:
    """Each is good for a request or two: the run is whole. Red when a token is fetched once a process."""
    hub, app = Github(api), App(life=timedelta(seconds=20))
    hub.server.site = GithubSite(hub.world, lambda: hub.now, app=app)
    hub.settings = {
        "api": api, "app_id": app.app_id, "installation_id": app.installation_id, "private_key": "${TOKEN}",
        "full_every_hours": 100_000,
    }  # fmt: skip
    with watching(hub, tmp_path, token=app.private_key) as home:
        report = home.sync()
        assert {name: counts(state) for name, state in states(report).items()} == hub.truth()
        minted = sum(each.path.endswith("/access_tokens") for each in hub.server.log)
        assert minted > 1
        assert report.collected[0].requests == len(hub.server.log) == 2 * minted
