"""The queue's tables: made once, brought up to date, and no part of what a store is."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from okr_sync.store import Store, backups, queue, schema, verifying
from tests.bar.house import until
from tests.servers.postgres import Postgres
from tests.store.builders import NOW

MARK = text("SELECT obj_description('procrastinate_jobs'::regclass)")
WAITING = text("""
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'
""")
FUNCTIONS = text("SELECT count(*) FROM pg_proc WHERE proname = 'procrastinate_retry_job_v2'")


def _mark(store: Store, said: str) -> None:
    with store.writing() as session:
        session.connection().exec_driver_sql(f"COMMENT ON TABLE procrastinate_jobs IS {said}")


def test_its_tables_are_made_once(store: Store, postgres: Postgres) -> None:
    assert store.prepare_queue() is True
    assert store.prepare_queue() is False
    assert store.age() == "current"
    with store.reading() as session:
        assert str(session.connection().execute(MARK).scalar_one()).startswith(queue.MARK)


def test_two_workers_that_make_them_at_once_make_them_once(store: Store, url: str, postgres: Postgres) -> None:
    """With `to_regclass` in queue.SAID the second one finds what it knew before it waited, and fails; seen red so."""
    with ThreadPoolExecutor(1) as pool, closing(Store.open(url)) as second:
        with store.writing() as session:
            made = pool.submit(second.prepare_queue)
            until(lambda: _waits_for_the_writer(session))
            assert queue.upgrade(session.connection()) is True
        assert made.result() is False


def _waits_for_the_writer(session: Session) -> bool:
    return int(session.connection().execute(WAITING).scalar_one()) == 1


def test_tables_of_an_older_release_get_what_they_lack(store: Store, postgres: Postgres) -> None:
    """Without the scripts that are newer than the mark, the newest function is missing; seen red so."""
    folder = resources.files("procrastinate") / "sql/migrations"
    scripts = sorted(each.name for each in folder.iterdir() if each.name.endswith(".sql"))
    older = [each for each in scripts if each.partition("_")[0] != scripts[-1].partition("_")[0]]
    assert 0 < len(older) < len(scripts)
    for name in older:
        with store.writing() as session:
            driver: Any = session.connection().connection.driver_connection
            driver.execute((folder / name).read_text("utf-8").encode())
    _mark(store, f"'{queue.MARK}{older[-1]}'")
    with store.reading() as session:
        assert session.connection().execute(FUNCTIONS).scalar_one() == 0
    assert store.prepare_queue() is True
    assert store.prepare_queue() is False
    with store.reading() as session:
        assert session.connection().execute(FUNCTIONS).scalar_one() == 1
        assert session.connection().execute(MARK).scalar_one() == f"{queue.MARK}{scripts[-1]}"


def test_tables_that_somebody_else_keeps_stay_as_they_are(store: Store, postgres: Postgres) -> None:
    store.prepare_queue()
    _mark(store, "'ours'")
    assert store.prepare_queue() is False
    with store.reading() as session:
        assert session.connection().execute(MARK).scalar_one() == "ours"


def test_backup_verify_and_restore_do_not_see_it(store: Store, url: str, postgres: Postgres, tmp_path: Path) -> None:
    store.prepare_queue()
    backups.backup(store, tmp_path / "backup.db")
    with closing(Store.open(f"sqlite:///{tmp_path / 'backup.db'}")) as copy, copy.reading() as session:
        assert not [name for name in schema._tables(session.connection()) if name.startswith(schema.BESIDE)]
    backups.restore(url, tmp_path / "backup.db", NOW, force=True)
    with store.reading() as session:
        assert verifying.verify(session) == ()
        assert queue.is_current(session.connection())


def test_a_database_that_holds_only_a_queue_is_an_empty_store(empty_url: str, postgres: Postgres) -> None:
    with closing(Store.open(empty_url)) as store:
        store.prepare_queue()
        with store.writing() as session:
            for name in schema._tables(session.connection()):
                if not name.startswith(schema.BESIDE):
                    session.connection().exec_driver_sql(f"DROP TABLE {name} CASCADE")
        assert store.age() == "empty"


def test_without_its_library_it_says_what_to_install() -> None:
    missing = (
        "import sys; sys.modules['procrastinate'] = None; from okr_sync.store import queue; queue.require_installed()"
    )
    done = subprocess.run([sys.executable, "-c", missing], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "StoreError: Workers on PostgreSQL share a queue that is not installed" in done.stderr
    assert "pip install 'okr-sync[postgres]'" in done.stderr
