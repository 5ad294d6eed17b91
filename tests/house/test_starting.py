"""What each command imports: readers, checks and syncs start without what they have no use for.

Measured in seconds this would fail on a slow machine; in modules it fails with the import that costs them.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from tests.starting import install, loaded_by, loaded_with

CLIENTS = {"httpx", "requests", "jira", "github", "jwt", "jmespath", "duckdb"}
SERVICE = {"apscheduler", "procrastinate", "prometheus_client", "okr_sync.schedule.worker", "okr_sync.sandbox"}
SELDOM = {"alembic", "jinja2", "structlog", "graphql", "rich.progress"}
STORE = {"sqlalchemy", "sqlmodel", "okr_sync.store"}
ASKING = {"okr_sync.sync", "okr_sync.registry", "connectors", "tenacity"}
CONFIG = {"okr_sync.config.loading", "okr_sync.config.language"}
READER = CLIENTS | SERVICE | SELDOM | ASKING | CONFIG
NOTHING = READER | STORE | {"pydantic", "ruamel"}

COMMANDS: dict[str, set[str]] = {
    "--version": NOTHING,
    "--help": NOTHING,
    "status": READER,
    "explain signups": READER,
    "report": READER,
    "history signups": READER,
    "history signups --definitions": READER,
    "runs": READER,
    "check": CLIENTS | SERVICE | SELDOM | STORE | {"okr_sync.sync", "tenacity"},
    "sync": CLIENTS | SERVICE | SELDOM | {"rich", "okr_sync.core.explain", "okr_sync.core.report"},
}
"""Command → the modules that it must not bring; the config here asks one CSV file."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a config whose store has had a run.

    That made a new store, which needs no migration. Red without the file of the newest schema (make schema).
    """
    folder = tmp_path_factory.mktemp("installed")
    install(folder)
    assert "alembic" not in loaded_by(["sync"], folder)
    assert "alembic" in loaded_with("okr_sync.store.migrations.columns", folder)  # this shows what is looked for
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_imports_nothing_that_it_has_no_use_for(command: str, folder: Path) -> None:
    """Seen red by an import of okr_sync.sync in cli/output.py, of alembic in store/schema.py, of rich in
    cli/progressing.py, of views/reporting.py in cli/stores.py, and by a face that imports what it names.
    """
    loaded = loaded_by(command.split(), folder)
    assert "okr_sync.cli.program" in loaded
    assert sorted(COMMANDS[command] & loaded) == []


def test_a_run_of_the_worker_imports_neither_the_command_line_nor_the_worker(folder: Path) -> None:
    """Its process begins with that module; the program that spawned it is imported again, too, and not yet called.
    Seen red by an import of okr_sync.cli.program in okr_sync/cli/__init__.py.
    """
    loaded = loaded_with("okr_sync.cli, okr_sync.schedule.child", folder)
    assert "okr_sync.sync.run" in loaded
    assert sorted((CLIENTS | SERVICE | SELDOM | {"cyclopts", "rich", "okr_sync.cli.program"}) & loaded) == []


def test_a_reader_that_migrates_nothing_knows_the_schema_without_alembic(folder: Path) -> None:
    """`doctor` compares revisions as every opening of the store does. Seen red with Alembic's ScriptDirectory."""
    assert "alembic" not in loaded_by(["doctor"], folder)


@pytest.mark.parametrize("name", ["okr_sync.alerts", "okr_sync.config", "okr_sync.schedule"])
def test_a_face_gives_all_its_names_and_none_is_hidden_by_a_module(name: str) -> None:
    """Seen red by a name of a module that has no such name, and by `starter`, which is a module of the config, too."""
    package = import_module(name)
    modules = {module.name for module in iter_modules(package.__path__)}
    assert sorted(package.NAMES) == sorted(package.__all__)
    assert sorted(modules & set(package.NAMES)) == []
    for each in package.__all__:
        assert getattr(package, each) is getattr(import_module(f"{name}.{package.NAMES[each]}"), each)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = package.nothing
