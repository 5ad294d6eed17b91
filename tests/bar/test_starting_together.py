"""Workers that are started at the same instant on a store that is not there yet: one makes it, all of them work."""

from __future__ import annotations

import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.bar.house import PATIENCE, House, furnish, open_house, until
from tests.bar.oracle import assert_sound
from tests.bar.postgres_house import PostgresHouse
from tests.servers.postgres import database, postgres

__all__ = ["database", "postgres"]

WORKERS = 4
LONG = 3 * PATIENCE  # several programs begin at once on a few processors
BEGUN = "the worker begins"


@pytest.fixture(params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    if request.param == "sqlite":
        return open_house(tmp_path)
    return furnish(PostgresHouse(tmp_path, request.getfixturevalue("database")))


def test_workers_that_start_at_once_on_a_store_that_is_not_there_all_work(house: House) -> None:
    """Seen red on PostgreSQL, thrice of three times, with a look at the queue's tables by `to_regclass`: it is answered
    from what the connection knew before it waited for its turn, and a worker ends with "already exists".
    """
    with ExitStack() as stack:
        workers = [stack.enter_context(house.worker("--round", "1")) for _ in range(WORKERS)]
        until(lambda: house.log().count(BEGUN) == WORKERS or _ended(workers), LONG)
        assert not _ended(workers), house.log()
        until(lambda: "ok" in house.outcomes(), LONG)
        assert not _ended(workers), house.log()
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        assert [worker.wait(10) for worker in workers] == [0] * WORKERS
    assert house.outcomes() == ["ok"]
    print(f"{WORKERS} workers at once: {assert_sound(house)}")  # noqa: T201


def _ended(workers: list[subprocess.Popen[str]]) -> list[int | None]:
    """Return how those ended that should work."""
    return [worker.poll() for worker in workers if worker.poll() is not None]
