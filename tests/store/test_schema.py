"""The schema: migrations say the same as the tables, and only a fitting schema is opened."""

from __future__ import annotations

import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect

from okr_sync.errors import StoreError
from okr_sync.store import Store, schema
from okr_sync.store.tables import Table
from tests.store.builders import REVISIONS


def _checks(connection: Connection) -> dict[str, set[tuple[str, str]]]:
    found = inspect(connection)
    return {
        table: {(str(check["name"]), str(check["sqltext"])) for check in found.get_check_constraints(table)}
        for table in Table.metadata.tables
    }


def _upgrade_and_fail(connection: Connection) -> None:
    schema.upgrade(connection)
    assert "runs" in inspect(connection).get_table_names()
    raise ZeroDivisionError


def _stamp(tmp_path: Path, revision: str) -> None:
    connection = sqlite3.connect(tmp_path / "okr-sync.db")
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])
    connection.close()


def test_the_migrated_schema_is_the_one_of_the_tables(store: Store) -> None:
    with store.reading() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_server_default": True})
        assert compare_metadata(context, Table.metadata) == []


def test_the_migrated_checks_are_those_of_the_tables(store: Store) -> None:
    with create_engine("sqlite://").begin() as connection, store.reading() as session:
        Table.metadata.create_all(connection)
        expected = _checks(connection)
        assert sum(map(len, expected.values())) > 10
        assert _checks(session.connection()) == expected


def test_every_revision_can_be_taken_back(url: str) -> None:
    with create_engine(url).begin() as connection:
        config = schema.alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        command.downgrade(config, "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]


def test_migrating_says_which_revisions_it_applied_and_then_has_nothing_to_do(url: str, tmp_path: Path) -> None:
    (tmp_path / "okr-sync.db").touch()
    store = Store.open(url, create=False, allow_older=True)
    assert store.schema_version() == ""
    assert store.migrate() == REVISIONS
    assert store.migrate() == ()
    assert store.schema_version() == schema.newest_revision() == REVISIONS[-1]


def test_a_store_of_a_newer_program_is_refused_whatever_one_wants(store: Store, url: str, tmp_path: Path) -> None:
    _stamp(tmp_path, "9999")
    for allow_older in (False, True):
        with pytest.raises(StoreError, match="written by a newer okr-sync"):
            Store.open(url, allow_older=allow_older)
    with pytest.raises(StoreError, match="written by a newer okr-sync"):
        store.migrate()


def test_an_upgrade_that_fails_half_way_leaves_nothing(url: str, tmp_path: Path) -> None:
    (tmp_path / "okr-sync.db").touch()
    store = Store.open(url, create=False, allow_older=True)
    with pytest.raises(ZeroDivisionError), store.writing() as session:
        _upgrade_and_fail(session.connection())
    with store.reading() as session:
        assert inspect(session.connection()).get_table_names() == []


def test_a_store_that_lacks_a_revision_is_older_and_asks_to_be_migrated(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(schema.MIGRATIONS, folder)
    (folder / "versions" / "9999_next.py").write_text(f'revision = "9999"\ndown_revision = "{REVISIONS[-1]}"\n')
    with store.reading() as session:
        assert schema.age(session.connection()) == "current"
        assert schema.age(session.connection(), str(folder)) == "older"
    with pytest.raises(StoreError, match=r"old\.db has an older schema; run okr-sync migrate"):
        schema.require("older", "old.db", allow_older=False)
    schema.require("older", "old.db", allow_older=True)


def test_the_page_about_the_store_lists_every_table_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs" / "store.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)
    assert sorted(listed) == sorted(Table.metadata.tables)
