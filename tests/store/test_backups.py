"""Laws of backups: one state, also while others write; the way back into either database, whole or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlmodel import Session

from okr_sync.core.facts import Reading
from okr_sync.errors import StoreError
from okr_sync.store import Store, copying
from okr_sync.store.backups import backup, restore
from okr_sync.store.checkins import check_in
from okr_sync.store.collecting import save_collected
from okr_sync.store.ledger import begin_run, finish_run, run, runs
from okr_sync.store.mirror import members
from okr_sync.store.results import latest_snapshot, save_snapshot
from okr_sync.store.statements import fetch
from okr_sync.store.tables import ReportMark, Table, sql
from okr_sync.store.verifying import verify
from tests.servers.postgres import Postgres
from tests.store.builders import HOUR, NOW, answered, item, pulled
from tests.store.older import RUN, at_revision
from tests.store.states import key_result, snapshot

MARKS = sql(ReportMark)


@pytest.fixture(params=["sqlite", "postgres"])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of another database that holds nothing yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'other.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.fresh() as name:
        yield server.url(name)


def _fill(store: Store) -> None:
    first = begin_run(store, NOW, "manual", HOUR, "host:1")
    with store.writing() as session:
        save_collected(session, first, pulled(item("1", points=2.5), item("2", state="done"), held={"e1": "1 2"}))
        save_collected(session, first, answered((Reading(0.1 + 0.2, NOW, "survey ✓"),)))
        check_in(session, NOW, "nps-20", "ana", confidence=7.0, note="on it")
        save_snapshot(session, first, snapshot(key_result()), slot=NOW)
        finish_run(session, first, NOW, "ok", "1 updated")


def _rows(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    with store.reading() as session:
        return {
            table.name: sorted((tuple(row.values()) for row in fetch(session, select(table))), key=repr)
            for table in Table.metadata.sorted_tables
        }


def test_what_is_restored_into_either_database_is_what_was_backed_up(store: Store, other: str, tmp_path: Path) -> None:
    _fill(store)
    done = backup(store, tmp_path / "kept.backup")
    assert restore(other, tmp_path / "kept.backup", NOW) == done
    back = Store.open(other, create=False)
    assert _rows(back) == _rows(store)
    assert sum(map(len, _rows(back).values())) == done.rows > 10
    with back.reading() as session, store.reading() as before:
        assert latest_snapshot(session, NOW) == latest_snapshot(before, NOW)
        assert verify(session) == ()


def test_a_restored_store_goes_on_counting(store: Store, other: str, tmp_path: Path) -> None:
    _fill(store)
    backup(store, tmp_path / "kept.backup")
    restore(other, tmp_path / "kept.backup", NOW)
    back = Store.open(other)
    assert begin_run(back, NOW + HOUR, "manual", HOUR, "host:1") == 2
    _mark(back, "after")


def test_a_backup_is_one_private_file_and_leaves_the_store_as_it_is(store: Store, tmp_path: Path) -> None:
    _fill(store)
    before, folder = _rows(store), tmp_path / "backups"
    folder.mkdir()
    backup(store, folder / "kept.backup")
    assert [path.name for path in folder.iterdir()] == ["kept.backup"]
    assert (folder / "kept.backup").stat().st_mode & 0o777 == 0o600
    assert _rows(store) == before


def test_a_file_that_is_there_is_replaced_when_asked_only(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "kept.backup"
    file.write_text("mine", "utf-8")
    with pytest.raises(StoreError, match=r"kept.backup is there already.*--force"):
        backup(store, file)
    assert file.read_text("utf-8") == "mine"
    assert backup(store, file, force=True).rows == 0


def test_a_folder_that_is_not_there_is_told(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"kept.backup can't be written.*choose a folder"):
        backup(store, tmp_path / "nowhere" / "kept.backup")


def test_a_backup_during_writes_holds_whole_transactions_and_verifies(store: Store, tmp_path: Path) -> None:
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            with store.writing() as session:
                session.connection().execute(insert(MARKS).values(name="one", at=NOW))
                session.connection().execute(insert(MARKS).values(name="two", at=NOW))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        counts = [_marks_of_a_backup(store, tmp_path / f"{number}.backup") for number in range(5)]
    finally:
        over.set()
        writer.join()
    assert all(count % 2 == 0 for count in counts)
    assert counts[-1] > counts[0]  # it was written to in between


def _marks_of_a_backup(store: Store, file: Path) -> int:
    backup(store, file)
    with Store.open(f"sqlite:///{file}", create=False).reading() as session:
        assert verify(session) == ()
        return int(session.connection().execute(select(func.count()).select_from(MARKS)).scalar_one())


def test_a_run_that_was_under_way_comes_back_closed_and_the_next_one_begins(
    store: Store, other: str, tmp_path: Path
) -> None:
    held = begin_run(store, NOW, "manual", HOUR, "elsewhere:1")
    backup(store, tmp_path / "kept.backup")
    restore(other, tmp_path / "kept.backup", NOW + HOUR / 2)
    back = Store.open(other)
    with back.reading() as session:
        found = run(session, held)
        assert found is not None
        assert (found.outcome, found.finished) == ("interrupted", NOW + HOUR / 2)
    assert begin_run(back, NOW + HOUR / 2, "manual", HOUR, "host:1") == held + 1


def test_a_store_that_holds_something_is_replaced_when_asked_only(store: Store, url: str, tmp_path: Path) -> None:
    _fill(store)
    backup(store, tmp_path / "kept.backup")
    kept = _rows(store)
    with store.writing() as session:
        check_in(session, NOW + HOUR, "nps-20", "ana", note="done by then")
    changed = _rows(store)
    with pytest.raises(StoreError, match="holds something already; --force replaces all of it"):
        restore(url, tmp_path / "kept.backup", NOW)
    assert _rows(store) == changed != kept
    restore(url, tmp_path / "kept.backup", NOW, force=True)
    assert _rows(store) == kept


@pytest.mark.parametrize("content", [b"", b"These are my notes.\n" * 500], ids=["empty", "notes"])
def test_what_is_no_backup_is_refused_and_the_store_stays(
    store: Store, url: str, tmp_path: Path, content: bytes
) -> None:
    _fill(store)
    before = _rows(store)
    (tmp_path / "notes.txt").write_bytes(content)
    with pytest.raises(StoreError, match=r"holds nothing|not a database"):
        restore(url, tmp_path / "notes.txt", NOW, force=True)
    with pytest.raises(StoreError, match=r"There is no backup .*nowhere"):
        restore(url, tmp_path / "nowhere", NOW, force=True)
    assert _rows(store) == before
    assert (tmp_path / "notes.txt").read_bytes() == content


def test_a_backup_that_breaks_a_law_is_refused_and_the_store_stays(store: Store, url: str, tmp_path: Path) -> None:
    _fill(store)
    file, before = tmp_path / "kept.backup", _rows(store)
    backup(store, file)
    with Store.open(f"sqlite:///{file}").writing() as session:
        session.connection().exec_driver_sql("UPDATE latest SET point = '{}'")
    with pytest.raises(StoreError, match="not sound: not so: the latest state is that of the newest point"):
        restore(url, file, NOW, force=True)
    assert _rows(store) == before


def test_a_backup_of_an_older_version_comes_up_on_its_way(url: str, tmp_path: Path) -> None:
    file = tmp_path / "older.backup"
    file.touch()
    with at_revision(f"sqlite:///{file}", "0001") as older:
        older.insert("runs", **RUN | {"finished": NOW}, summary="kept")
    before = file.read_bytes()
    restore(url, file, NOW)
    assert file.read_bytes() == before
    with Store.open(url, create=False).reading() as session:
        assert [each.summary for each in runs(session)] == ["kept"]


def test_a_restore_that_fails_half_way_leaves_the_store_as_it_was(store: Store) -> None:
    _fill(store)
    before = _rows(store)
    with pytest.raises(ZeroDivisionError), store.writing() as session:
        _clear_and_fail(session)
    assert _rows(store) == before
    with store.reading() as session:
        assert members(session, "tracker") == {"e1": frozenset({"1", "2"})}


def _clear_and_fail(session: Session) -> None:
    copying.clear(session)
    assert copying.rows(session) == 0
    raise ZeroDivisionError


def _mark(store: Store, name: str) -> None:
    with store.writing() as session:
        session.connection().execute(insert(MARKS).values(name=name, at=NOW))
