"""A store in a PostgreSQL database: its name without secrets, and how its connections and transactions begin.

Writers take one lock of the whole database first, so that they come one after the other as they do on SQLite: a run
reads what is there, decides, and writes, and with two at once one of both decisions would rest on what is no longer so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from time import monotonic
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import InvalidatePoolError

from okr_sync.errors import StoreError
from okr_sync.store.modes import writes

DRIVERS = frozenset({"postgresql", "postgresql+psycopg", "postgres"})
WRITER = 0x6F6B72  # the key of the advisory lock that a writer holds until its transaction ends ("okr")
SETTINGS = {
    "lock_timeout": "30s",  # how long a writer waits for another one
    "statement_timeout": "120s",
    "idle_in_transaction_session_timeout": "60s",  # a worker that was stopped must not hold the writers' lock
    "timezone": "UTC",
}
DURABLE = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
"""What was committed is kept, also by a server that was told to hurry."""
CONNECTING = {
    "application_name": "okr-sync",
    "connect_timeout": "10",  # seconds
    "keepalives": "1",
    "keepalives_idle": "30",  # seconds
    "keepalives_interval": "10",  # seconds
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",  # milliseconds until bytes that nobody acknowledges end the connection
}
LONGEST = "30min"  # for one index to be built
ENTRY = 28.3  # bytes of a full index of points an entry: 8 + 4 + 8 (padded) and a line pointer, and the page's own
FILL = 95
"""Per cent to which pages of an index of points are filled. The next points come in the middle, series by series: full
pages would all be split by those of one day, and the index would be a sixth larger the day after.
"""
LOOSE = """
    SELECT pg_relation_size(oid) > 131072 + 1.12 * %s * greatest(reltuples, 0)
    FROM pg_class WHERE relname = %s AND relnamespace = current_schema()::regnamespace
"""
LEFT = """
    SELECT relname FROM pg_class JOIN pg_index ON indexrelid = oid
    WHERE NOT indisvalid AND relname ~ %s AND relnamespace = current_schema()::regnamespace
"""
POOL = {"pool_size": 4, "max_overflow": 6, "pool_timeout": 30, "pool_recycle": 1800}
"""At most ten connections a process; the eleventh waits 30 s."""
SERVED = "okr_sync_served"
JUST_NOW = 0.5  # seconds; a run has dozens of transactions one after the other
REPEATABLE_READ = 3  # psycopg's number


def name_of(url: URL) -> str:
    """Return the address as messages may show it: without password and without options."""
    socket = {"host": url.query["host"]} if not url.host and "host" in url.query else {}
    shown = URL.create(
        "postgresql", username=url.username, host=url.host, port=url.port, database=url.database, query=socket
    )
    return shown.render_as_string().replace("%2F", "/")


def engine_of(url: URL) -> Engine:
    """Return the engine for a database; it connects when it is used. Raises StoreError when the driver is missing."""
    if find_spec("psycopg") is None:
        raise StoreError("A store on PostgreSQL needs its driver; install it: pip install 'okr-sync[postgres]'.")
    whole = url.set(drivername="postgresql+psycopg", query={**CONNECTING, **url.query})
    engine = create_engine(whole, hide_parameters=True, **POOL)
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "checkin", _hear_again)
    event.listen(engine, "checkout", partial(_look_alive, engine.dialect))
    event.listen(engine, "begin", _begin)
    return engine


def connection_words(url: URL) -> dict[str, Any]:
    """Return what to connect with, as keywords of psycopg: for connections that are not the store's own."""
    whole = url.set(drivername="postgresql+psycopg", query={**CONNECTING, **url.query})
    return dict(whole.get_dialect()().create_connect_args(whole)[1])


def unhurried(connection: Connection) -> None:
    """Let the statements of this transaction take as long as they need: migrations, backups."""
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
    driver: Any = connection.connection.driver_connection
    driver.longest = None


def pack(connection: Connection, index: str) -> None:
    """Build an index anew, with pages as full as FILL says; who reads by it waits meanwhile."""
    connection.exec_driver_sql(f"ALTER INDEX {index} SET (fillfactor = {FILL})")
    connection.exec_driver_sql(f"REINDEX INDEX {index}")


def pack_beside(connection: Any, index: str) -> bool:
    """Build an index anew beside the old one, which serves meanwhile, if it is far from full; return whether it did.

    `connection` is psycopg's, in no transaction. What an interrupted one left is removed: it would be kept up for ever.
    """
    # What it waits for are transactions that began before; nobody waits for it.
    connection.execute("SET lock_timeout = 0")
    connection.longest = None
    connection.execute(f"SET statement_timeout = '{LONGEST}'")
    for (name,) in connection.execute(LEFT, [f"^{index}_cc(new|old)[0-9]*$"]).fetchall():
        connection.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{name}"')
    (loose,) = connection.execute(LOOSE, [ENTRY, index]).fetchone()
    if loose:
        connection.execute(f"ALTER INDEX {index} SET (fillfactor = {FILL})")
        connection.execute(f"REINDEX INDEX CONCURRENTLY {index}")
    return bool(loose)


def _connect(_dialect: Any, _record: Any, arguments: Sequence[Any], words: Mapping[str, Any]) -> Any:
    from okr_sync.store.hearing import HearingConnection  # noqa: PLC0415 -- the driver is not always installed

    return HearingConnection.connect(*arguments, **words)


def _hear_again(connection: Any, record: Any) -> None:
    if connection is not None:  # else it is lost
        connection.longest = connection.LONGEST
        record.info[SERVED] = monotonic()


def _look_alive(dialect: Any, connection: Any, record: Any, _proxy: Any) -> None:
    """Let the pool replace a connection that died while it was idle, unseen; one that served just now is not asked."""
    if monotonic() - record.info[SERVED] < JUST_NOW:
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise InvalidatePoolError from error


def _set_up(connection: Any, record: Any) -> None:
    record.info[SERVED] = monotonic()
    connection.autocommit = True  # else the settings would go with the first transaction that is rolled back
    for name, value in SETTINGS.items():
        connection.execute("SELECT set_config(%s, %s, false)", [name, value])
    connection.execute(DURABLE)
    connection.autocommit = False


def _begin(connection: Connection) -> None:
    """Say with the BEGIN what kind of transaction it is: a statement of its own would be a way more to the server."""
    driver: Any = connection.connection.driver_connection
    reads = not writes(connection)
    if bool(driver.read_only) is not reads:
        driver.read_only, driver.isolation_level = (True, REPEATABLE_READ) if reads else (None, None)
    if not reads:
        # READ COMMITTED: what is read after the lock is what the last writer left.
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER})")
