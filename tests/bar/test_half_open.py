"""A server that is there and says nothing: connections have an end set, runs end in time, and the worker obeys."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from okr_sync.cli.exits import INTERRUPTED
from okr_sync.errors import StoreError
from okr_sync.schedule.procrastinate_engine import ProcrastinateEngine
from okr_sync.store import Store
from tests.bar.house import FULL, children, furnish, until
from tests.bar.oracle import assert_sound
from tests.bar.postgres_house import PostgresHouse
from tests.servers.postgres import OWNER, Postgres, postgres
from tests.servers.swallowing import Way, way_to

__all__ = ["postgres"]

NEWEST = "SELECT value FROM observations ORDER BY id DESC LIMIT 1"
ENDS = {
    "SO_KEEPALIVE": (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    "TCP_KEEPIDLE": (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),  # seconds
    "TCP_KEEPINTVL": (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),  # seconds
    "TCP_KEEPCNT": (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    "TCP_USER_TIMEOUT": (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 60_000),  # milliseconds
}
EXPECTED = {name: value for name, (_, _, value) in ENDS.items()}
DEADLINE = 60 if FULL else 15  # seconds
LATER = 20  # seconds, twice what is promised: a busy machine is slow


@pytest.fixture
def way(postgres: Postgres) -> Iterator[Way]:
    with way_to(postgres.folder / ".s.PGSQL.5432") as way:
        yield way


def _by(way: Way, database: str) -> str:
    return f"postgresql+psycopg://{OWNER}@127.0.0.1:{way.port}/{database}"


def _ends(descriptor: int) -> dict[str, int]:
    """Return what is set on the socket."""
    with closing(socket.socket(fileno=os.dup(descriptor))) as connection:
        return {name: connection.getsockopt(level, option) for name, (level, option, _) in ENDS.items()}


def test_what_ends_a_dumb_connection_is_set_on_the_sockets_of_store_and_queue(postgres: Postgres, way: Way) -> None:
    """Seen red without the words that the store adds to its address, and with a queue that takes the address alone."""

    async def of_the_pool() -> dict[str, int]:
        async with engine._opened() as app, app.connector.pool.connection() as connection:  # type: ignore[attr-defined]
            return _ends(connection.fileno())

    with postgres.fresh() as name:
        url = _by(way, name)
        with closing(Store.open(url)) as store, store.reading() as session:
            driver = session.connection().connection.driver_connection
            assert driver is not None
            assert _ends(driver.fileno()) == EXPECTED
        engine = ProcrastinateEngine(url, print)
        with engine._connected() as connection:
            assert _ends(connection.fileno()) == EXPECTED
        assert asyncio.run(of_the_pool()) == EXPECTED


def test_a_server_that_acknowledges_and_says_nothing_is_given_up_and_asked_anew_later(
    postgres: Postgres, way: Way
) -> None:
    """Whatever is on the way acknowledges all bytes, so neither keepalives nor the time-out of TCP end the connection.

    Seen red with psycopg's own connections: the transaction waits for ever. 150 s of silence are granted, here one.
    """
    with postgres.fresh() as name, closing(Store.open(_by(way, name))) as store:
        with store.writing() as session:
            store.take_time(session)
            driver: Any = session.connection().connection.driver_connection
            granted = [driver.longest]
        with store.reading():
            granted.append(driver.longest)
        assert granted == [None, 150.0]  # seconds
        with pytest.raises(StoreError, match=r"said nothing for 1 second.*start it or correct"):
            _ask_in_silence(store, way)
        assert driver.closed
        assert store.schema_version()


def _ask_in_silence(store: Store, way: Way) -> None:
    with store.reading() as session, way.swallowing():
        driver: Any = session.connection().connection.driver_connection
        driver.longest = 1.0
        session.connection().exec_driver_sql("SELECT 1")


def test_a_run_now_obeys_in_time_while_its_server_says_nothing(postgres: Postgres, way: Way, tmp_path: Path) -> None:
    """How its run ended can't be written, and the next worker says it.

    Seen red with the run watched over in the main thread: it hears of no signal until the server speaks.
    """
    with postgres.fresh() as name:
        seen = furnish(PostgresHouse(tmp_path, postgres.url(name)), "every 1 s")
        house = PostgresHouse(tmp_path, _by(way, name))
        house.play(5, seconds=2)
        with house.started("run", "now") as command:
            until(lambda: house.told() != [])
            with way.swallowing():
                asked = time.monotonic()
                command.send_signal(signal.SIGTERM)
                assert command.wait(LATER) == INTERRUPTED
                obeyed = time.monotonic() - asked
        assert way.swallowed
        seen.play(7)
        with seen.worker("--round", "1", "--lease", "1") as worker:
            until(lambda: seen.rows(NEWEST) == [(7.0,)])
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(10) == 0
        assert seen.outcomes()[0] == "interrupted"
        print(f"silent server: run now ended {obeyed:.1f} s after SIGTERM, {assert_sound(seen)}")  # noqa: T201


def test_a_run_whose_server_falls_silent_ends_in_time_and_its_worker_when_asked(
    postgres: Postgres, way: Way, tmp_path: Path
) -> None:
    """What it had under way is not there, and the next worker heals.

    Seen red with a clock whose end is waited for while it rings: the worker took 27 s. Ten are wanted and printed.
    """
    with postgres.fresh() as name:
        seen = furnish(PostgresHouse(tmp_path, postgres.url(name)), "every 1 s")
        house = PostgresHouse(tmp_path, _by(way, name))
        house.play(5)
        with house.worker("--round", "1", "--deadline", str(DEADLINE)) as worker:
            until(lambda: "ok" in seen.outcomes())
            house.play(6, seconds=2)
            until(lambda: 6 in [value for _, value in house.told()])
            [run] = children(worker.pid)
            with way.swallowing():
                silent = time.monotonic()
                until(lambda: not Path(f"/proc/{run}").exists(), DEADLINE + LATER)
                ended = time.monotonic() - silent
                asked = time.monotonic()
                worker.send_signal(signal.SIGTERM)
                assert worker.wait(LATER) == 0
                obeyed = time.monotonic() - asked
        assert way.swallowed
        assert 6.0 not in {value for (value,) in seen.rows("SELECT value FROM observations")}
        seen.play(7)
        with seen.worker("--round", "1") as worker:
            until(lambda: seen.rows(NEWEST) == [(7.0,)])
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(10) == 0
        print(  # noqa: T201
            f"silent server: its run ended after {ended:.1f} s (deadline: {DEADLINE} s), the worker {obeyed:.1f} s "
            f"after SIGTERM, {assert_sound(seen)}"
        )
