"""A worker that is stopped beyond its lease, while another one does its run: the same on every store."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from tests.bar.house import children, until
from tests.bar.oracle import assert_sound

if TYPE_CHECKING:
    from tests.bar.house import House
    from tests.bar.postgres_house import PostgresHouse

VALUES = "SELECT DISTINCT value FROM observations"


def assert_a_sleeper_is_fenced(house: House | PostgresHouse) -> None:
    """Stop a worker with its run, let another take over, and wake it: what it brings is refused, and it goes on."""
    house.play(5, seconds=3)
    with house.worker("--lease", "3") as asleep:
        until(house.told)
        stopped = [*children(asleep.pid), asleep.pid]
        assert len(stopped) == 2
        for pid in reversed(stopped):
            os.kill(pid, signal.SIGSTOP)
        house.play(7)
        with house.worker("--lease", "30", "--round", "1"):
            until(lambda: house.rows(VALUES) == [(7.0,)])
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
            until(lambda: "may write no more" in house.log())
            assert asleep.poll() is None, "the worker itself goes on"
            until(lambda: house.outcomes() == ["fenced", "ok"])
    assert house.rows(VALUES) == [(7.0,)]
    assert house.rows("SELECT run_id, attempts FROM slots") == [(2, 2)]
    assert_sound(house)
