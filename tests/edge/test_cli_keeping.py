"""`backup`, `restore`, `verify` and `prune` as a person types them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from okr_sync.store.verifying import LAWS
from tests.edge.cli_play import Play, playing
from tests.servers.postgres import database, postgres

__all__ = ["database", "postgres"]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    """A synced company."""
    with playing(tmp_path, monkeypatch.setenv) as play:
        play.sync()
        yield play


def test_a_store_moves_to_postgresql_and_back_and_says_the_same(play: Play, tmp_path: Path, database: str) -> None:
    file, back = tmp_path / "one.backup", tmp_path / "back.db"
    said = play.run("status", "--as-of", "2030-01-01", "--json").out
    assert play.run("backup", str(file)).code == 0
    moved = play.run("restore", str(file), "--store", database)
    assert (moved.code, "rows of" in moved.out) == (0, True)
    assert play.run("status", "--as-of", "2030-01-01", "--json", "--store", database).out == said
    assert play.run("sync", "--store", database).out.splitlines()[0] == "= no change"
    assert play.run("verify", "--store", database).out == f"{len(LAWS)} laws hold\n"
    assert play.run("backup", str(tmp_path / "two.backup"), "--store", database, "--json").json()["rows"] > 20
    assert play.run("restore", str(tmp_path / "two.backup"), "--store", f"sqlite:///{back}").code == 0
    assert play.run("status", "--as-of", "2030-01-01", "--json", "--store", f"sqlite:///{back}").code == 0


def test_plan_on_an_empty_database_makes_no_table(play: Play, database: str) -> None:
    assert play.run("plan", "--store", database).code == 0
    ran = play.run("status", "--store", database)
    assert (ran.code, "is empty; run okr-sync sync first" in ran.err) == (4, True)


def test_what_is_there_is_replaced_with_force_only(play: Play, tmp_path: Path) -> None:
    file = str(tmp_path / "one.backup")
    assert play.run("backup", file).code == 0
    again = play.run("backup", file)
    assert (again.code, "--force" in again.err) == (4, True)
    kept = play.rows()
    play.sync()
    refused = play.run("restore", file)
    assert (refused.code, "--force replaces all of it" in refused.err) == (4, True)
    assert play.run("restore", file, "--force").code == 0
    assert play.rows() == kept


def test_a_store_that_is_not_sound_is_told_with_exit_code_4(play: Play) -> None:
    with closing(sqlite3.connect(play.store)) as connection, connection:
        connection.execute("UPDATE latest SET point = '{}' WHERE subject = 'guide-out'")
    ran = play.run("verify")
    assert (ran.code, "the latest state is that of the newest point (1 rows" in ran.out) == (4, True)
    assert play.run("verify", "--json").json()["flaws"][0]["rows"] == 1


def test_a_dry_run_of_prune_deletes_nothing(play: Play) -> None:
    play.sync()
    before = play.rows()
    told = play.run("prune", "--keep", "1 s", "--dry-run", "--json").json()
    assert told["dry_run"]
    assert play.rows() == before
    assert play.run("prune", "--keep", "1000 d").out == "deleted nothing\n"
    wrong = play.run("prune", "--keep", "long")
    assert (wrong.code, "--keep: expected a duration" in wrong.err) == (2, True)
