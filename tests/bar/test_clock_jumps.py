"""A clock that is wrong for a while: the worker goes on, each slot has one run, and no number stays fresh for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.bar.house import House, children, furnish, until
from tests.bar.wrong_clock import WrongClock, WrongClockOnServer
from tests.servers.postgres import database, postgres

__all__ = ["database", "postgres"]

HOUR, DAY, MANY_YEARS = timedelta(hours=1), timedelta(days=1), timedelta(days=3653)
NEWEST = "SELECT value FROM observations ORDER BY id DESC LIMIT 1"
UNSAID = "SELECT s.due FROM slots s LEFT JOIN runs r ON r.id = s.run_id WHERE r.outcome IS NULL OR r.summary = ''"
DOUBLED = (
    "SELECT p.subject, s.due FROM points p JOIN slots s ON s.run_id = p.run_id "
    "WHERE p.kind = 'key_result' AND NOT p.backfilled GROUP BY 1, 2 HAVING count(*) > 1"
)


@pytest.fixture(params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> WrongClock:
    own = request.param == "sqlite"
    made = WrongClock(tmp_path) if own else WrongClockOnServer(tmp_path, request.getfixturevalue("database"))
    furnish(made, "every 1 h").build()
    made.set(timedelta())
    return made


@pytest.mark.parametrize("ahead", [2 * HOUR, -HOUR, DAY, -DAY, MANY_YEARS], ids=str)
def test_a_clock_that_jumps_and_comes_back_ends_no_schedule_and_keeps_nothing_fresh(
    house: WrongClock, ahead: timedelta
) -> None:
    """Red without each of these: rounds that begin anew where the clock was set back (the worker sleeps on), slots that
    are taken back where a clock that was ahead recorded them as missed (no run until it is so late), and a look whether
    an answer is still to come (its numbers are fresh until then).
    """
    every, said = (DAY, "every 1 d") if ahead > DAY else (HOUR, "every 1 h")
    house.schedule(said)
    with house.worker("--round", "1") as worker:
        until(lambda: house.rows(NEWEST) == [(5.0,)])
        house.set(ahead)
        house.play(6)
        until(lambda: house.rows(NEWEST) == [(6.0,)] and "running" not in house.outcomes())
        time.sleep(1.5)  # in which it looks once more, and waits for its next round
        with _stopped(worker):
            house.set(timedelta())
            if ahead > timedelta():
                assert _statuses(house) == {"stale"}
            house.set(every)
        house.play(7)
        until(lambda: house.rows(NEWEST) == [(7.0,)])
        until(lambda: "running" not in house.outcomes())
        assert _values(house) == {7.0}
        assert "stale" not in _statuses(house)
        assert not _said_to_come(house, timedelta(hours=1) + every), "what is judged is dated by a clock that was ahead"
        assert worker.poll() is None
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    assert house.rows(DOUBLED) == []
    assert house.rows(UNSAID) == []
    assert set(house.outcomes()) <= {"ok", "missed"}


def _statuses(house: House) -> set[str]:
    return {each["status"] for each in _key_results(house)}


def _values(house: House) -> set[float]:
    return {each["value"] for each in _key_results(house)}


def _said_to_come(house: House, ahead: timedelta) -> list[datetime]:
    """Return the instants of points and of the newest judgement that are later than our clock so much ahead."""
    as_of = json.loads(house.run("status", "--json").stdout)["as_of"]
    told = [as_of, *(at for (at,) in house.rows("SELECT slot FROM points"))]
    return [each for each in map(_instant, told) if each.timestamp() > _real_time() + ahead.total_seconds()]


def _real_time() -> float:
    """Return the seconds since 1970 as this machine's clock has it, which no test moves."""
    return time.clock_gettime(time.CLOCK_REALTIME)


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _key_results(house: House) -> Any:
    return json.loads(house.run("status", "--json").stdout)["objectives"][0]["key_results"]


@contextmanager
def _stopped(worker: subprocess.Popen[str]) -> Iterator[None]:
    """Let a worker do nothing while this lasts; its run under way ends first."""
    os.kill(worker.pid, signal.SIGSTOP)
    until(lambda: not children(worker.pid))
    yield
    os.kill(worker.pid, signal.SIGCONT)
