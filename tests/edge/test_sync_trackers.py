"""Whatever happens in a tracker between two runs, the second run counts what is true, or says that it can't know."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from okr_sync.core.snapshot import InitiativeState
from tests.edge.sync_play import START
from tests.edge.sync_trackers import Counts, Github, Jira, Kind, Watched, counts, states, watched, watching

Deed = Callable[[Any], Any]


def swap_states(hub: Github) -> None:
    """Close one issue and reopen another: all counts stay the same."""
    hub.world.close(hub.open, at=hub.now)
    hub.world.reopen(hub.done, at=hub.now)


def swap_members(hub: Github) -> None:
    """Take an issue out and put a closed one in: the number of items stays the same."""
    hub.world.set_milestone(hub.open, None, at=hub.now)
    hub.world.close(hub.issue(hub.alpha), at=hub.now)


def rename_and_finish(hub: Github) -> None:
    hub.world.rename(hub.home, "other/omega", at=hub.now)
    hub.world.close(hub.open, at=hub.now)


JIRA_DEEDS: dict[str, Callable[[Jira], Any]] = {
    "done": lambda jira: jira.world.move(jira.open, "Done", at=jira.now, resolution="Done"),
    "done without a resolution": lambda jira: jira.world.move(jira.open, "Done", at=jira.now),
    "started": lambda jira: jira.world.move(jira.open, "In Progress", at=jira.now),
    "reopened": lambda jira: jira.world.move(jira.done, "To Do", at=jira.now),
    "will not be done": lambda jira: jira.world.move(jira.open, "Done", at=jira.now, resolution="Won't Do"),
    "a duplicate": lambda jira: jira.world.move(jira.open, "Closed", at=jira.now, resolution="Duplicate"),
    "taken up again": lambda jira: jira.world.move(jira.dropped, "In Progress", at=jira.now),
    "moved to another epic": lambda jira: jira.world.reparent(jira.done, jira.beta, at=jira.now),
    "moved with its sub-tasks": lambda jira: jira.world.reparent(jira.split, jira.alpha, at=jira.now),
    "moved to another project": lambda jira: jira.world.change_project(jira.done, "FAR", at=jira.now),
    "moved with its sub-tasks to another project": lambda jira: jira.world.change_project(
        jira.split, "ALP", at=jira.now
    ),
    "taken out of its epic": lambda jira: jira.world.reparent(jira.done, None, at=jira.now),
    "deleted": lambda jira: jira.world.delete(jira.done, at=jira.now),
    "deleted with its sub-tasks": lambda jira: jira.world.delete(jira.split, at=jira.now),
    "re-estimated": lambda jira: jira.world.edit(jira.done, at=jira.now, points=13.0),
    "no longer estimated": lambda jira: jira.world.edit(jira.done, at=jira.now, points=None),
    "a new story": lambda jira: jira.world.add_issue("FAR", "New", at=jira.now, parent=jira.beta, points=1.0),
    "an old story put in": lambda jira: jira.story("BET", jira.alpha),
    "a sub-task done": lambda jira: jira.world.move(jira.part, "Done", at=jira.now, resolution="Done"),
    "a sub-task reopened": lambda jira: jira.world.move(jira.ready, "To Do", at=jira.now),
    "a first sub-task": lambda jira: jira.world.add_subtask(jira.open, "Part", at=jira.now),
    "a further sub-task": lambda jira: jira.world.add_subtask(jira.split, "Part", at=jira.now),
    "a sub-task deleted": lambda jira: jira.world.delete(jira.part, at=jira.now),
    "a sub-task moved": lambda jira: jira.world.reparent(jira.part, jira.open, at=jira.now),
    "the epic closed": lambda jira: jira.world.move(jira.alpha, "Done", at=jira.now, resolution="Done"),
    "the epic in another project": lambda jira: jira.world.change_project(jira.alpha, "FAR", at=jira.now),
}

GITHUB_DEEDS: dict[str, Callable[[Github], Any]] = {
    "done": lambda hub: hub.world.close(hub.open, at=hub.now),
    "not planned": lambda hub: hub.world.close(hub.open, "not_planned", at=hub.now),
    "a duplicate": lambda hub: hub.world.close(hub.open, "duplicate", at=hub.now),
    "reopened": lambda hub: hub.world.reopen(hub.done, at=hub.now),
    "moved to another milestone": lambda hub: hub.world.set_milestone(hub.done, hub.spare, at=hub.now),
    "taken out of its milestone": lambda hub: hub.world.set_milestone(hub.done, None, at=hub.now),
    "deleted": lambda hub: hub.world.delete(hub.done, at=hub.now),
    "transferred": lambda hub: hub.world.transfer(hub.done, hub.away, at=hub.now),
    "a new issue": lambda hub: hub.world.add_issue(hub.away, "New", at=hub.now, milestone=hub.beta),
    "one closed, another opened": swap_states,
    "one out, another in": swap_members,
    "merged": lambda hub: hub.world.merge(hub.pull, at=hub.now),
    "closed unmerged": lambda hub: hub.world.close(hub.pull, at=hub.now),
    "a new pull request": lambda hub: hub.world.add_pull_request(hub.home, "New", at=hub.now, milestone=hub.alpha),
    "the milestone closed": lambda hub: hub.world.close_milestone(hub.alpha, at=hub.now),
    "the milestone due earlier": lambda hub: hub.world.move_due(hub.alpha, START, at=hub.now),
    "the repository renamed": lambda hub: hub.world.rename(hub.home, "acme/omega", at=hub.now),
    "renamed, and then an issue done": rename_and_finish,
}
LOSSES: list[tuple[Kind, str, Deed, set[str]]] = [
    ("cloud", "items hidden", lambda jira: jira.world.hide_project("FAR", at=jira.now), {"alpha", "both", "leaves"}),
    ("dc", "items hidden", lambda jira: jira.world.hide_project("FAR", at=jira.now), {"alpha", "both", "leaves"}),
    ("cloud", "epic hidden", lambda jira: jira.world.hide_project("BET", at=jira.now), {"beta", "both", "leaves"}),
    ("dc", "epic hidden", lambda jira: jira.world.hide_project("BET", at=jira.now), {"beta", "both", "leaves"}),
    ("cloud", "epic deleted", lambda jira: jira.world.delete(jira.beta, at=jira.now), {"beta", "both", "leaves"}),
    ("dc", "epic deleted", lambda jira: jira.world.delete(jira.beta, at=jira.now), {"beta", "both", "leaves"}),
    ("graphql", "repository hidden", lambda hub: hub.world.hide(hub.away, at=hub.now), {"beta", "both"}),
    ("rest", "repository hidden", lambda hub: hub.world.hide(hub.away, at=hub.now), {"beta", "both"}),
    ("graphql", "repository deleted", lambda hub: hub.world.delete(hub.away, at=hub.now), {"beta", "both"}),
    ("rest", "repository deleted", lambda hub: hub.world.delete(hub.away, at=hub.now), {"beta", "both"}),
    ("graphql", "milestone deleted", lambda hub: hub.world.delete(hub.alpha, at=hub.now), {"alpha", "pulls"}),
    ("rest", "milestone deleted", lambda hub: hub.world.delete(hub.alpha, at=hub.now), {"alpha", "pulls"}),
]
RETURNS: dict[str, Deed] = {
    "items hidden": lambda jira: jira.world.show_project("FAR", at=jira.now),
    "epic hidden": lambda jira: jira.world.show_project("BET", at=jira.now),
    "repository hidden": lambda hub: hub.world.show(hub.away, at=hub.now),
}


UNCOUNTED = {
    "re-estimated",
    "no longer estimated",
    "moved to another project",
    "moved with its sub-tasks to another project",
    "a first sub-task",
    "the epic closed",
    "the epic in another project",
    "one closed, another opened",
    "the milestone closed",
    "the milestone due earlier",
    "the repository renamed",
}
"""Deeds that change no count: weights, keys, containers, and one leaf for another."""


def check_true(home: Watched, found: dict[str, InitiativeState], when: str) -> None:
    """Assert that counts are the tracker's truth, and all numbers those of a full run into a new store."""
    assert {name: counts(state) for name, state in found.items()} == home.tracker.truth(), when
    assert not any(state.stale for state in found.values()), when
    fresh = home.fresh()
    assert {name: numbers(state) for name, state in found.items()} == {
        name: numbers(state) for name, state in fresh.items()
    }, when


