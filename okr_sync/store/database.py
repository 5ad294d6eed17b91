"""Opens the store and gives out transactions; the only module that knows which database is behind it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, StatementError
from sqlmodel import Session

from okr_sync.errors import StoreError
from okr_sync.store import schema
from okr_sync.store.failures import store_error

BUSY_MS = 30_000  # how long a writer waits for another one, in milliseconds
PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_MS}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)
WRITES = "okr_sync_writes"


class Store:
    """An opened store. Every transaction has its own connection, so a store may be shared by threads."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self._engine = engine

    @classmethod
    def open(cls, url: str, *, create: bool = True, allow_older: bool = False) -> Store:
        """Return the store at `url` (`sqlite:///path/to/file.db`).

        With `create`, a file that is not there yet is made (mode 0600) if its folder exists; readers leave that
        off. `allow_older` opens a store of an older schema too, for `migrate`. Raises StoreError otherwise.
        """
        path = _path(_parsed(url))
        if not path.exists():
            _create_file(path, create=create)
        store = cls(path, _engine(path))
        store._check(create=create, allow_older=allow_older)
        return store

    def migrate(self) -> tuple[str, ...]:
        """Bring the schema to the newest revision in one transaction; return the revisions applied, oldest first."""
        with self._transaction(writes=True) as session:
            connection = session.connection()
            schema.require(schema.age(connection), str(self.path), allow_older=True)
            applied = schema.upgrade(connection)
            session.commit()
        return applied

    def schema_version(self) -> str:
        """Return the revision of the schema; empty text when there is none yet."""
        with self.reading() as session:
            return schema.revision(session.connection()) or ""

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session that sees one state of the store for as long as it lasts; whatever it writes is undone."""
        with self._transaction(writes=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Give the only session that writes; what it did is committed at the end, or nothing after an exception."""
        with self._transaction(writes=True) as session:
            yield session
            session.commit()

    @contextmanager
    def rehearsing(self) -> Iterator[Session]:
        """Give a session that writes like `writing`, and undo everything at the end."""
        with self._transaction(writes=True) as session:
            yield session

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Session]:
        engine = self._engine.execution_options(**{WRITES: writes})
        try:
            with Session(engine, expire_on_commit=False) as session:
                session.connection()  # begins at once, so that a writer waits here and not half way
                yield session
        except StatementError as error:
            raise store_error(error, str(self.path)) from error

    def _check(self, *, create: bool, allow_older: bool) -> None:
        with self.reading() as session:
            age = schema.age(session.connection())
        if age == "empty" and create:
            self.migrate()
        else:
            schema.require(age, str(self.path), allow_older=allow_older)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError("The store's address can't be read; write it like sqlite:///okr-sync.db.") from error
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite"}:
        raise StoreError(f"A store in {parsed.drivername} is not supported yet; write sqlite:///okr-sync.db.")
    return parsed


def _path(url: URL) -> Path:
    if url.database in {None, "", ":memory:"}:
        raise StoreError("The store needs a file that lasts; write its address like sqlite:///okr-sync.db.")
    return Path(str(url.database)).absolute()


def _create_file(path: Path, *, create: bool) -> None:
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


def _engine(path: Path) -> Engine:
    # mode=rw: a store that vanishes while we run must fail, never come back as a new empty one.
    address = f"file:{quote(str(path))}?mode=rw"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(address, uri=True, isolation_level=None, timeout=BUSY_MS / 1000),
        poolclass=NullPool,
    )
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: sqlite3.Connection, _record: Any) -> None:
    for pragma in PRAGMAS:
        connection.execute(pragma)


def _begin(connection: Connection) -> None:
    # A deferred BEGIN that turns into a write loses updates; see docs/store.md.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
