"""A disk that is full: a run says so and changes no number, all can be read, and with room again the next is right."""

from __future__ import annotations

import signal
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
import pytest

from tests.bar.here import here, shown
from tests.bar.house import House, furnish, open_house, until
from tests.bar.oracle import assert_sound
from tests.bar.postgres_house import PostgresHouse
from tests.bar.small_disk import small_disk
from tests.servers.postgres import Postgres, postgres, running, started

__all__ = ["postgres"]

ROOMS = (0, 5, 20)  # pages
NEWEST = "SELECT value FROM observations ORDER BY id DESC LIMIT 1"
FULL_DISK = ("disk is full", "No space left")
SMALL = ("min_wal_size=32MB", "max_wal_size=48MB")
ENOUGH = 40  # runs after which some page is needed


def test_a_file_on_a_full_disk_can_be_read_and_takes_no_half_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen red without the second connection that keeps the index of the log in memory."""
    ended = []
    with small_disk(4) as disk:
        house = open_house(disk.folder)
        monkeypatch.syspath_prepend(str(disk.folder / "site"))
        assert here(house, "sync").code == 0
        for number, room in enumerate(ROOMS):
            before = shown(house)
            value = 10 + 2 * number
            house.play(value)
            with disk.full(room):
                ended.append(_refused(house))
                assert shown(house) == (before if ended[-1] else [value] * 2), f"with room for {room} pages"
            _heal(house, value + 1)
        counts = assert_sound(house)
    assert ended[0], "without any room nothing can be written"
    print(f"full disk under SQLite: {sum(ended)} of {len(ROOMS)} runs refused, {counts}")  # noqa: T201


def test_a_worker_outlives_a_full_disk_and_says_what_to_do() -> None:
    """Seen red with an engine that ends by what a wake-up raises, untold."""
    with small_disk(4) as disk:
        house = open_house(disk.folder, "every 1 s")
        log = house.folder / "worker.log"
        log.symlink_to(house.folder.parent / f"{house.folder.name}.log")  # a log needs room of its own
        try:
            with house.worker("--round", "1") as worker:
                until(lambda: "ok" in house.outcomes())
                house.play(6)
                with disk.full():
                    until(lambda: "disk is full. What to do: free some space" in house.log())
                    assert worker.poll() is None
                house.play(7)
                until(lambda: house.rows(NEWEST) == [(7.0,)])
                assert worker.poll() is None
                worker.send_signal(signal.SIGTERM)
                assert worker.wait(10) == 0
            print(f"full disk under a worker: {assert_sound(house)}")  # noqa: T201
        finally:
            log.resolve().unlink()


def test_a_database_on_a_full_disk_can_be_read_and_takes_no_half_run(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tables are on that disk; the server's log of changes is on another, or it would stop as a whole."""
    with small_disk(32) as disk:
        postgres.execute(f"CREATE TABLESPACE small LOCATION '{disk.folder}'", "CREATE DATABASE small TABLESPACE small")
        try:
            house = furnish(PostgresHouse(tmp_path, postgres.url("small")))
            monkeypatch.syspath_prepend(str(tmp_path / "site"))
            assert here(house, "sync").code == 0
            with disk.full():
                for number in range(10, ENOUGH):
                    before = shown(house)
                    house.play(number)
                    if refused := _refused(house):
                        break
                    before = [number] * 2
                assert shown(house) == before
            assert refused
            _heal(house, 9)
            counts = assert_sound(house)
        finally:
            postgres.execute("DROP DATABASE small WITH (FORCE)", "DROP TABLESPACE small")
    print(f"full disk under PostgreSQL: refused after {number - 10} runs, {counts}")  # noqa: T201


def test_a_server_whose_whole_disk_is_full_ends_and_loses_nothing(tmp_path: Path) -> None:
    """Its log of changes is on that disk, too: without room for it the server goes down, and can't begin either.

    What was told as saved is there afterwards, and a run that was refused left nothing and said what to do. Seen red
    where what the driver raises is not made an error of the store: the command said that it has a bug.
    """
    with small_disk(256) as disk, ExitStack() as lives:
        server = lives.enter_context(running(*SMALL, place=disk.folder))
        house = furnish(PostgresHouse(tmp_path, server.url()))
        saved = 5
        house.play(saved)
        assert house.run("sync").returncode == 0
        with disk.full():
            for number in range(10, ENOUGH):
                with suppress(psycopg.Error):
                    server.execute("SELECT pg_switch_wal()")  # what is left of a piece of the log is not filled
                house.play(number)
                refused = house.run("sync")
                if refused.returncode:
                    break
                saved = number
        assert refused.returncode == 4, refused.stderr
        assert "What to do" in refused.stderr
        if not server.answers():
            lives.enter_context(started(server, *SMALL))
        assert house.rows(NEWEST) == [(float(saved),)]
        house.play(9)
        assert house.run("sync").returncode == 0
        assert house.rows(NEWEST) == [(9.0,)]
        print(f"full disk under a whole server: {assert_sound(house)}")  # noqa: T201


def _refused(house: House) -> bool:
    """Do a run; return whether it said that the disk is full. It ends well otherwise."""
    done = here(house, "sync")
    assert done.code in {0, 4}, done.said
    if done.code:
        assert any(each in done.err for each in FULL_DISK), done.err
        assert "free some space" in done.err
    return done.code != 0


def _heal(house: House, value: int) -> None:
    house.play(value)
    healed = here(house, "sync")
    assert healed.code == 0, healed.said
    assert shown(house) == [value] * 2
