"""Many workers on one database: what is lost with a worker or the server comes back, and nothing is done twice."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from tests.bar.house import FULL, PATIENCE, children, furnish, moment, until
from tests.bar.oracle import assert_sound
from tests.bar.postgres_house import PostgresHouse
from tests.bar.sleeping import assert_a_sleeper_is_fenced
from tests.servers.postgres import crash, database, postgres, running, started

__all__ = ["database", "postgres"]

LEASE = () if FULL else ("--lease", "10", "--round", "2")
NEWEST = "SELECT value FROM observations ORDER BY id DESC LIMIT 1"
APART = """
okrs: [team.yaml]
sources:
  one: {kind: played, script: script.json, told: told.txt, schedule: every 1 s}
  two: {kind: played, script: script.json, told: told.txt, schedule: every 1 s}
cycles:
  now: {start: 2020-01-01, end: 2090-12-31}
metrics:
  users: {source: one}
  sales: {source: two}
"""
SPANS = """
SELECT r.lease IS NULL, s.schedule, r.started, coalesce(r.finished, now()) FROM runs r JOIN slots s ON s.run_id = r.id
WHERE r.outcome <> 'missed' ORDER BY s.schedule, r.id
"""


@pytest.fixture
def house(database: str, tmp_path: Path) -> PostgresHouse:
    return furnish(PostgresHouse(tmp_path, database))


def test_after_the_server_was_killed_in_the_middle_of_a_run_workers_go_on(tmp_path: Path) -> None:
    """The slot is tried again and the next one is heard, by the same worker."""
    with running() as server:
        house = furnish(PostgresHouse(tmp_path, server.url()), "every 30 s")
        house.play(5, seconds=1)
        with house.worker("--round", "2") as worker:
            until(lambda: "ok" in house.outcomes())
            asked = len(house.told())
            until(lambda: len(house.told()) > asked)
            crash(server)
            house.play(6)
            time.sleep(3)
            with started(server):
                back = time.monotonic()
                until(lambda: house.rows(NEWEST) == [(6.0,)])
                took = time.monotonic() - back
                house.play(8)
                until(lambda: house.rows(NEWEST) == [(8.0,)], 2 * PATIENCE)
                until(lambda: "running" not in house.outcomes())
                assert worker.poll() is None
                worker.send_signal(signal.SIGTERM)
                assert worker.wait(10) == 0
                counts = assert_sound(house)
                assert house.run("verify").returncode == 0
    print(f"PostgreSQL killed and back: {took:.1f} s, {counts}")  # noqa: T201


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="only root may name another host")
def test_when_a_worker_of_another_host_dies_its_run_is_done_by_the_others(house: PostgresHouse) -> None:
    """Without the lease's end the run stays under way for ever; seen red so."""
    house.play(5, seconds=100)
    elsewhere = ["unshare", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh"]
    log = (house.folder / "elsewhere.log").open("w", encoding="utf-8")
    words = [*elsewhere, *house._words(("work", *LEASE))]
    dead = subprocess.Popen(words, env=house._env(), stdout=log, stderr=log)
    left: list[int] = []
    try:
        until(house.told)
        with house.worker(*LEASE) as other:
            until(lambda: "begins" in house.log())
            left = children(dead.pid)
            dead.kill()
            dead.wait()
            died = time.monotonic()
            house.play(7)
            until(lambda: house.rows(NEWEST) == [(7.0,)], 2 * PATIENCE)
            took = time.monotonic() - died
            until(lambda: house.outcomes() == ["fenced", "ok"])
            other.send_signal(signal.SIGTERM)
            assert other.wait(10) == 0
    finally:
        for pid in (*left, dead.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        log.close()
    print(f"worker killed: {took:.1f} s ({'default settings' if FULL else ' '.join(LEASE)}), {assert_sound(house)}")  # noqa: T201


def test_a_worker_asleep_beyond_its_lease_is_fenced_and_goes_on_when_it_wakes(house: PostgresHouse) -> None:
    """Without the check of the run in the transaction that writes, its 5 comes after the 7; seen red so."""
    assert_a_sleeper_is_fenced(house)


def test_sources_of_different_schedules_are_asked_at_once_and_each_by_one_worker(house: PostgresHouse) -> None:
    """Seen red with one lease for all runs, and with claims that don't look at who holds that of their schedule."""
    house.file.write_text(APART, "utf-8")
    house.play(5, seconds=2)
    with house.worker("--round", "1") as one, house.worker("--round", "1") as other:
        until(lambda: house.outcomes().count("ok") >= 4, 3 * PATIENCE)
        for worker in (one, other):
            worker.send_signal(signal.SIGTERM)
        assert [worker.wait(10) for worker in (one, other)] == [0, 0]
    spans = [(schedule, moment(begun), moment(ended)) for _, schedule, begun, ended in house.rows(SPANS)]
    for (name, _, ended), (following, begun, _) in pairwise(spans):
        assert name != following or ended <= begun, "one source was asked by two workers at once"
    together = sum(a[0] < b[0] and a[1] < b[2] and b[1] < a[2] for a in spans for b in spans)
    assert together, "nobody was asked beside another"
    assert house.run("verify").returncode == 0
    print(f"two workers, two schedules: {len(spans)} runs, {together} pairs under way at once")  # noqa: T201
