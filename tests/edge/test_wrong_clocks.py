"""Our clock and the tracker's differ: what changes there is seen all the same, in each run and not only once a day."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Literal

import pytest

from tests.edge.sync_trackers import Counts, Github, Jira, Kind, Watched, counts, states, watched

HOUR, DAY, TEN_YEARS = timedelta(hours=1), timedelta(days=1), timedelta(days=3653)
Deed = Literal["close", "reopen"]
DEEDS: tuple[Deed, ...] = ("close", "reopen", "close")
HALF = 30.0  # minutes


def _counted(home: Watched, ahead: timedelta, minutes: float) -> bool:
    """Do a run by a clock that is so much ahead; return whether it counts what is true."""
    home.pass_time(minutes)
    home.house.now += ahead
    told = states(home.house.sync())
    true: dict[str, Counts] = home.tracker.truth()
    return {name: counts(each) for name, each in told.items()} == true


@pytest.mark.parametrize("kind", ["cloud", "dc", "graphql", "rest"])
@pytest.mark.parametrize("ahead", [HOUR, -HOUR, DAY, -DAY], ids=str)
def test_whatever_our_clock_shows_each_run_sees_what_changed(tmp_path: Path, kind: Kind, ahead: timedelta) -> None:
    """Red for Jira where the next pull asks from an instant on by our clock: it is later than what changes there."""
    with watched(kind, tmp_path) as home:
        assert _counted(home, ahead, 0)
        for deed in DEEDS:
            home.do(partial(_do, deed=deed))
            assert _counted(home, ahead, HALF)


@pytest.mark.parametrize("kind", ["cloud", "dc", "graphql", "rest"])
@pytest.mark.parametrize("ahead", [HOUR, DAY, TEN_YEARS], ids=str)
def test_when_a_clock_that_was_ahead_is_set_right_each_run_sees_what_changed(
    tmp_path: Path, kind: Kind, ahead: timedelta
) -> None:
    """Red for Jira likewise."""
    with watched(kind, tmp_path) as home:
        assert _counted(home, timedelta(), 0)
        assert _counted(home, ahead, HALF)
        for deed in DEEDS:
            home.do(partial(_do, deed=deed))
            assert _counted(home, timedelta(), HALF)


def _do(tracker: Jira | Github, deed: Deed) -> None:
    """Close the issue that was open at first, or let it come to life again."""
    if isinstance(tracker, Jira):
        done = deed == "close"
        tracker.world.move(
            tracker.open, "Done" if done else "To Do", at=tracker.now, resolution="Done" if done else None
        )
    else:
        (tracker.world.close if deed == "close" else tracker.world.reopen)(tracker.open, at=tracker.now)
