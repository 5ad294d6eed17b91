"""What a command said is saved is there, however soon after it the server is killed."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from tests.bar.house import FULL, furnish
from tests.bar.oracle import assert_sound
from tests.bar.postgres_house import PostgresHouse
from tests.servers.postgres import crash, running, started

LAZY = ("wal_writer_delay=10s", "wal_writer_flush_after=0")  # what nobody waits for stays in memory for so long
KILLS = 20 if FULL else 3
METRICS = ("users", "sales")
VALUES = "SELECT value FROM observations ORDER BY id"


def test_what_a_run_said_is_saved_outlives_a_server_that_is_killed_at_once(tmp_path: Path) -> None:
    """Although the server's own setting is not to wait for its disk.

    Seen red without the setting that the store asks for on each connection: runs that had said ok were still under way.
    """
    with ExitStack() as lives:  # the files go when the first of them ends
        server = lives.enter_context(running(*LAZY))
        house = furnish(PostgresHouse(tmp_path, server.url()))
        acked = list(range(1, KILLS + 1))
        for value in acked:
            house.play(value)
            said = house.run("sync")
            assert said.returncode == 0, said.stderr
            crash(server)
            lives.enter_context(started(server, *LAZY))
        assert [value for (value,) in house.rows(VALUES)] == [float(value) for value in acked for _ in METRICS]
        assert house.outcomes() == ["ok"] * KILLS
        print(f"killed {KILLS} times at once after a run, nothing lost: {assert_sound(house)}")  # noqa: T201
