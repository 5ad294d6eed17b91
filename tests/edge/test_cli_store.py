"""A store that can't be used is named with what to do; one that can is written by one run at a time, all or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from okr_sync.cli.place import current_time
from okr_sync.store import ledger
from okr_sync.store.database import Store
from okr_sync.store.processes import this_process
from tests.edge.cli_play import Play, playing

LEDGER = {"runs", "run_sources", "run_entries"}


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    with playing(tmp_path, monkeypatch.setenv) as play:
        yield play


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("{folder}/numbers.csv/okrs.db", "does not exist; make it"),
        ("{folder}/nowhere/okrs.db", "does not exist; make it"),
        ("{folder}", "check the path and its permissions"),
        ("{folder}/numbers.csv", "file is not a database"),
        ("/proc/okrs.db", "choose a folder that this user may write"),
    ],
    ids=["below a file", "no folder", "a folder", "another file", "no writing there"],
)
def test_a_store_that_cannot_be_written_fails_the_sync_before_any_source_is_asked(
    play: Play, place: str, says: str
) -> None:
    numbers = (play.folder / "numbers.csv").read_bytes()
    where = place.format(folder=play.folder)
    ran = play.run("sync", "--store", f"sqlite:///{where}")
    assert (ran.code, ran.out) == (4, "")
    assert says in ran.err
    assert Path(where).name in ran.err or str(Path(where).parent) in ran.err
    assert (play.jira.log, play.github.log) == ([], [])
    assert (play.folder / "numbers.csv").read_bytes() == numbers


@pytest.mark.parametrize("command", ["status", "report", "runs", "explain x", "history x", "migrate"])
def test_a_reader_makes_no_store_and_says_what_fills_one(play: Play, command: str) -> None:
    ran = play.run(*command.split())
    assert (ran.code, ran.out) == (4, "")
    assert f"There is no store at {play.store}; run okr-sync sync first" in ran.err
    assert not play.store.exists()


def test_sources_of_a_store_that_is_not_there_yet_were_never_asked(play: Play) -> None:
    ran = play.run("sources", "--json")
    assert ran.code == 0
    assert {row["last_success"] for row in ran.json()["sources"]} == {None}
    assert not play.store.exists()


COMMANDS = [
    "sync",
    "plan",
    "status",
    "report",
    "runs",
    "sources",
    "migrate",
    "explain beta",
    "check-in guide-out --note x",
]
every_command = pytest.mark.parametrize("command", COMMANDS)


@every_command
def test_a_store_of_a_newer_version_is_left_as_it_is(play: Play, command: str) -> None:
    with closing(sqlite3.connect(play.store)) as connection:
        connection.executescript(
            "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('x9')"
        )
    before = play.bytes_of_store()
    ran = play.run(*command.split())
    assert (ran.code, ran.out) == (4, "")
    assert f"The store {play.store} was written by a newer okr-sync; use that version or a newer one." in ran.err
    assert play.bytes_of_store()["okrs.db"][100:] == before["okrs.db"][100:]  # beyond the header's marks


@every_command
def test_a_file_that_is_no_database_is_left_as_it_is(play: Play, command: str) -> None:
    play.store.write_text("Dear diary, today nobody updated the OKRs by hand.\n" * 40, "utf-8")
    before = play.bytes_of_store()
    ran = play.run(*command.split())
    assert (ran.code, ran.out) == (4, "")
    assert "file is not a database. What to do: point `store` to" in ran.err
    assert play.bytes_of_store() == before


@every_command
def test_a_database_of_another_program_is_left_as_it_is(play: Play, command: str) -> None:
    with closing(sqlite3.connect(play.store)) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    ran = play.run(*command.split())
    assert (ran.code, ran.out) == (4, "")
    assert "is a database of another program; point `store` to another path" in ran.err
    with closing(sqlite3.connect(play.store)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]


@pytest.mark.parametrize("address", ["mysql://okr@db/okr", "nonsense", "sqlite://", "sqlite:///:memory:"])
@pytest.mark.parametrize("command", ["sync", "plan", "status", "sources"])
def test_an_address_that_means_no_store_is_answered_with_one_that_does(play: Play, address: str, command: str) -> None:
    ran = play.run(command, "--store", address)
    assert (ran.code, ran.out) == (4, "")
    assert "sqlite:///okr-sync.db" in ran.err


def test_while_another_run_is_under_way_a_second_one_says_whose_and_until_when(play: Play) -> None:
    play.sync()
    store = Store.open(f"sqlite:///{play.store}")
    now = current_time()
    held = ledger.begin_run(store, now, "once", timedelta(minutes=12), this_process())
    before = play.rows()
    for words in (["sync"], ["check-in", "guide-out", "--confidence", "5"]):
        ran = play.run(*words)
        assert (ran.code, ran.out) == (5, "")
        assert f"Run {held} by {this_process()} is under way since" in ran.err
        assert f"at most until {now + timedelta(minutes=12):%H:%M:%S} UTC" in ran.err
    assert play.rows() == before  # not even the confidence was entered: the words can be typed again
    assert play.run("status").code == 0


def test_a_run_whose_process_died_is_closed_by_the_next_one(play: Play) -> None:
    play.sync()
    dead = this_process().rpartition(":")[0] + ":4194399"  # beyond the largest process id of Linux
    held = ledger.begin_run(Store.open(f"sqlite:///{play.store}"), current_time(), "once", timedelta(hours=1), dead)
    play.sync()
    shown = play.run("runs", str(held), "--json").json()
    assert (shown["outcome"], "ended before it was done" in shown["summary"]) == ("interrupted", True)


def test_plan_writes_nothing_and_makes_no_store(play: Play) -> None:
    files = sorted(play.folder.rglob("*"))
    ran = play.run("plan")
    changes = [line for line in ran.out.splitlines() if not line.startswith("Nothing was written")]
    assert ran.code == 0
    assert {line[:2] for line in changes} == {"+ "}
    assert {
        name for name in ("experience", "assistant-built", "guide-out", "launch") if f"+ {name}" not in ran.out
    } == set()
    assert sorted(play.folder.rglob("*")) == files
    synced = play.sync()
    assert changes == [line for line in synced.out.splitlines() if not line.startswith(("run ", "past since "))]


def test_plan_after_a_sync_shows_no_change_and_touches_no_byte_of_the_store(play: Play) -> None:
    play.sync()
    before = play.bytes_of_store()
    ran = play.run("plan")
    assert (ran.code, ran.out.splitlines()[0]) == (0, "= no change")
    assert play.bytes_of_store() == before
    play.tracker.finish(1)
    moved = play.run("plan")
    assert "~ assistant-built  value 50 → 100" in moved.out
    assert play.bytes_of_store() == before
    assert play.key_results()["assistant-built"]["value"] == 50


def _without_the_run(play: Play) -> dict[str, list[tuple[object, ...]]]:
    """All rows but those of the ledger, and sources without when they were last asked."""
    rows = {name: list(found) for name, found in play.rows().items() if name not in LEDGER}
    with closing(sqlite3.connect(play.store)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(source_states)")]
    moving = {"last_asked", "last_success", "cursor"}  # a cursor holds when it was given
    rows["source_states"] = [
        tuple(cell for cell, name in zip(row, columns, strict=True) if name not in moving)
        for row in rows["source_states"]
    ]
    return rows


def test_a_second_sync_of_an_unchanged_world_writes_nothing_but_its_run(play: Play) -> None:
    play.sync()
    play.sync()
    before = _without_the_run(play)
    ran = play.sync()
    assert ran.out.splitlines()[0] == "= no change"
    after = _without_the_run(play)
    assert {name for name in before if before[name] != after[name]} == set()
    assert [each["id"] for each in play.run("runs", "--json").json()["runs"]] == [3, 2, 1]
    assert sum(len(found) for found in before.values()) > 30  # there was something to compare


def test_a_full_sync_of_an_unchanged_world_changes_no_number(play: Play) -> None:
    play.sync()
    before = play.key_results()
    assert play.run("sync", "--full").out.splitlines()[0] == "= no change"
    still = ("value", "progress", "score", "status")
    assert [[each[key] for key in still] for each in play.key_results().values()] == [
        [each[key] for key in still] for each in before.values()
    ]


def test_migrate_of_a_store_of_this_version_has_nothing_to_do(play: Play) -> None:
    play.sync()
    before = play.bytes_of_store()
    ran = play.run("migrate")
    assert (ran.code, ran.out) == (0, "the store is up to date\n")
    assert play.run("migrate", "--json").json() == {"applied": []}
    assert play.bytes_of_store() == before
