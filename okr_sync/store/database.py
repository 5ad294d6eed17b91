"""Opens the store and gives out transactions, on SQLite or PostgreSQL."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import SessionTransaction
from sqlmodel import Session

from okr_sync.errors import StoreError
from okr_sync.store import newest, postgres, queue, schema, sqlite
from okr_sync.store.failures import store_error
from okr_sync.store.modes import marked

EXAMPLES = "sqlite:///okr-sync.db or postgresql://okr@db.example/okr"


class _Session(Session):
    """A session that asks for its connection once: to ask again before each statement costs a fifth of a short one."""

    _own: Connection | None = None

    def connection(self, *args: Any, **kwargs: Any) -> Connection:
        """Return the connection of the transaction under way, which begins when there is none."""
        if self._own is None or self._own.closed:
            self._own = super().connection(*args, **kwargs)
        return self._own

    def begin_nested(self) -> SessionTransaction:
        """Begin a savepoint: it is there once the session asks for its connection anew."""
        self._own = None
        return super().begin_nested()


class Store:
    """An opened store. Every transaction has its own connection, so a store may be shared by threads.

    `name` says in messages which store it is, without any secret.
    """

    def __init__(self, name: str, engine: Engine, file: Path | None = None) -> None:
        self.name = name
        self._engine = engine
        self._modes = {writes: marked(engine, writes=writes) for writes in (False, True)}
        self._file = file
        self._close = weakref.finalize(self, engine.dispose)

    @classmethod
    def open(cls, url: str, *, create: bool = True, allow_older: bool = False) -> Store:
        """Return the store at `url` (`sqlite:///path/to/file.db`, `postgresql://user@host/database`).

        With `create`, a file that is not there yet is made (mode 0600) if its folder exists, and an empty database is
        filled with tables; readers leave that off. `allow_older` opens a store of an older schema too, for `migrate`.
        Raises StoreError otherwise.
        """
        store = cls._at(_parsed(url), create=create)
        try:
            store._check(create=create, allow_older=allow_older)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def _at(cls, url: URL, *, create: bool) -> Store:
        if url.drivername in postgres.DRIVERS:
            return cls(postgres.name_of(url), postgres.engine_of(url))
        path = sqlite.path_of(url)
        sqlite.require_file(path, create=create)
        return cls(str(path), sqlite.engine_of(path), path)

    @property
    def path(self) -> Path:
        """The file of a store on SQLite. Raises StoreError for one on PostgreSQL."""
        if self._file is None:
            raise StoreError(f"The store {self.name} is no file; this works with a store on SQLite only.")
        return self._file

    @property
    def is_file(self) -> bool:
        """Whether the store is on SQLite."""
        return self._file is not None

    def close(self) -> None:
        """Give back idle connections; a store that nobody holds any more is closed by itself."""
        self._close()

    def age(self) -> schema.Age:
        """Return how the schema compares with the newest one."""
        with self.reading() as session:
            return schema.age(session.connection())

    def migrate(self) -> tuple[str, ...]:
        """Bring the schema to the newest revision in one transaction; return the revisions applied, oldest first.

        A database that holds nothing gets the newest one at once.
        """
        with self._transaction(writes=True) as session:
            connection = session.connection()
            age = schema.age(connection)
            schema.require(age, self.name, allow_older=True)
            self.take_time(session)
            applied = newest.fill(connection) if age == "empty" else schema.upgrade(connection)
            session.commit()
        return applied

    def prepare_queue(self) -> bool:
        """Make the tables of the queue that many workers share, or bring them up to date; return whether it did.

        A store on SQLite has none. Raises StoreError when Procrastinate is not installed.
        """
        if self.is_file:
            return False
        queue.require_installed()
        with self.reading() as session:
            if queue.is_current(session.connection()):
                return False
        with self.writing() as session:
            self.take_time(session)
            return queue.upgrade(session.connection())

    def take_time(self, session: Session) -> None:
        """Let the statements of a transaction take as long as they need: for migrations and backups."""
        if not self.is_file:
            postgres.unhurried(session.connection())

    def schema_version(self) -> str:
        """Return the revision of the schema; empty text when there is none yet."""
        with self.reading() as session:
            return schema.revision(session.connection()) or ""

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session that sees one state of the store for as long as it lasts; it must not write."""
        with self._transaction(writes=False) as session:
            yield session
            if not self.is_file:
                session.commit()  # after a rollback psycopg forgets which statements the server has prepared

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Give the only session that writes; what it did is committed at the end, or nothing after an exception."""
        with self._transaction(writes=True) as session:
            yield session
            session.commit()

    def keeping(self) -> AbstractContextManager[None]:
        """Let transactions use the connections of those before, until the end; for who begins many, one after another.

        Between two of them a file is still open then. A store on PostgreSQL keeps its connections anyway.
        """
        return sqlite.keeping(self._engine)

    @contextmanager
    def rehearsing(self) -> Iterator[Session]:
        """Give a session that writes like `writing`, and undo everything at the end."""
        with self._transaction(writes=True) as session:
            yield session

    @contextmanager
    def bare(self) -> Iterator[Any]:
        """Give a connection as the driver has it, in no transaction: for what a database does in none.

        Nobody gets it afterwards, so its settings may be changed.
        """
        driver: Any = self._engine.dialect.dbapi
        try:
            connection = self._engine.raw_connection()
            try:
                if not self.is_file:
                    connection.driver_connection.autocommit = True  # type: ignore[union-attr]  # it is psycopg's
                yield connection.driver_connection
            finally:
                connection.invalidate()
        except SQLAlchemyError as error:
            raise store_error(error, self.name) from error
        except driver.Error as error:
            raise store_error(DBAPIError("", None, error), self.name) from error

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Session]:
        try:
            with _Session(self._modes[writes], expire_on_commit=False) as session:
                session.connection()  # begins at once, so that a writer waits here and not half way
                yield session
        except SQLAlchemyError as error:
            raise store_error(error, self.name) from error

    def _check(self, *, create: bool, allow_older: bool) -> None:
        age = self.age()
        if age == "empty" and create:
            self.migrate()
        else:
            schema.require(age, self.name, allow_older=allow_older)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Without its cause: the address may hold a password.
        raise StoreError(f"The store's address can't be read; write it like {EXAMPLES}.") from None
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite", *postgres.DRIVERS}:
        raise StoreError(f"A store in {parsed.drivername} is not supported; write its address like {EXAMPLES}.")
    return parsed
