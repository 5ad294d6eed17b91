"""Which revision a store's schema has, and how it is brought to the newest one."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from sqlalchemy import Connection, inspect

from okr_sync.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = str(resources.files("okr_sync.store") / "migrations")

KEPT_IN = "alembic_version"  # Alembic's own table
KEPT = "SELECT version_num FROM alembic_version ORDER BY version_num"
BESIDE = "procrastinate_"  # tables of a queue that may share a database with the store

Age: TypeAlias = Literal["empty", "older", "current", "newer", "foreign"]
"""empty: no tables at all; newer: a revision that this program doesn't know; foreign: tables, but none of ours."""


def alembic_config(folder: str = MIGRATIONS) -> Config:
    """Return Alembic's configuration for a folder of revisions; it needs no file of its own."""
    from alembic.config import Config  # noqa: PLC0415 -- only who migrates pays for Alembic's start

    config = Config()
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config


def revisions(folder: str = MIGRATIONS) -> tuple[str, ...]:
    """Return the revisions in `folder`, oldest first: what the names of their files begin with."""
    names = (file.name for file in Path(folder, "versions").glob("[0-9]*_*.py"))
    return tuple(sorted(name.partition("_")[0] for name in names))


def newest_revision() -> str:
    """Return the revision that this program writes."""
    return revisions()[-1]


def revision(connection: Connection) -> str | None:
    """Return the store's revision; None when it has none."""
    if not inspect(connection).has_table(KEPT_IN):
        return None
    return ", ".join(map(str, connection.exec_driver_sql(KEPT).scalars())) or None


def age(connection: Connection, folder: str = MIGRATIONS) -> Age:
    """Return how the store's schema compares with the newest revision in `folder`."""
    found = revision(connection)
    if found is None:
        return "foreign" if any(not name.startswith(BESIDE) for name in _tables(connection)) else "empty"
    known = revisions(folder)
    if found == known[-1]:
        return "current"
    return "older" if found in known else "newer"


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
    from alembic import command  # noqa: PLC0415 -- only who migrates pays for Alembic's start

    applied: list[str] = []
    config = alembic_config()
    config.attributes["connection"] = connection
    config.attributes["on_version_apply"] = lambda **event: applied.append(event["step"].up_revision_id)
    command.upgrade(config, "head")
    return tuple(applied)
