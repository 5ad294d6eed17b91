"""Issues that stand far above the work, over real HTTP: all of it counts; what can be no hierarchy ends the pull."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edge.sync_play import entry_of
from tests.edge.sync_trackers import Counts, Jira, Watched, counts, states, watching


class Deep(Jira):
    """`levels` issues above Alpha, one above the other; the topmost and Alpha are what the config names."""

    def __init__(self, levels: int, *, both: bool = True) -> None:
        super().__init__("cloud")
        self.top = self.world.add_issue("ALP", "Top", at=self.now, type="Initiative")
        self.world.reparent(self.alpha, self.top, at=self.now)
        self.put_between(levels - 1)
        named = {"deep": self.top.key, "near": self.alpha.key} if both else {"deep": self.top.key}
        self.initiatives = {  # type: ignore[misc] # of this one alone
            name: {"delivery": [{"source": "tracker", "epics": [key]}]} for name, key in named.items()
        }

    def put_between(self, levels: int) -> None:
        """Put so many more issues between Alpha and what stands above it."""
        above = self.alpha.latest("parent")
        for _ in range(levels):
            above = self.world.add_issue("ALP", "Between", at=self.now, type="Initiative", parent=above).id
        self.world.reparent(self.alpha, above, at=self.now)

    def truth(self) -> dict[str, Counts]:
        alpha = super().truth()["alpha"]
        return dict.fromkeys(self.initiatives, alpha)


def told(home: Watched, *, full: bool = False) -> dict[str, Counts | None]:
    """Return the counts after a run an hour later."""
    home.pass_time(60)
    return {name: counts(state) for name, state in states(home.house.sync(full=full, retry=True)).items()}


@pytest.mark.parametrize("levels", [3, 12, 60])
def test_what_stands_far_below_counts_however_far(levels: int, tmp_path: Path) -> None:
    """Both ends are mapped, so that the work counts twice. Red with ten levels: the topmost has none of it."""
    with watching(Deep(levels), tmp_path) as home:
        assert told(home) == home.tracker.truth()
        home.do(lambda jira: jira.world.move(jira.open, "Done", at=jira.now, resolution="Done"))
        assert told(home) == home.tracker.truth()
        home.do(lambda jira: jira.story("ALP", jira.alpha))
        assert told(home, full=True) == home.tracker.truth()


@pytest.mark.parametrize("both", [True, False], ids=["read upwards", "read downwards"])
def test_more_levels_than_any_hierarchy_has_end_the_pull_and_keep_the_numbers(both: bool, tmp_path: Path) -> None:
    """Red without the limit downwards: a site that always names one more level is asked for ever. Red upwards with
    the limit and no error: the topmost has none of the work.
    """
    with watching(Deep(90, both=both), tmp_path) as home:
        before = told(home)
        assert before == home.tracker.truth()
        home.do(lambda jira: jira.put_between(20))
        home.do(lambda jira: jira.world.move(jira.open, "Done", at=jira.now, resolution="Done"))
        home.pass_time(60)
        report = home.house.sync(full=True)
        assert {name: counts(state) for name, state in states(report).items()} == before
        assert all(state.stale for state in states(report).values())
        entry = entry_of(report, "finish-deep")
        assert (entry.outcome, "more than 100 issues stand one above the other at ALP-" in entry.reason) == (
            "failed",
            True,
        )
        assert "correct the parents of these issues in Jira" in (entry.fix or "")
        assert len(home.tracker.server.log) < 350
        home.do(lambda jira: jira.world.reparent(jira.alpha, jira.top, at=jira.now))
        assert told(home) == home.tracker.truth()


@pytest.mark.parametrize("full", [True, False], ids=["full", "changed"])
def test_parents_in_a_ring_end_the_pull_and_count_once(full: bool, tmp_path: Path) -> None:
    """The topmost is put below what stands below it. Red when a walk does not remember where it was: it never ends."""
    with watching(Deep(4), tmp_path) as home:
        assert told(home) == home.tracker.truth()
        home.do(lambda jira: jira.world.reparent(jira.top, jira.alpha.latest("parent"), at=jira.now))
        home.do(lambda jira: jira.world.move(jira.open, "Done", at=jira.now, resolution="Done"))
        assert told(home, full=full) == home.tracker.truth()