def numbers(state: InitiativeState) -> tuple[Any, ...]:
    return (counts(state), state.total, state.weight_done, state.weight_total, state.progress, state.state)


@pytest.mark.parametrize("kind", ["cloud", "dc"])
def test_after_each_deed_in_jira_the_next_run_counts_the_truth(kind: Kind, tmp_path: Path) -> None:
    """An incremental run equals the site's own truth, and a full run into a new store, in counts and weights."""
    check_deeds(kind, JIRA_DEEDS, tmp_path)


@pytest.mark.parametrize("kind", ["graphql", "rest"])
def test_after_each_deed_on_github_the_next_run_counts_the_truth(kind: Kind, tmp_path: Path) -> None:
    """An incremental run equals the site's own truth, and a full run into a new store, in counts and weights."""
    check_deeds(kind, GITHUB_DEEDS, tmp_path)


def check_deeds(kind: Kind, deeds: dict[str, Callable[[Any], Any]], folder: Path) -> None:
    with watched(kind, folder) as home:
        for name, deed in deeds.items():
            home.do(lambda tracker: tracker.stock())
            before = {each: counts(state) for each, state in states(home.sync()).items()}
            assert before == home.tracker.truth(), f"before {name}"
            home.do(deed)
            found = states(home.sync())
            check_true(home, found, name)
            same = {each: counts(state) for each, state in found.items()} == before
            assert same == (name in UNCOUNTED), f"{name} should change a count, or be listed as one that doesn't"


