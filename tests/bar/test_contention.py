"""Many workers wake at the same instant: each slot has one run, and nobody else gets one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from okr_sync.store import Store
from tests.bar.house import FULL, ROOT, House
from tests.bar.oracle import assert_sound
from tests.bar.postgres_house import PostgresHouse
from tests.servers.postgres import database, postgres
from tests.store.empty import empty

__all__ = ["database", "postgres"]

STARTS = 1000 if FULL else 60
CONTENDER = """
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo
from okr_sync.core.slots import Interval
from okr_sync.schedule.claiming import Claimer
from okr_sync.store import Store
from okr_sync.store.ledger import finish_run

store, minute = Store.open(sys.argv[1]), timedelta(minutes=1)
claimer, begin = Claimer(store, minute, minute), datetime(2026, 10, 5, tzinfo=UTC)
print("ready", flush=True)
for line in sys.stdin:
    now = begin + int(line) * minute
    claimed = claimer.claim({"": Interval(minute)}, ZoneInfo("UTC"), now)
    if claimed is not None:
        with store.writing() as session:
            finish_run(session, claimed.run, now, "ok", "")
    print("" if claimed is None else claimed.run, flush=True)
"""


@pytest.fixture(params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    if request.param == "sqlite":
        empty(tmp_path / "okr-sync.db")
        return House(tmp_path)
    made = PostgresHouse(tmp_path, request.getfixturevalue("database"))
    Store.open(made.url).close()
    return made


@pytest.mark.parametrize("workers", [2, 10])
def test_of_many_workers_at_the_same_instant_one_does_the_run(workers: int, house: House) -> None:
    """Seen red on SQLite with transactions that don't begin as writers."""
    words = [sys.executable, "-c", CONTENDER, house.url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    processes = [subprocess.Popen(words, cwd=ROOT, **pipes) for _ in range(workers)]  # type: ignore[call-overload]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * workers
    winners = []
    for start in range(STARTS):
        for process in processes:
            process.stdin.write(f"{start}\n")
        said = [process.stdout.readline().strip() for process in processes]
        winners.append([number for number, each in enumerate(said) if each])
    for process in processes:
        process.communicate(timeout=30)
    assert [found for found in winners if len(found) != 1] == []
    assert house.outcomes() == ["ok"] * STARTS
    assert len(house.rows("SELECT DISTINCT due FROM slots")) == STARTS
    counts, shared = assert_sound(house), len({found[0] for found in winners})
    where = house.url.partition(":")[0]
    print(f"{where}: {workers} workers, {STARTS} contended starts: {counts}; {shared} of them won some")  # noqa: T201
