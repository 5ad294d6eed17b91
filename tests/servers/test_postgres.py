"""The server for tests is a real one, gives each test its own database, and leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.servers.postgres import Postgres, database, postgres, running

__all__ = ["database", "postgres"]


def test_a_database_is_empty_and_can_be_written(database: str) -> None:
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE numbers (value int)"))
        connection.execute(text("INSERT INTO numbers VALUES (7)"))
        assert connection.execute(text("SELECT value FROM numbers")).scalar_one() == 7
    engine.dispose()


def test_another_database_does_not_have_its_tables(postgres: Postgres) -> None:
    """What one test writes no other sees; a template's tables are there."""
    with postgres.fresh() as one:
        postgres.execute("CREATE TABLE numbers (value int)", database=one)
        with postgres.fresh() as other, postgres.fresh(template=one) as copy:
            for name, tables in ((other, 0), (copy, 1)):
                engine = create_engine(postgres.url(name))
                with engine.connect() as connection:
                    found = connection.execute(text("SELECT count(*) FROM pg_tables WHERE tablename = 'numbers'"))
                    assert found.scalar_one() == tables
                engine.dispose()


def test_it_listens_on_no_port(postgres: Postgres) -> None:
    engine = create_engine(postgres.url())
    with engine.connect() as connection:
        assert connection.execute(text("SHOW listen_addresses")).scalar_one() == ""
    engine.dispose()


def test_nothing_is_left_at_the_end() -> None:
    with running() as server:
        pid = _pid(server.folder)
    assert not server.folder.exists()
    assert not Path(f"/proc/{pid}").exists()


def test_nothing_is_left_when_the_tests_are_killed() -> None:
    """The keeper notices that its pipe is closed."""
    code = "from tests.servers.postgres import running; c = running(); print(c.__enter__().folder, flush=True); input()"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
    ) as tests:
        assert tests.stdout is not None
        folder = Path(tests.stdout.readline().strip())
        pid = _pid(folder)
        tests.send_signal(signal.SIGKILL)
    until = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() or folder.exists():
        assert time.monotonic() < until, f"{pid} or {folder} is left over"
        time.sleep(0.05)


def _pid(folder: Path) -> int:
    return int((folder / "data/postmaster.pid").read_text().splitlines()[0])
