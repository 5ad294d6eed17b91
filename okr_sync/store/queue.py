"""The tables of the queue that many workers share, beside those of a store on PostgreSQL.

They are Procrastinate's own, all named `procrastinate_…`, and hold nothing that is not in the store: backups leave them
out. A comment on one of them says how far they are, so that a newer Procrastinate finds what is missing.
"""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from typing import Any

from sqlalchemy import Connection, text

from okr_sync.errors import StoreError

QUEUE = "okr-sync"
JOBS = "procrastinate_jobs"
MARK = "okr-sync keeps it at "
SAID = text("""
    SELECT obj_description(oid, 'pg_class') FROM pg_class
    WHERE relname = :table AND relnamespace = ANY (current_schemas(false)::regnamespace[])
""")
"""Read as a table: what to_regclass says may be older than the lock that was waited for just before."""


def is_installed() -> bool:
    """Return whether Procrastinate and what it needs are there."""
    return all(find_spec(name) is not None for name in ("procrastinate", "psycopg", "psycopg_pool"))


def is_current(connection: Connection) -> bool:
    """Return whether the queue's tables are there, and as new as the Procrastinate that is installed."""
    there, said = _found(connection)
    return there and (said is None or said >= _newest())


def require_installed() -> None:
    """Raise StoreError when Procrastinate is missing."""
    if not is_installed():
        raise StoreError(
            "Workers on PostgreSQL share a queue that is not installed; install it: pip install 'okr-sync[postgres]'."
        )


def upgrade(connection: Connection) -> bool:
    """Make the queue's tables or bring them up to date, inside the connection's transaction; return whether it did.

    Tables that somebody else made and keeps stay as they are.
    """
    if is_current(connection):
        return False
    there, said = _found(connection)
    scripts = [each for each in _migrations() if each.name > (said or "")] if there else [_folder() / "schema.sql"]
    driver: Any = connection.connection.driver_connection
    for script in scripts:
        driver.execute(script.read_text("utf-8").encode())  # several statements each, without parameters
    driver.execute(f"COMMENT ON TABLE {JOBS} IS '{MARK}{_newest()}'".encode())
    return True


def _found(connection: Connection) -> tuple[bool, str | None]:
    """Return whether the tables are there, and the newest script that we applied; None when others keep them."""
    found = connection.execute(SAID, {"table": JOBS}).first()
    ours = str(found[0] or "" if found else "").partition(MARK)
    return found is not None, ours[2] if ours[1] else None


def _newest() -> str:
    return _migrations()[-1].name


def _migrations() -> list[Traversable]:
    found = (each for each in (_folder() / "migrations").iterdir() if each.name.endswith(".sql"))
    return sorted(found, key=lambda each: each.name)


def _folder() -> Traversable:
    return resources.files("procrastinate") / "sql"
