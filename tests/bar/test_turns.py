"""Runs that are asked for come before the next slot, where schedules are always busy, too; real processes."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from okr_sync.cli.place import current_time
from okr_sync.store import Store, turns
from tests.bar.house import PATIENCE, House, children, furnish, open_house, until
from tests.bar.postgres_house import PostgresHouse
from tests.bar.test_many_workers import APART
from tests.servers.postgres import database, postgres

__all__ = ["database", "postgres"]

TRIGGERS = "SELECT trigger FROM runs WHERE outcome <> 'missed' ORDER BY id"
WAITS = "SELECT owner FROM turns"
LONG = 3 * PATIENCE  # several programs begin at once, beside runs


@pytest.fixture(params=["sqlite", "postgres"])
def busy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Busy]:
    """A house with a worker, or two with a schedule each, whose runs take long and whose slots are always due."""
    if request.param == "sqlite":
        house = open_house(tmp_path, "every 1 s")
        house.play(5, seconds=100)
        with house.worker("--round", "1") as worker:
            until(house.told, LONG)
            yield Busy(house, [worker])
        return
    apart = furnish(PostgresHouse(tmp_path, request.getfixturevalue("database")))
    apart.file.write_text(APART, "utf-8")
    apart.play(5, seconds=100)
    with apart.worker("--round", "1") as one, apart.worker("--round", "1") as other:
        until(lambda: len(apart.told()) == 2, LONG)
        yield Busy(apart, [one, other])


@dataclass(frozen=True)
class Busy:
    """A house and its workers, each of which does a run."""

    house: House
    workers: list[subprocess.Popen[str]]

    def break_off(self, worker: subprocess.Popen[str]) -> None:
        """Kill the run of a worker: it is to be tried again at once."""
        for pid in children(worker.pid):
            os.kill(pid, signal.SIGKILL)


def _let_it_count(house: House) -> str:
    """Let the place of the one who waits count for an hour, whatever becomes of its owner; return that."""
    ((turn, owner),) = house.rows("SELECT id, owner FROM turns")
    with Store.open(house.url).writing() as session:
        assert turns.keep(session, turn, owner, current_time() + timedelta(hours=1))
    return str(owner)


def _started(house: House, *words: str) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(house._words(words), env=house._env(), **pipes)  # type: ignore[call-overload, no-any-return]


def test_a_run_that_is_asked_for_begins_before_the_next_slot_of_schedules_that_are_always_busy(busy: Busy) -> None:
    """Its slots are due at once after a run was broken off, and it is slow to begin; seen red without the line."""
    house = busy.house
    asking = _started(house, "run", "now", "--wait", "--json")
    until(lambda: house.rows(WAITS), LONG)
    asking.send_signal(signal.SIGSTOP)
    _let_it_count(house)
    house.play(6, seconds=1)
    runs = len(busy.workers)
    for worker in busy.workers:
        busy.break_off(worker)
    until(lambda: house.outcomes().count("interrupted") == runs, LONG)
    time.sleep(5)  # in which what is due would begin
    asking.send_signal(signal.SIGCONT)
    out, err = asking.communicate(timeout=LONG)
    assert asking.returncode == 0, err
    assert json.loads(out)["outcome"] == "ok"
    assert [line for line in err.splitlines() if not line.startswith("waiting: run ")] == []
    until(lambda: len(house.rows(TRIGGERS)) > runs + 1, LONG)
    assert [trigger for (trigger,) in house.rows(TRIGGERS)][: runs + 2] == [*["slot"] * runs, "now", "slot"]
    assert house.rows(WAITS) == []


def test_who_is_told_to_end_while_it_waits_leaves_the_line(tmp_path: Path) -> None:
    house = open_house(tmp_path)
    house.play(5, seconds=100)
    with house.worker():
        until(house.told, LONG)
        asking = _started(house, "run", "now", "--wait")
        until(lambda: house.rows(WAITS), LONG)
        asking.send_signal(signal.SIGINT)
        out, err = asking.communicate(timeout=LONG)
        assert (asking.returncode, out) == (130, "")
        assert err.splitlines()[-1] == "interrupted; the store holds what was complete"
        assert house.rows(WAITS) == []
        late = house.run("sync", "--wait", "1")
        assert late.returncode == 5
        assert "There was no turn within 1 s: run 1 by " in late.stderr
    assert [trigger for (trigger,) in house.rows(TRIGGERS)] == ["slot"]


def test_who_waits_for_a_lock_that_somebody_holds_ends_in_time_when_told_to(tmp_path: Path) -> None:
    """SQLite waits half a minute for it, and hears of no signal meanwhile.

    Seen red with the run begun in the main thread: it ended when the lock was let go.
    """
    house = open_house(tmp_path)
    assert house.run("sync").returncode == 0
    with closing(sqlite3.connect(house.folder / "okr-sync.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with house.started("run", "now") as command:
            until(lambda: _has_open(command.pid, "okr-sync.db"))
            time.sleep(1)  # in which it asks for the lock
            command.send_signal(signal.SIGTERM)
            assert command.wait(10) == 130
        holder.execute("ROLLBACK")
    assert house.run("run", "now").returncode == 0


def _has_open(pid: int, name: str) -> bool:
    with suppress(FileNotFoundError):  # closed meanwhile
        return any(name in str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir())
    return False


def test_who_is_killed_while_it_waits_holds_up_nobody(busy: Busy) -> None:
    """Its place would count for an hour; seen red with places that count whether their owner lives or not."""
    house = busy.house
    asking = _started(house, "run", "now", "--wait")
    until(lambda: house.rows(WAITS), LONG)
    asking.kill()
    asking.communicate()
    owner = _let_it_count(house)
    house.play(6)
    since, runs = time.monotonic(), len(busy.workers)
    for worker in busy.workers:
        busy.break_off(worker)
    until(lambda: len(house.told()) > runs, LONG)
    took = time.monotonic() - since
    assert house.rows(WAITS) == [(owner,)], "nobody gave it back, and it does not count"
    print(f"who waited is killed: the next run asks its source {took:.1f} s later")  # noqa: T201
