"""Which revision a store's schema has, and how it is brought to the newest one."""

from __future__ import annotations

from importlib import resources
from typing import Literal, TypeAlias

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from okr_sync.errors import StoreError

MIGRATIONS = str(resources.files("okr_sync.store") / "migrations")

BESIDE = "procrastinate_"  # tables of a queue that may share a database with the store

Age: TypeAlias = Literal["empty", "older", "current", "newer", "foreign"]
"""empty: no tables at all; newer: a revision that this program doesn't know; foreign: tables, but none of ours."""


def alembic_config(folder: str = MIGRATIONS) -> Config:
    """Return Alembic's configuration for a folder of revisions; it needs no file of its own."""
    config = Config()
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config


def newest_revision() -> str:
    """Return the revision that this program writes."""
    return str(ScriptDirectory.from_config(alembic_config()).get_current_head())


def revision(connection: Connection) -> str | None:
    """Return the store's revision; None when it has none."""
    return MigrationContext.configure(connection).get_current_revision()


def age(connection: Connection, folder: str = MIGRATIONS) -> Age:
    """Return how the store's schema compares with the newest revision in `folder`."""
    found = revision(connection)
    if found is None:
        return "foreign" if any(not name.startswith(BESIDE) for name in _tables(connection)) else "empty"
    scripts = ScriptDirectory.from_config(alembic_config(folder))
    if found == scripts.get_current_head():
        return "current"
    return "older" if found in {script.revision for script in scripts.walk_revisions()} else "newer"


def _tables(connection: Connection) -> list[str]:
    return inspect(connection).get_table_names()


def require(age: Age, name: str, *, allow_older: bool) -> None:
    """Raise StoreError unless the store `name` can be used as it is, or be migrated when `allow_older`."""
    if age == "newer":
        raise StoreError(f"The store {name} was written by a newer okr-sync; use that version or a newer one.")
    if age == "foreign":
        raise StoreError(f"{name} is a database of another program; point `store` to another path.")
    if age == "older" and not allow_older:
        raise StoreError(f"The store {name} has an older schema; run okr-sync migrate.")
    if age == "empty" and not allow_older:
        raise StoreError(f"The store {name} is empty; run okr-sync sync first.")


def upgrade(connection: Connection) -> tuple[str, ...]:
    """Apply what is missing inside the connection's transaction; return the revisions applied, oldest first."""
    applied: list[str] = []
    config = alembic_config()
    config.attributes["connection"] = connection
    config.attributes["on_version_apply"] = lambda **event: applied.append(event["step"].up_revision_id)
    command.upgrade(config, "head")
    return tuple(applied)
