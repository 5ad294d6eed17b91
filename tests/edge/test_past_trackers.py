"""The past of real trackers, read from their change logs, is the past as it was seen day by day."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from okr_sync.registry import Registry
from okr_sync.store import rewriting
from okr_sync.store.points import delivery_points, points
from tests.edge.sync_play import House
from tests.edge.sync_trackers import Github, Jira, Kind, watching
from tests.edge.test_sync_histories import GITHUB, JIRA, Deed

DAYS = 92  # a quarter
DEEDS_A_DAY = (0, 0, 1, 3)
LEAVING = {"_remove", "_drop", "_transfer", "_relocate", "_move_part", "_assign", "_rename", "_place"}
"""Deeds after which a tracker can't be asked any more where something was, or which move the places themselves."""


def _swap(jira: Jira, dice: Random) -> None:
    """Move a story with its parts from one epic to the other."""
    story = dice.choice([each for each in jira.world.issues.values() if each.type.level == 0])
    jira.world.reparent(story, dice.choice([jira.alpha, jira.beta]), at=jira.now)


def _curves(house: House, names: list[str]) -> dict[str, list[tuple[Any, ...]]]:
    with house.store.reading() as session:
        work = {name: [_said(each, rewriting.WORK) for each in delivery_points(session, name)] for name in names}
        ends = {
            f"finish-{name}": [_said(each, rewriting.POINT) for each in points(session, "key_result", f"finish-{name}")]
            for name in names
        }
        return work | ends


def _said(point: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(getattr(point, name) for name in ("slot", *names))


def _midnight(now: datetime) -> datetime:
    return (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.mark.parametrize("kind", ["cloud", "dc", "graphql", "rest"])
def test_a_quarter_replayed_day_by_day_is_the_quarter_filled_in_at_its_end(kind: Kind, tmp_path: Path) -> None:
    tracker: Any = Jira(kind) if kind in {"cloud", "dc"} else Github(kind)  # type: ignore[arg-type] # the others
    if not Registry().connector_class(tracker.source).HISTORY:
        pytest.skip(f"{tracker.source} keeps no history yet")
    dice = Random(f"{kind} past")
    every: tuple[Deed, ...] = (*JIRA, _swap, _swap) if kind in {"cloud", "dc"} else GITHUB
    deeds = [deed for deed in every if deed.__name__ not in LEAVING]
    with watching(tracker, tmp_path, end="2027-03-31") as home:
        log = _live(home, dice, deeds)
        there = _curves(home.house, list(tracker.initiatives))
        filled = House(home.house.config, home.other, home.house.now)
        report = filled.sync()
    assert (report.outcome, report.past.instants >= DAYS, report.past.new > 20) == ("ok", True, True)
    assert sum(map(len, there.values())) > 20
    found = _curves(filled, list(tracker.initiatives))
    begin = {name: told[0][0] for name, told in there.items()}
    assert {name: _from(told, begin[name]) for name, told in found.items()} == there, log


def _live(home: Any, dice: Random, deeds: list[Deed]) -> list[str]:
    log = []
    home.tracker.now = home.house.now = _midnight(home.tracker.now)
    home.house.sync()
    for _ in range(DAYS):
        until = home.tracker.now + timedelta(days=1)
        for _ in range(dice.choice(DEEDS_A_DAY)):
            home.pass_time(dice.randint(1, 300))
            deed = dice.choice(deeds)
            log.append(f"{home.tracker.now:%d %H:%M} {deed.__name__}")
            deed(home.tracker, dice)
        home.tracker.now = home.house.now = until
        home.house.sync()
    return log


def _from(told: list[tuple[Any, ...]], begin: datetime) -> list[tuple[Any, ...]]:
    """Return the points from an instant on, the first as it was in force then."""
    before = [each for each in told if each[0] <= begin][-1:]
    return [(begin, *each[1:]) for each in before] + [each for each in told if each[0] > begin]
