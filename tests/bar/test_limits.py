"""Runs that hang, hog, crash or are asked to end: each has an outcome in time, and the worker stays what it was."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.bar.house import moment, open_house, resident, until
from tests.bar.oracle import assert_sound
from tests.bar.sleeping import assert_a_sleeper_is_fenced

NEWEST = "SELECT value FROM observations ORDER BY id DESC LIMIT 1"
DEADLINES = (4, 16, 40)  # seconds: the shortest in which a machine comes as far as to hang


def test_a_run_that_hangs_ends_at_its_deadline_with_all_that_it_began(tmp_path: Path) -> None:
    """Seen red without the kill of its session."""
    house = open_house(tmp_path)
    house.play(5, seconds=100, begin=98.75)
    for deadline in DEADLINES:
        done = house.run("run", "now", "--deadline", str(deadline))
        assert done.returncode == 4, done.stderr
        said = f"it took longer than its deadline of {deadline} s and was ended"
        assert house.rows("SELECT outcome, summary FROM runs ORDER BY id DESC LIMIT 1") == [("failed", said)]
        if house.told():  # else it was ended before it came so far
            break
    assert house.told(), "it never hung"
    commands = [file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline") if file.exists()]
    assert b"sleep\x0098.75\x00" not in commands
    [(by, at)] = house.rows("SELECT deadline, finished FROM runs ORDER BY id DESC LIMIT 1")
    late = (moment(at) - moment(by)).total_seconds()
    print(f"deadline of {deadline} s: over by {late:.1f} s (at most 5), {assert_sound(house)}")  # noqa: T201


def test_sigterm_ends_the_worker_within_ten_seconds_and_gives_back_the_lease(tmp_path: Path) -> None:
    """Seen red with a supervisor that does not look whether it is to stop."""
    house = open_house(tmp_path)
    house.play(5, seconds=100)
    with house.worker() as worker:
        until(house.told)
        began = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
        took = time.monotonic() - began
    assert house.rows("SELECT outcome, summary, lease FROM runs") == [
        ("interrupted", "the worker was asked to stop", None)
    ]
    house.play(6)
    assert house.run("run", "now").returncode == 0
    assert_sound(house)
    print(f"SIGTERM: {took:.1f} s")  # noqa: T201


def test_a_run_that_hogs_memory_or_crashes_ends_alone_and_the_worker_does_not_grow(tmp_path: Path) -> None:
    """Seen red without the limit of a run's memory, under which it gets the 2 GiB that it asks for and is *ok*."""
    house = open_house(tmp_path, "every 2 s")
    house.play(5)
    with house.worker("--memory", "900", "--round", "1") as worker:
        until(lambda: house.outcomes().count("ok") >= 1)
        before = resident(worker.pid)
        house.play(6, hog=2048)
        until(lambda: set(house.outcomes()) & {"failed", "interrupted"} or house.rows(NEWEST) == [(6.0,)])
        assert "failed" in house.outcomes()
        house.play(7, crash=True)
        until(lambda: "interrupted" in house.outcomes())
        house.play(8)
        until(lambda: house.rows(NEWEST) == [(8.0,)])
        grown = resident(worker.pid) - before
        assert grown < 20 * 1024
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    assert any("SIGABRT" in said for (said,) in house.rows("SELECT summary FROM runs"))
    assert_sound(house)
    print(f"memory hog: the worker grew by {grown} KiB")  # noqa: T201


def test_a_busy_store_refuses_run_now_with_exit_code_5(tmp_path: Path) -> None:
    """Seen red without the look at who is under way."""
    house = open_house(tmp_path)
    house.play(5, seconds=100)
    with house.worker():
        until(house.told)
        refused = house.run("run", "now")
    assert refused.returncode == 5
    assert "is under way since" in refused.stderr


def test_a_broken_edit_keeps_the_last_good_config_and_says_so(tmp_path: Path) -> None:
    """Seen red without the last good config."""
    house = open_house(tmp_path, "every 2 s")
    with house.worker() as worker:
        until(lambda: house.outcomes().count("ok") >= 1)
        good = house.file.read_text("utf-8")
        house.file.write_text(good.replace("metrics:", "metrcs:"), "utf-8")
        until(lambda: "the last good one stays" in house.log())
        house.play(9)
        until(lambda: house.rows(NEWEST) == [(9.0,)])
        assert "did you mean 'metrics'" in house.log()
        house.file.write_text(good, "utf-8")
        until(lambda: "the config is good again" in house.log())
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    assert_sound(house)


def test_a_worker_asleep_beyond_its_lease_is_fenced_and_what_it_brings_is_refused(tmp_path: Path) -> None:
    """Seen red without the check of the run in the transaction that writes."""
    assert_a_sleeper_is_fenced(open_house(tmp_path))
