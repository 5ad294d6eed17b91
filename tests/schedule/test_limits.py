"""What the default limits promise, worked out from them: how late a run ends, and how long nobody has a lost one."""

from __future__ import annotations

from datetime import timedelta

from okr_sync.schedule import Limits
from okr_sync.schedule.procrastinate_engine import Rhythm
from okr_sync.schedule.runner import LATE
from okr_sync.schedule.supervising import LOOK

START = timedelta(seconds=10)  # of a run's process, on a busy machine


def test_a_run_ends_at_most_five_seconds_after_its_deadline() -> None:
    """Its supervisor looks, asks and kills; should it sleep, the run ends itself. Seen red with a grace of 5 s."""
    limits = Limits()
    assert timedelta(seconds=LOOK) + limits.grace <= timedelta(seconds=5)
    assert timedelta(seconds=LATE) <= timedelta(seconds=5)


def test_the_run_of_a_lost_worker_is_taken_over_within_95_seconds() -> None:
    """It may have renewed its lease just before; then a round finds it. Seen red with a lease of 90 s."""
    limits = Limits()
    assert limits.lease + limits.round + START <= timedelta(seconds=95)


def test_after_the_server_is_back_work_goes_on_within_30_seconds() -> None:
    """Its workers look for it after the longest pause, and a round finds what is due. Seen red with a pause of 20 s."""
    assert Rhythm().longest + Limits().round + START <= timedelta(seconds=30)
