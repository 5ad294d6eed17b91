"""Connections to a file that are kept between the transactions of a run."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, insert, select, text
from sqlalchemy.exc import OperationalError

from okr_sync.errors import StoreError
from okr_sync.store import Store
from okr_sync.store.pooling import AloneConnection, KeepingPool
from okr_sync.store.tables import ReportMark, sql
from tests.store.builders import NOW
from tests.store.empty import new_store

MARKS = sql(ReportMark)


class Opened:
    """Opens connections to a file, and counts them."""

    def __init__(self, file: Path, kind: type[sqlite3.Connection] = sqlite3.Connection) -> None:
        self.file, self.kind, self.number = file, kind, 0

    def __call__(self) -> sqlite3.Connection:
        self.number += 1
        return sqlite3.connect(self.file, factory=self.kind, check_same_thread=False)


def _ask(pool: KeepingPool, times: int = 1, question: str = "SELECT 1") -> None:
    engine = create_engine("sqlite://", pool=pool)
    for _ in range(times):
        with engine.connect() as connection:
            connection.execute(text(question))


def _open_files(file: Path) -> int:
    """Return how often this process has `file` open."""
    count = 0
    for each in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            count += each.readlink() == file
    return count


def _marks(store: Store) -> int:
    with store.reading() as session:
        number: int = session.connection().execute(select(func.count()).select_from(MARKS)).scalar_one()
    return number


def _mark(store: Store) -> None:
    with store.writing() as session:
        session.connection().execute(insert(MARKS).values(name="weekly", at=NOW))


def test_while_somebody_keeps_them_transactions_one_after_another_share_a_connection(tmp_path: Path) -> None:
    opened = Opened(tmp_path / "one.db")
    pool = KeepingPool(opened, opened.file)
    _ask(pool, 5)
    assert opened.number == 5
    with pool.keeping():
        with pool.keeping():
            _ask(pool, 5)
        _ask(pool, 5)
    assert opened.number == 6, "the inner keeper closes nothing"
    _ask(pool)
    assert opened.number == 7


def test_a_connection_that_must_be_alone_with_its_file_is_closed_after_each_use(tmp_path: Path) -> None:
    """Seen red when `_is_kept` asks not for AloneConnection: then one such connection serves all five."""
    opened = Opened(tmp_path / "one.db", AloneConnection)
    pool = KeepingPool(opened, opened.file)
    with pool.keeping():
        _ask(pool, 5)
    assert opened.number == 5


def test_when_nobody_keeps_it_any_more_the_file_is_closed(tmp_path: Path) -> None:
    """Seen red when the last keeper leaves without `dispose`."""
    store = new_store(tmp_path / "okr-sync.db")
    with store.keeping():
        _mark(store)
        assert _open_files(store.path) == 1
        assert _marks(store) == 1
        assert _open_files(store.path) == 1
    assert _open_files(store.path) == 0
    assert [each.name for each in tmp_path.iterdir()] == ["okr-sync.db"], "its log is written back"


def test_threads_use_kept_connections_one_after_the_other_and_leave_none_behind(tmp_path: Path) -> None:
    store = new_store(tmp_path / "okr-sync.db")
    with store.keeping(), ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: _mark(store), range(40)))
        assert _marks(store) == 40
    assert _open_files(store.path) == 0


def test_a_store_that_vanishes_is_missed_also_while_connections_are_kept(tmp_path: Path) -> None:
    """Seen red when `_do_get` gives what waits without looking which file it is: then the write is acknowledged."""
    store = new_store(tmp_path / "okr-sync.db")
    with store.keeping():
        _mark(store)
        store.path.unlink()
        with pytest.raises(StoreError):
            _mark(store)


def test_a_store_that_another_one_replaced_is_not_read_any_more(tmp_path: Path) -> None:
    """Seen red like a store that vanishes."""
    store, other = new_store(tmp_path / "okr-sync.db"), new_store(tmp_path / "other.db")
    with store.keeping():
        _mark(store)
        for each in ("-wal", "-shm"):
            Path(f"{store.path}{each}").unlink()
        other.path.replace(store.path)
        assert _marks(store) == 0


def test_a_connection_in_which_a_statement_failed_is_not_used_again(tmp_path: Path) -> None:
    """Seen red without the listener `_spoil`."""
    store = new_store(tmp_path / "okr-sync.db")
    seen: list[object] = []
    with store.keeping():
        for question in ("SELECT 1", "SELECT no_such_column", "SELECT 1"):
            with suppress(StoreError), store.reading() as session:
                seen.append(session.connection().connection.dbapi_connection)
                session.connection().execute(text(question))
    assert seen[0] is seen[1]
    assert seen[1] is not seen[2]


def test_a_file_that_cannot_be_opened_says_so_while_connections_are_kept(tmp_path: Path) -> None:
    opened = Opened(tmp_path / "no folder" / "one.db")
    pool = KeepingPool(opened, opened.file)
    with pool.keeping(), pytest.raises(OperationalError):
        _ask(pool)
