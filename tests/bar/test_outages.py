"""Time off and time stood still: one run catches up, missed slots say so, a held lock delays and loses nothing."""

from __future__ import annotations

import signal
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from tests.bar.house import FULL, House, moment, open_house, until
from tests.bar.oracle import assert_sound

HELD = 120.0 if FULL else 6.0  # seconds


def _sleep_for(house: House, away: timedelta) -> None:
    """Let the store be as if everything in it had happened so much earlier."""
    with closing(sqlite3.connect(house.folder / "okr-sync.db")) as connection, connection:
        for table, columns in {"runs": ("started", "finished", "lease_until", "deadline"), "slots": ("due",)}.items():
            for row, *found in connection.execute(f"SELECT rowid, {', '.join(columns)} FROM {table}").fetchall():  # noqa: S608
                for column, text in zip(columns, found, strict=True):
                    earlier = f"{moment(text) - away:%Y-%m-%d %H:%M:%S.%f}"
                    connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", [earlier, row])  # noqa: S608


def test_after_three_days_off_one_run_catches_up_and_every_missed_slot_says_so(tmp_path: Path) -> None:
    """Seen red with older slots passed over and not recorded."""
    house = open_house(tmp_path, "every 15 min")
    with house.worker() as worker:
        until(lambda: house.outcomes() == ["ok"])
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    _sleep_for(house, timedelta(days=3))
    house.play(6)
    with house.worker() as worker:
        until(lambda: house.outcomes().count("ok") >= 2)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    outcomes = house.outcomes()
    assert outcomes.count("ok") in {2, 3}  # three when a quarter of an hour ended meanwhile
    assert 286 <= outcomes.count("missed") <= 288
    said = [text for (text,) in house.rows("SELECT summary FROM runs WHERE outcome = 'missed'")]
    assert all("no worker was there in time" in text for text in said)
    print(f"three days off: {outcomes.count('missed')} missed, {assert_sound(house)}")  # noqa: T201


def test_slots_that_come_while_their_run_is_under_way_are_recorded_as_missed(tmp_path: Path) -> None:
    """Seen red with older slots passed over and not recorded."""
    house = open_house(tmp_path, "every 1 s")
    house.play(5, seconds=4)
    with house.worker("--round", "1") as worker:
        until(lambda: "missed" in house.outcomes())
        house.play(6)
        until(lambda: house.outcomes().count("ok") >= 2)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    skipped = [text for (text,) in house.rows("SELECT summary FROM runs WHERE outcome = 'missed' ORDER BY id LIMIT 2")]
    assert all(text.endswith("was still under way") for text in skipped)
    assert_sound(house)


def test_a_held_lock_delays_runs_and_loses_nothing(tmp_path: Path) -> None:
    """Seen red with writers that wait for 1 s, once nobody tries again: neither the supervisor nor the engine."""
    house = open_house(tmp_path, "every 1 s")
    with house.worker("--round", "1", "--lease", "300") as worker:
        until(lambda: house.outcomes().count("ok") >= 1)
        with closing(sqlite3.connect(house.folder / "okr-sync.db", isolation_level=None, timeout=30)) as other:
            other.execute("BEGIN IMMEDIATE")
            house.play(6)
            time.sleep(HELD)
            other.execute("ROLLBACK")
        until(lambda: house.rows("SELECT value FROM observations ORDER BY id DESC LIMIT 1") == [(6.0,)])
        assert worker.poll() is None
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    print(f"lock held for {HELD:g} s: {assert_sound(house)}")  # noqa: T201
