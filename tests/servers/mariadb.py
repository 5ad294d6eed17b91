"""A real MariaDB for tests, where there is one: a unix socket only, made anew and gone with the tests.

The program is `mariadbd` on the path, or in the folder that OKR_SYNC_MARIADB names: Debian's packages
mariadb-server-core, libaio1 and liburing2, unpacked there, will do. Without it these tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pymysql
import pytest

from tests.servers.serving import Command, prepare, private_folder, serve

SYSTEM = ("mysql_system_tables.sql", "mysql_system_tables_data.sql")
SETTINGS = ("--skip-networking", "--innodb-flush-method=fsync", "--innodb-buffer-pool-size=8M", "--skip-name-resolve")


@dataclass(frozen=True, slots=True)
class MariaDb:
    """A running server; `folder` holds its socket."""

    folder: Path

    def url(self, user: str = "root", database: str = "test") -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"mariadb+pymysql://{user}@localhost/{database}?unix_socket={self.folder}/socket"

    def execute(self, *statements: str) -> None:
        """Run statements as root, outside of any database."""
        connection = pymysql.connect(user="root", unix_socket=f"{self.folder}/socket", autocommit=True)
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def answers(self) -> bool:
        """Return whether the server takes connections."""
        with socket.socket(socket.AF_UNIX) as tried:
            return tried.connect_ex(f"{self.folder}/socket") == 0


def program() -> Path | None:
    """Return the server's program; None where there is none."""
    unpacked = os.environ.get("OKR_SYNC_MARIADB")
    found = Path(unpacked) / "usr/sbin/mariadbd" if unpacked else shutil.which("mariadbd")
    return Path(found) if found and Path(found).exists() else None


@contextmanager
def running() -> Iterator[MariaDb]:
    """Yield a new server with an empty database `test`; it is stopped at the end and leaves nothing."""
    mariadbd = program()
    if mariadbd is None:
        pytest.skip("there is no MariaDB: install mariadb-server-core, or set OKR_SYNC_MARIADB")
    share = mariadbd.parents[1] / "share/mysql"
    libraries = {"LD_LIBRARY_PATH": str(mariadbd.parents[1] / "lib/x86_64-linux-gnu")}
    with private_folder("okr-my-") as folder:
        (folder / "data").mkdir(mode=0o777)
        (folder / "data").chmod(0o777)
        base: Command = [
            mariadbd,
            "--no-defaults",
            f"--datadir={folder}/data",
            f"--tmpdir={folder}",
            f"--lc-messages-dir={share}",
        ]
        tables = "\n".join((share / name).read_text("utf-8") for name in SYSTEM)
        script = folder / "bootstrap.sql"
        script.write_text(f"CREATE DATABASE mysql;\nCREATE DATABASE test;\nUSE mysql;\n{tables}\n", "utf-8")
        words = ["/bin/sh", "-c", 'script="$1"; shift; exec "$@" <"$script"', "sh", script, *base, "--bootstrap"]
        prepare(words, folder, libraries)
        server = MariaDb(folder)
        command: Command = [*base, f"--socket={folder}/socket", f"--pid-file={folder}/pid", *SETTINGS]
        with serve(command, folder, server.answers, env=libraries):
            yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """A server for all tests of this session."""
    with running() as server:
        yield server
