"""A store in one SQLite file: where it is, how it is made, and how its connections and transactions begin."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from time import monotonic
from typing import TypeVar
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event

from okr_sync.errors import StoreError
from okr_sync.store.modes import writes
from okr_sync.store.pooling import SPOILT, AloneConnection, FrozenConnection, KeepingPool

AnyConnection = TypeVar("AnyConnection", bound=sqlite3.Connection)

BUSY_MS = 30_000  # how long a writer waits for another one, in milliseconds
PATIENCE_MS = 500  # how long the log waits for readers before it is left as it is
TURN_S = 0.05  # at most, until a new file is tried again that others make ready too
CACHE_KB = 16_384  # of a connection; with SQLite's own 2,000 the indexes of a large site don't fit in
PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_MS}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA cache_size = -{CACHE_KB}",
)
NO_ROOM = {"SQLITE_IOERR_SHMOPEN", "SQLITE_IOERR_SHMSIZE"}  # on the disk, for the index of the write-ahead log
ALONE = "PRAGMA locking_mode = EXCLUSIVE"


def path_of(url: URL) -> Path:
    """Return the file that an address names. Raises StoreError when it names none that lasts."""
    if url.database in {None, "", ":memory:"}:
        raise StoreError("The store needs a file that lasts; write its address like sqlite:///okr-sync.db.")
    return Path(str(url.database)).absolute()


def require_file(path: Path, *, create: bool) -> None:
    """Make the file (mode 0600) if it is not there and `create` allows it; raises StoreError otherwise."""
    if path.exists():
        return
    if not create:
        raise StoreError(f"There is no store at {path}; run okr-sync sync first, or correct `store` in the config.")
    if not path.parent.is_dir():
        raise StoreError(f"The folder {path.parent} does not exist; make it, or correct `store` in the config.")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(
            f"The store {path} can't be made: {error.strerror}; choose a folder that this user may write."
        ) from error


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection to a file that is there; threads may use it, one after the other."""
    return _connect(path, sqlite3.Connection)


def _connect(path: Path, kind: type[AnyConnection], how: str = "mode=rw") -> AnyConnection:
    # mode=rw: a store that vanishes while we run must fail, never come back as a new empty one.
    address = f"file:{quote(str(path))}?{how}"
    timeout = BUSY_MS / 1000
    return sqlite3.connect(
        address, uri=True, isolation_level=None, timeout=timeout, check_same_thread=False, factory=kind
    )


def engine_of(path: Path) -> Engine:
    """Return the engine for a file that is there; each transaction under way has a connection of its own."""
    engine = create_engine("sqlite://", pool=KeepingPool(lambda: _set_up(path), path))
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _spoil)
    return engine


def shrink_log(connection: sqlite3.Connection) -> bool:
    """Bring the write-ahead log home and give its room back to the disk; return False when somebody still reads in it.

    Writers wait while it waits for readers, so it doesn't for long.
    """
    connection.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return int(busy) == 0


def keeping(engine: Engine) -> AbstractContextManager[None]:
    """Let the transactions that follow use the connections of those before, until the end."""
    pool = engine.pool
    return pool.keeping() if isinstance(pool, KeepingPool) else nullcontext()


def _set_up(path: Path) -> sqlite3.Connection:
    """Return a connection that is ready for work.

    Several that turn a new file to its log at once hear that it is locked without SQLite having waited: they wait here.
    """
    began = monotonic()
    try:
        return _ready(path)
    except sqlite3.OperationalError as error:
        if not _is_busy(error) or monotonic() - began > BUSY_MS / 2000:  # SQLite did wait
            raise
    from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random  # noqa: PLC0415 -- seldom needed

    patient = stop_after_delay(BUSY_MS / 1000)
    return Retrying(retry=retry_if_exception(_is_busy), stop=patient, wait=wait_random(0, TURN_S), reraise=True)(
        _ready, path
    )


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorname.startswith("SQLITE_BUSY")


def _ready(path: Path) -> sqlite3.Connection:
    """Return a connection with all settings.

    Alone with the file SQLite keeps the index of its log in memory, so that on a full disk readers read on, and writers
    hear what is wrong. On a disk that is mounted read-only it reads the file as one that nobody changes.
    """
    try:
        return _applied(connect(path), PRAGMAS)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname in NO_ROOM:
            return _applied(_connect(path, AloneConnection), (PRAGMAS[0], ALONE, *PRAGMAS[1:]))
        if error.sqlite_errorname == "SQLITE_CANTOPEN" and _is_frozen(path):
            return _applied(_connect(path, FrozenConnection, "mode=ro&immutable=1").look_at(path), PRAGMAS[3:])
        raise


def _is_frozen(path: Path) -> bool:
    """Return whether the file is whole by itself, on a disk that is mounted read-only: SQLite cannot make its log."""
    log = path.with_name(f"{path.name}-wal")
    try:
        mounted = os.statvfs(path).f_flag & os.ST_RDONLY
        return bool(mounted) and not (log.exists() and log.stat().st_size)
    except OSError:
        return False


def _applied(connection: sqlite3.Connection, pragmas: Sequence[str]) -> sqlite3.Connection:
    try:
        for pragma in pragmas:
            connection.execute(pragma)
    except BaseException:
        connection.close()
        raise
    return connection


def _begin(connection: Connection) -> None:
    # A deferred BEGIN that turns into a write loses updates; see docs/store.md.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes(connection) else "BEGIN")


def _spoil(context: ExceptionContext) -> None:
    """What failed once may fail again for the same reason: the connection is closed when it is given back."""
    if context.connection is not None:
        context.connection.info[SPOILT] = True
