"""The schema: migrations say the same as the tables, and only a fitting schema is opened."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, func, inspect, select, text

from okr_sync.errors import StoreError
from okr_sync.store import Store, ledger, newest, schema
from okr_sync.store.tables import Table
from tests.store.builders import REVISIONS
from tests.store.older import RUN, at_revision
from tests.store.written import told


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


def _stamp(url: str, revision: str) -> None:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_the_migrated_schema_is_the_one_of_the_tables(store: Store) -> None:
    with store.reading() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_server_default": True})
        assert compare_metadata(context, Table.metadata) == []


def test_tables_are_known_without_objects_that_are_mapped_to_rows() -> None:
    """Mapping costs a start as much as all else about the tables. Red without `Unmapped` as their metaclass."""
    assert set(Table.metadata.tables) == {each.__tablename__ for each in Table.__subclasses__()}
    assert [each.__name__ for each in Table.__subclasses__() if hasattr(each, "__mapper__")] == []


def test_tables_are_known_without_what_speaks_to_a_server() -> None:
    """It is a twentieth of a start. Red with a word for PostgreSQL alone in the tables."""
    said = "import sys, okr_sync.store.tables; print(sorted(name for name in sys.modules if 'postgresql' in name))"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]"]


def test_the_migrated_checks_are_those_of_the_tables(empty_url: str) -> None:
    with create_engine(empty_url, poolclass=NullPool).begin() as connection:
        Table.metadata.create_all(connection)
        expected = _checks(connection)
        assert sum(map(len, expected.values())) > 10
        Table.metadata.drop_all(connection)
    with Store.open(empty_url).reading() as session:
        assert _checks(session.connection()) == expected


def test_a_new_store_has_the_schema_to_which_all_revisions_lead(empty_url: str) -> None:
    """So `make schema` must follow each new revision. Red with an index less in a file, a column in another place, and
    another revision in `alembic_version`.
    """
    store = Store.open(empty_url, create=False, allow_older=True)
    with store.rehearsing() as session:
        assert newest.file_of(REVISIONS[-1], session.connection().dialect.name).exists()
        schema.upgrade(session.connection())
        walked, known = told(session.connection()), schema.revision(session.connection())
    with store.rehearsing() as session:
        assert newest.fill(session.connection()) == REVISIONS
        assert (told(session.connection()), schema.revision(session.connection())) == (walked, known)
        rows = [select(func.count()).select_from(table) for table in Table.metadata.tables.values()]
        assert sum(session.connection().execute(each).scalar_one() for each in rows) == 0


def test_where_the_newest_schema_is_not_written_down_all_revisions_make_it(empty_url: str, tmp_path: Path) -> None:
    """As between a new revision and `make schema`. Red without the look for the file."""
    folder = tmp_path / "migrations"
    shutil.copytree(schema.MIGRATIONS, folder, ignore=shutil.ignore_patterns("newest"))
    with Store.open(empty_url, create=False, allow_older=True).writing() as session:
        assert newest.fill(session.connection(), str(folder)) == REVISIONS
    assert Store.open(empty_url).schema_version() == REVISIONS[-1]


def test_every_revision_can_be_taken_back(empty_url: str) -> None:
    with create_engine(empty_url, poolclass=NullPool).begin() as connection:
        config = schema.alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        command.downgrade(config, "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]


def test_migrating_says_which_revisions_it_applied_and_then_has_nothing_to_do(empty_url: str) -> None:
    store = Store.open(empty_url, create=False, allow_older=True)
    assert store.schema_version() == ""
    assert store.migrate() == REVISIONS
    assert store.migrate() == ()
    assert store.schema_version() == schema.newest_revision() == REVISIONS[-1]


def test_the_names_of_the_files_say_the_revisions_in_their_order() -> None:
    """A store is opened without Alembic, by these names alone. Seen red by a file whose revision is not its number."""
    scripts = ScriptDirectory.from_config(schema.alembic_config())
    newest_first = [script.revision for script in scripts.walk_revisions()]
    assert schema.revisions() == tuple(reversed(newest_first))
    assert schema.newest_revision() == scripts.get_current_head()


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_a_store_of_any_revision_comes_up_with_what_it_holds(empty_url: str, revision: str) -> None:
    with at_revision(empty_url, revision) as older:
        older.insert("runs", **RUN, summary="kept")
    store = Store.open(empty_url, allow_older=True)
    assert store.migrate() == tuple(each for each in REVISIONS if each > revision)
    with store.reading() as session:
        assert [row.summary for row in ledger.runs(session)] == ["kept"]


def test_tables_of_a_queue_beside_the_store_are_no_other_program(empty_url: str) -> None:
    with create_engine(empty_url, poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE procrastinate_jobs (id INTEGER)")
    assert Store.open(empty_url).schema_version() == REVISIONS[-1]


def test_a_store_of_a_newer_program_is_refused_whatever_one_wants(store: Store, url: str) -> None:
    _stamp(url, "9999")
    for allow_older in (False, True):
        with pytest.raises(StoreError, match="written by a newer okr-sync"):
            Store.open(url, allow_older=allow_older)
    with pytest.raises(StoreError, match="written by a newer okr-sync"):
        store.migrate()


def test_an_upgrade_that_fails_half_way_leaves_nothing(empty_url: str) -> None:
    store = Store.open(empty_url, create=False, allow_older=True)
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


def test_the_page_about_the_store_names_every_view(store: Store) -> None:
    page = (Path(__file__).parents[2] / "docs" / "store.md").read_text(encoding="utf-8")
    with store.reading() as session:
        views = inspect(session.connection()).get_view_names()
    assert sorted(views) == ["delivery_points", "points"]
    assert [view for view in views if f"`{view}`" not in page] == []
