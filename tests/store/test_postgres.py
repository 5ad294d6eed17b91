"""What only a server does: it refuses, runs out of connections, restarts, and ends what is under way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import insert, make_url, select, text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlmodel import Session

from okr_sync.errors import StoreError
from okr_sync.store import Store
from okr_sync.store.failures import EXHAUSTED, store_error
from okr_sync.store.location import store_exists
from okr_sync.store.postgres import JUST_NOW, name_of
from okr_sync.store.statements import fetch, insert_all
from okr_sync.store.tables import ReportMark, sql
from tests.servers.postgres import GUARDED, OWNER, Postgres
from tests.store.builders import NOW

MARKS = sql(ReportMark)
pytestmark = pytest.mark.usefixtures("postgres")
MINE = text("SELECT pg_backend_pid()")
PREPARED = text("SELECT statement FROM pg_prepared_statements")
OFTEN = 5  # times; psycopg prepares what was asked as often


@pytest.fixture
def guarded(postgres: Postgres, template: str) -> Iterator[str]:
    """The address of a store whose user needs a password and may have one connection."""
    with postgres.fresh(template) as name:
        postgres.execute(f"CREATE ROLE {GUARDED} LOGIN CONNECTION LIMIT 1 PASSWORD 'right-one' IN ROLE {OWNER}")
        yield f"postgresql://{GUARDED}:%s@/{name}?host={postgres.folder}"
        postgres.execute(f"DROP OWNED BY {GUARDED}", f"DROP ROLE {GUARDED}")


def _names(store: Store) -> list[str]:
    with store.reading() as session:
        return [row["name"] for row in fetch(session, select(MARKS).order_by(MARKS.c.id))]


def _mark(store: Store, name: str) -> None:
    with store.writing() as session:
        session.connection().execute(insert(MARKS).values(name=name, at=NOW))


def _lose(session: Session) -> int:
    """Write what is not going to be committed; return the process that serves the session."""
    session.connection().execute(insert(MARKS).values(name="lost", at=NOW))
    return int(session.connection().execute(MINE).scalar_one())


def _refusal(store: Store) -> str:
    try:
        _mark(store, "after")
    except StoreError as error:
        return str(error)
    return ""


def _terminate(postgres: Postgres, process: int) -> None:
    postgres.execute(f"SELECT pg_terminate_backend({process})")


def test_a_wrong_password_is_told_without_it(guarded: str) -> None:
    with pytest.raises(StoreError, match=r"authentication failed.*correct user and password") as caught:
        Store.open(guarded % "s3cret")
    errors = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert "s3cret" not in " ".join(map(repr, errors))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://ana:s3cret@db.example:6543/okr?sslmode=require", "postgresql://ana@db.example:6543/okr"),
        ("postgresql:///okr?host=/run/postgresql&password=s3cret", "postgresql:///okr?host=/run/postgresql"),
    ],
)
def test_a_name_holds_where_the_store_is_and_no_secret(url: str, name: str) -> None:
    assert name_of(make_url(url)) == name


def test_a_server_without_a_free_connection_says_so_and_the_next_one_gets_it(guarded: str) -> None:
    url = guarded % "right-one"
    first = Store.open(url)
    with first.reading(), pytest.raises(StoreError, match=r"too many connections.*run fewer workers"):
        Store.open(url)
    first.close()
    assert Store.open(url).age() == "current"


def test_threads_that_find_no_free_connection_are_told_the_same() -> None:
    error = PoolTimeoutError("QueuePool limit of size 4 overflow 6 reached (Background on this error at: x)")
    assert EXHAUSTED in str(store_error(error, "postgresql:///okr"))


def test_a_backend_that_is_terminated_saves_nothing_and_the_next_transaction_heals(
    store: Store, postgres: Postgres
) -> None:
    with pytest.raises(StoreError, match="nothing of this transaction was saved"), store.writing() as session:
        _terminate(postgres, _lose(session))
    _mark(store, "after")
    assert _names(store) == ["after"]


def test_a_server_that_crashes_saves_nothing_and_is_used_again_when_it_is_back(store: Store) -> None:
    _mark(store, "before")
    with pytest.raises(StoreError, match="nothing of this transaction was saved"), store.writing() as session:
        os.kill(_lose(session), signal.SIGKILL)  # all other backends restart with it
    while postgres_says := _refusal(store):
        assert "the next run goes on from there" in postgres_says
    assert _names(store) == ["before", "after"]


def test_an_idle_connection_that_died_is_replaced_unseen(store: Store, postgres: Postgres) -> None:
    with store.reading() as session:
        idle = session.connection().execute(MINE).scalar_one()
    _terminate(postgres, idle)
    time.sleep(JUST_NOW)
    assert _names(store) == []


def test_a_reader_is_refused_when_it_writes(store: Store) -> None:
    with pytest.raises(StoreError, match=r"read-only transaction.*readers write nothing"), store.reading() as session:
        session.connection().execute(insert(MARKS).values(name="reader", at=NOW))


def test_what_readers_and_writers_ask_again_and_again_is_prepared_by_the_server_once(store: Store) -> None:
    """Seen red with a reader whose transaction is rolled back: psycopg forgets what was prepared, and begins anew."""
    for _ in range(2 * OFTEN):
        _mark(store, "again")
        assert _names(store)
    with store.reading() as session:
        statements = session.connection().execute(PREPARED).scalars().all()
    assert [each for each in statements if "SELECT report_marks" in each]
    assert [each for each in statements if "INSERT INTO report_marks" in each]


def test_a_database_that_is_not_there_is_named_and_never_made(postgres: Postgres) -> None:
    with pytest.raises(StoreError, match=r'database "nowhere" does not exist.*never a database'):
        Store.open(postgres.url("nowhere"))
    with pytest.raises(StoreError, match=r"No such file or directory|can't be reached"):
        Store.open("postgresql:///okr?host=/nowhere")


def test_a_missing_driver_is_answered_with_the_command_that_installs_it() -> None:
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from okr_sync.store import Store\n"
        "try: Store.open('postgresql:///okr')\n"
        "except Exception as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "pip install 'okr-sync[postgres]'" in said


def test_a_database_without_tables_is_no_store_yet(postgres: Postgres, url: str) -> None:
    with postgres.fresh() as name:
        assert not store_exists(postgres.url(name))
    assert store_exists(url)


def test_text_that_postgresql_does_not_take_is_kept_with_marks_in_its_place(store: Store) -> None:
    with store.writing() as session:
        insert_all(session, MARKS, [{"name": "a\0b\ud83d", "at": NOW}])
    assert _names(store) == ["a�b?"]