@pytest.mark.parametrize(("kind", "loss", "deed", "touched"), LOSSES)
def test_what_can_no_longer_be_seen_is_stale_and_never_smaller(
    kind: Kind, loss: str, deed: Deed, touched: set[str], tmp_path: Path
) -> None:
    """Permission lost or a place deleted: its initiatives keep their counts and say why they are stale, run after run,
    the others go on; when it can be seen again all are true again.
    """
    with watched(kind, tmp_path) as home:
        before = {name: counts(state) for name, state in states(home.sync()).items()}
        home.do(deed)
        if loss == "milestone deleted":
            home.sync()  # work whose own record says nothing leaves when a second run finds the same
        for _ in range(2):
            found = states(home.sync())
            assert {name for name, state in found.items() if state.stale} == touched
            expected: dict[str, Counts | None] = {
                name: before[name] if name in touched else truth for name, truth in home.tracker.truth().items()
            }
            assert {name: counts(state) for name, state in found.items()} == expected
            assert all(found[name].reason for name in touched)
        if loss in RETURNS:
            home.do(RETURNS[loss])
            check_true(home, states(home.sync()), f"after {loss}")


@pytest.mark.parametrize("kind", ["cloud", "dc"])
def test_what_left_while_it_was_hidden_is_gone_when_it_is_seen_again(kind: Kind, tmp_path: Path) -> None:
    """No count tells of it, and its change is old by then. Red when hidden issues are not asked for again."""
    with watched(kind, tmp_path) as home:
        tracker = home.tracker
        assert isinstance(tracker, Jira)
        far = next(each for each in tracker.world.issues.values() if each.key.startswith("FAR"))
        home.sync()
        tracker.world.hide_project("FAR", at=tracker.now)
        assert states(home.sync())["alpha"].stale
        home.pass_time(60)
        tracker.world.reparent(far.id, None, at=tracker.now)
        assert states(home.sync())["alpha"].stale
        home.pass_time(60)
        tracker.world.show_project("FAR", at=tracker.now)
        check_true(home, states(home.sync()), "after it left in the dark")


