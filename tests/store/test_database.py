"""Opening a store and its transactions."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import insert, select, update
from sqlmodel import Session

from okr_sync.errors import StoreError
from okr_sync.store import Store
from okr_sync.store.statements import fetch, fetch_one
from okr_sync.store.tables import Observation, ReportMark, Run, SourceRow, sql
from tests.store.builders import NOW, REVISIONS, running

MARKS, SOURCES, OBSERVATIONS = sql(ReportMark), sql(SourceRow), sql(Observation)


def _mark(store: Store, name: str) -> None:
    with store.writing() as session:
        session.connection().execute(insert(MARKS).values(name=name, at=NOW))


def _write_and_fail(session: Session) -> None:
    session.connection().execute(insert(MARKS).values(name="lost", at=NOW))
    raise ZeroDivisionError


def _names(store: Store) -> list[str]:
    with store.reading() as session:
        return [row["name"] for row in fetch(session, select(MARKS).order_by(MARKS.c.id))]


def test_a_new_store_is_made_migrated_and_private(url: str, file: Path, tmp_path: Path) -> None:
    store = Store.open(url)
    assert store.schema_version() == REVISIONS[-1]
    assert file.stat().st_mode & 0o777 == 0o600
    with store.writing() as session:
        session.connection().execute(insert(MARKS).values(name="a", at=NOW))
        journals = [path for path in tmp_path.iterdir() if path.name != "okr-sync.db"]
        assert journals, "nothing was written beside the store, so this test looks at nothing"
        assert all(path.stat().st_mode & 0o077 == 0 for path in journals)


def test_opening_an_existing_store_keeps_what_it_holds(url: str) -> None:
    _mark(Store.open(url), "weekly")
    assert _names(Store.open(url)) == ["weekly"]


def test_a_reader_never_makes_a_store(url: str, file: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no store at .*okr-sync.db; run okr-sync sync"):
        Store.open(url, create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"folder .*missing does not exist"):
        Store.open(f"sqlite:///{tmp_path}/missing/okr-sync.db")
    assert not (tmp_path / "missing").exists()


def test_a_place_where_no_file_can_be_made_is_refused() -> None:
    with pytest.raises(StoreError, match=r"can't be made: .*choose a folder"):
        Store.open("sqlite:////proc/okr-sync.db")


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("These are my notes.\n" * 100)
    with pytest.raises(StoreError, match=r"not a database.*point `store` to"):
        Store.open(f"sqlite:///{path}")
    assert path.read_text() == "These are my notes.\n" * 100


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE songs (title TEXT)")
    other.close()
    with pytest.raises(StoreError, match="database of another program"):
        Store.open(f"sqlite:///{path}")


def test_an_empty_store_left_by_a_crash_heals_for_writers_only(empty_url: str) -> None:
    with pytest.raises(StoreError, match="is empty; run okr-sync sync first"):
        Store.open(empty_url, create=False)
    assert Store.open(empty_url).schema_version() == REVISIONS[-1]


@pytest.mark.parametrize("url", ["postgresql://ana:s3cret@host:x/okr", "mysql://ana:s3cret@host/okr", "sqlite://", "x"])
def test_an_address_that_can_not_be_a_store_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StoreError, match=r"sqlite:///okr-sync\.db") as caught:
        Store.open(url)
    assert "s3cret" not in str(caught.value)


def test_a_store_that_vanishes_fails_and_never_comes_back_empty(store: Store, file: Path, tmp_path: Path) -> None:
    file.unlink()
    with pytest.raises(StoreError, match=r"unable to open.*restore a backup"), store.writing():
        pass  # pragma: no cover -- never reached
    assert list(tmp_path.iterdir()) == []


def test_an_exception_undoes_the_whole_transaction(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.writing() as session:
        _write_and_fail(session)
    assert _names(store) == []


def test_rehearsing_sees_its_own_writes_and_leaves_nothing(store: Store) -> None:
    with store.rehearsing() as session:
        session.connection().execute(insert(MARKS).values(name="plan", at=NOW))
        assert fetch_one(session, select(MARKS.c.name)) == {"name": "plan"}
    assert _names(store) == []


def test_what_a_reader_writes_is_refused_or_undone(store: Store) -> None:
    with suppress(StoreError), store.reading() as session:  # PostgreSQL refuses it at once
        session.connection().execute(insert(MARKS).values(name="reader", at=NOW))
    assert _names(store) == []


def test_a_reader_sees_one_state_while_others_write(store: Store) -> None:
    _mark(store, "before")
    with store.reading() as session:
        before = fetch(session, select(MARKS.c.name))
        _mark(store, "while reading")
        assert fetch(session, select(MARKS.c.name)) == before
    assert _names(store) == ["before", "while reading"]


def test_no_update_is_lost_when_six_threads_add_one_twenty_times(store: Store) -> None:
    with store.writing() as session:
        session.connection().execute(insert(SOURCES).values(name="n", fresh_seconds=0))
    start = threading.Barrier(6)

    def add(_thread: int) -> None:
        start.wait()
        for _ in range(20):
            with store.writing() as session:
                row = fetch_one(session, select(SOURCES.c.fresh_seconds))
                assert row is not None
                session.connection().execute(update(SOURCES).values(fresh_seconds=row["fresh_seconds"] + 1))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(6)))
    with store.reading() as session:
        assert fetch_one(session, select(SOURCES.c.fresh_seconds)) == {"fresh_seconds": 120.0}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_refused(store: Store, value: float) -> None:
    row = {"metric": "nps", "valid_time": NOW, "dated": True, "value": value, "recorded_at": NOW}
    with pytest.raises(StoreError, match="nothing of this transaction was saved"), store.writing() as session:
        session.connection().execute(insert(OBSERVATIONS).values(row))


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), "abc"])
def test_the_database_itself_refuses_infinite_numbers_and_text(store: Store, file: Path, value: object) -> None:
    other = sqlite3.connect(file)
    with pytest.raises(sqlite3.IntegrityError, match="ck_observations_value_finite"):
        other.execute(
            "INSERT INTO observations (metric, valid_time, dated, value, evidence, retracted, recorded_at)"
            " VALUES ('nps', '2026-10-05', 1, ?, '', 0, '2026-10-05')",
            [value],
        )
    other.close()


def test_a_damaged_store_says_so(store: Store, file: Path) -> None:
    _mark(store, "weekly")
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)
    with pytest.raises(StoreError, match="restore a backup"):
        _names(store)


def test_a_path_may_hold_any_sign_when_the_address_quotes_it(tmp_path: Path) -> None:
    folder = tmp_path / "a b%20c#d&e;ü?f"
    folder.mkdir()
    url = f"sqlite:///{quote(str(folder))}/okr-sync.db"
    _mark(Store.open(url), "weekly")
    assert [path.name for path in folder.iterdir()] == ["okr-sync.db"]
    assert _names(Store.open(url, create=False)) == ["weekly"]


def test_a_new_file_that_another_holds_is_waited_for(tmp_path: Path) -> None:
    """Without Retrying in sqlite._set_up it is locked at once: SQLite doesn't wait here. Seen red so."""
    file = tmp_path / "okr-sync.db"
    file.touch()
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.2, lambda: other.execute("ROLLBACK"))
        timer.start()
        assert Store.open(f"sqlite:///{file}").schema_version() == REVISIONS[-1]
        timer.join()


def test_eight_threads_that_open_a_new_store_at_once_all_get_it(empty_url: str) -> None:
    start = threading.Barrier(8)

    def version(_thread: int) -> str:
        start.wait()
        return Store.open(empty_url).schema_version()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(version, range(8))) == [REVISIONS[-1]] * 8


def test_what_is_rolled_back_to_a_savepoint_was_never_there(store: Store) -> None:
    """Red where the session keeps the connection that it had before the savepoint: nothing is taken back."""
    with store.writing() as session:
        running(session)
        nested = session.begin_nested()
        running(session)
        nested.rollback()
        running(session)
    with store.reading() as session:
        assert len(fetch(session, select(sql(Run)))) == 2
