"""Random histories of moving trackers: run after run equals the truth, and equals one full run into a new store."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from okr_sync.core.snapshot import InitiativeState
from okr_sync.sandbox.jira_world import Issue, project_of
from okr_sync.sandbox.repositories import Item
from tests.edge.sync_trackers import Counts, Github, Jira, Kind, Watched, counts, states, watched

STEPS = 30
ENDS = (
    ("Done", "Done"), ("Done", None), ("Closed", "Duplicate"), ("Done", "Won't Do"), ("In Progress", None),
    ("To Do", None),
)  # fmt: skip
Deed = Callable[[Any, Random], None]


def _living(jira: Jira, *levels: int) -> list[Issue]:
    return [each for each in jira.world.issues.values() if each.type.level in levels and not each.latest("deleted")]


def _move(jira: Jira, dice: Random) -> None:
    to, resolution = dice.choice(ENDS)
    jira.world.move(dice.choice(_living(jira, 0, -1)), to, at=jira.now, resolution=resolution)


def _finish_part(jira: Jira, dice: Random) -> None:
    jira.world.move(dice.choice(_living(jira, -1)), "Done", at=jira.now, resolution="Done")


def _place(jira: Jira, dice: Random) -> None:
    above = dice.choice([jira.alpha, jira.beta, None])
    jira.world.reparent(dice.choice(_living(jira, 0)), above, at=jira.now)


def _move_part(jira: Jira, dice: Random) -> None:
    """A sub-task lives in the project of its issue, always."""
    part, above = dice.choice(_living(jira, -1)), dice.choice(_living(jira, 0))
    jira.world.reparent(part, above, at=jira.now)
    jira.world.change_project(part, project_of(above.key), at=jira.now)


def _relocate(jira: Jira, dice: Random) -> None:
    jira.world.change_project(dice.choice(_living(jira, 0)), dice.choice(["ALP", "BET", "FAR"]), at=jira.now)


def _remove(jira: Jira, dice: Random) -> None:
    jira.world.delete(dice.choice(_living(jira, 0, -1)), at=jira.now)


def _estimate(jira: Jira, dice: Random) -> None:
    jira.world.edit(dice.choice(_living(jira, 0)), at=jira.now, points=dice.choice([None, 0.0, 1.0, 8.0]))


def _add(jira: Jira, dice: Random) -> None:
    above = dice.choice([jira.alpha, jira.beta])
    jira.world.add_issue(dice.choice(["ALP", "BET", "FAR"]), "New", at=jira.now, parent=above, points=2.0)


def _divide(jira: Jira, dice: Random) -> None:
    jira.world.add_subtask(dice.choice(_living(jira, 0)), "Part", at=jira.now)


def _items(hub: Github, *, pulls: bool) -> list[Item]:
    ended = ("deleted", "transferred")
    return [
        each
        for each in hub.world.items
        if each.pull_request == pulls and not any(event.kind in ended for event in each.events)
    ]


def _close(hub: Github, dice: Random) -> None:
    reason = dice.choice(["completed", "completed", "not_planned", "duplicate"])
    hub.world.close(dice.choice(_items(hub, pulls=False)), reason, at=hub.now)  # type: ignore[arg-type] # those words


def _reopen(hub: Github, dice: Random) -> None:
    hub.world.reopen(dice.choice(_items(hub, pulls=False)), at=hub.now)


def _end_pull(hub: Github, dice: Random) -> None:
    end = dice.choice([hub.world.close, hub.world.merge])
    still = [each for each in _items(hub, pulls=True) if not any(event.kind == "merged" for event in each.events)]
    end(dice.choice(still or [hub.request(hub.alpha)]), at=hub.now)


def _assign(hub: Github, dice: Random) -> None:
    chosen = dice.choice(_items(hub, pulls=dice.random() < 0.3))
    among = [each for each in (hub.alpha, hub.beta, hub.spare) if each.repository is chosen.repository]
    hub.world.set_milestone(chosen, dice.choice([*among, None]), at=hub.now)


def _drop(hub: Github, dice: Random) -> None:
    hub.world.delete(dice.choice(_items(hub, pulls=False)), at=hub.now)


def _transfer(hub: Github, dice: Random) -> None:
    chosen = dice.choice(_items(hub, pulls=False))
    hub.world.transfer(chosen, hub.away if chosen.repository is hub.home else hub.home, at=hub.now)


def _open(hub: Github, dice: Random) -> None:
    make = dice.choice([hub.issue, hub.issue, hub.request])
    make(dice.choice([hub.alpha, hub.beta]))


def _rename(hub: Github, dice: Random) -> None:
    hub.world.rename(hub.home, f"acme/alpha-{dice.randrange(10**6)}", at=hub.now)


JIRA: tuple[Deed, ...] = (
    _move, _move, _finish_part, _place, _move_part, _relocate, _remove, _estimate, _add, _divide,
)  # fmt: skip
GITHUB: tuple[Deed, ...] = (_close, _close, _reopen, _end_pull, _assign, _assign, _drop, _transfer, _open, _rename)


class History:
    """One history: deeds at random instants, runs at others, and now and then a place that can't be seen."""

    def __init__(self, home: Watched, dice: Random) -> None:
        self.home = home
        self.dice = dice
        self.deeds = JIRA if isinstance(home.tracker, Jira) else GITHUB
        self.log: list[str] = []
        self.compared = 0

    def live(self) -> None:
        """Do what happens until the next run."""
        for _ in range(self.dice.randint(1, 4)):
            deed = self.dice.choice(self.deeds)
            self.log.append(deed.__name__)
            self.home.pass_time(self.dice.choice([0.1, 1, 14, 40]))
            deed(self.home.tracker, self.dice)

    def show(self, *, visible: bool) -> None:
        """Take away or give back the permission to see one place."""
        self.log.append("show" if visible else "hide")
        tracker = self.home.tracker
        self.home.pass_time(1)
        if isinstance(tracker, Jira):
            change: Any = tracker.world.show_project if visible else tracker.world.hide_project
            change("FAR", at=tracker.now)
        else:
            change = tracker.world.show if visible else tracker.world.hide
            change(tracker.away, at=tracker.now)

    def run(self) -> dict[str, InitiativeState]:
        return states(self.home.sync(minutes=self.dice.choice([0.1, 5, 30])))

    def check(self, *, fresh: bool) -> None:
        """Run, and compare with the truth and, if `fresh`, with a full run into an empty store."""
        found = self.run()
        assert {name: counts(state) for name, state in found.items()} == self.home.tracker.truth(), self.log
        assert not any(state.stale for state in found.values()), self.log
        self.compared += len(found)
        if fresh:
            whole = self.home.fresh()
            assert {name: _numbers(each) for name, each in found.items()} == {
                name: _numbers(each) for name, each in whole.items()
            }, self.log

    def go_blind(self) -> None:
        """Hide a place, run, live on and run, show it again: stale meanwhile, nothing lost, all true afterwards."""
        before = {name: counts(state) for name, state in states(self.home.house.sync()).items()}
        self.show(visible=False)
        self._check_kept(before)
        self.live()
        self.run()
        self.show(visible=True)
        self.check(fresh=True)

    def _check_kept(self, before: dict[str, Counts | None]) -> None:
        for name, state in self.run().items():
            assert counts(state) == before[name], (name, self.log)


def _numbers(state: InitiativeState) -> tuple[Any, ...]:
    return (counts(state), state.weight_done, state.weight_total, state.progress)


@pytest.mark.parametrize("kind", ["cloud", "dc", "graphql", "rest"])
def test_run_after_run_equals_the_truth_and_one_full_run(
    kind: Kind, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Thirty runs over a history of random deeds, a place hidden and shown again on the way."""
    dice = Random(f"history of {kind}")
    with watched(kind, tmp_path) as home:
        history = History(home, dice)
        home.house.sync()
        for step in range(STEPS):
            if step % 10 == 9:
                history.go_blind()
            else:
                history.live()
                history.check(fresh=step % 5 == 4)
    assert len(set(history.log)) >= 10
    with capsys.disabled():
        sys.stdout.write(f"\n{kind}: {len(history.log)} deeds, {history.compared} states compared with the truth\n")