@pytest.mark.parametrize("kind", ["graphql", "rest"])
def test_a_milestone_with_another_title_leaves_the_work_that_its_title_named(kind: Kind, tmp_path: Path) -> None:
    """Named by title it is out with its items, named by number it stays; when it has its title again, all is back."""
    with watched(kind, tmp_path) as home:
        first = {name: counts(state) for name, state in states(home.sync()).items()}
        home.do(lambda hub: hub.world.retitle_milestone(hub.beta, "Another", at=hub.now))
        assert {name for name, state in states(home.sync()).items() if state.suspect} == {"both"}
        found = {name: counts(state) for name, state in states(home.sync()).items()}
        assert found == {name: counts(state) for name, state in home.fresh().items()}
        assert {name for name, each in found.items() if each != first[name]} == {"both"}
        home.do(lambda hub: hub.world.retitle_milestone(hub.beta, "RELEASE", at=hub.now))
        home.pass_time(60)
        home.house.sync(full=True)
        check_true(home, states(home.sync()), "with its title again")


class DeepJira(Jira):
    """The epics stand below an issue of a higher level, which is what the config names."""

    initiatives = MappingProxyType({"deep": {"delivery": [{"source": "tracker", "epics": ["ALP-100"]}]}})

    def __init__(self) -> None:
        super().__init__("cloud")
        top = self.world.add_epic("ALP", "Top", at=self.now, type="Initiative", key="ALP-100")
        for epic in (self.alpha, self.beta):
            self.world.reparent(epic, top, at=self.now)

    def truth(self) -> dict[str, Counts]:
        return {"deep": super().truth()["both"]}


def test_stories_of_a_hidden_epic_stay_in_what_stands_above_it(tmp_path: Path) -> None:
    """The epic between can't be seen any more, its stories in another project can: the work is stale, not less."""
    jira = DeepJira()
    for _ in range(3):
        jira.story("ALP", jira.beta, "Done", "Done")
    with watching(jira, tmp_path) as home:
        check_true(home, states(home.sync()), "at first")
        before = jira.truth()["deep"]
        home.do(lambda tracker: tracker.world.hide_project("BET", at=tracker.now))
        for _ in range(2):
            state = states(home.sync())["deep"]
            assert (counts(state), state.stale) == (before, True)
        home.do(lambda tracker: tracker.world.show_project("BET", at=tracker.now))
        check_true(home, states(home.sync()), "shown again")


@pytest.mark.parametrize(("kind", "most"), [("cloud", 7), ("dc", 7), ("graphql", 1), ("rest", 2)])
def test_a_run_without_news_writes_no_facts_and_asks_little(
    kind: Kind, most: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every table but those of the run itself is the same, row by row, after a quiet run."""
    with watched(kind, tmp_path) as home:
        first = home.sync()
        before = home.house.tables()
        quiet = [home.sync(minutes=1), home.sync(minutes=1)]
        after = home.house.tables()
    assert sum(map(len, before.values())) > 30
    assert len([rows for rows in before.values() if rows]) >= 6
    assert after == before
    assert [report.changes for report in quiet] == [(), ()]
    spent = [report.collected[0].requests for report in (first, *quiet)]
    assert max(spent[1:]) <= most
    with capsys.disabled():
        sys.stdout.write(f"\n{kind}: {len(before)} tables compared; requests of the runs: {spent}\n")


@pytest.mark.parametrize("kind", ["graphql", "rest"])
def test_what_happens_right_after_a_run_is_seen_by_the_next(kind: Kind, tmp_path: Path) -> None:
    """What happens in the second after a run is seen by the next one, which comes a minute later."""
    with watched(kind, tmp_path) as home:
        home.sync()
        home.tracker.world.close(home.tracker.open, at=home.tracker.now + timedelta(seconds=1))
        assert {name: counts(state) for name, state in states(home.sync(minutes=1)).items()} == home.tracker.truth()
