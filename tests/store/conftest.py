"""A new store for each test, once on SQLite and once on PostgreSQL; a test that asks for one of them has that only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from okr_sync.store import Store
from tests.servers.postgres import Postgres, postgres
from tests.store.empty import new_store

__all__ = ["postgres"]

TEMPLATE = "okr_template"
KINDS = ("sqlite", "postgres")
ONLY = {"file": "sqlite", "postgres": "postgres"}
"""Fixture that a test asks for → the only database that it makes sense on."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kind" in metafunc.fixturenames:
        only = [kind for name, kind in ONLY.items() if name in metafunc.fixturenames]
        metafunc.parametrize("kind", only or KINDS)


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="session")
def template(postgres: Postgres) -> str:
    """The name of a database with the newest schema; a copy of it is made in no time."""
    postgres.execute(f"CREATE DATABASE {TEMPLATE}")
    Store.open(postgres.url(TEMPLATE)).close()
    return TEMPLATE


@pytest.fixture
def file(tmp_path: Path, kind: str) -> Path:
    """The file of the store, which only one on SQLite has."""
    return tmp_path / "okr-sync.db"


@pytest.fixture
def empty_url(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database that holds nothing: an empty file, or no tables."""
    if kind == "sqlite":
        (tmp_path / "okr-sync.db").touch(mode=0o600)
        yield f"sqlite:///{tmp_path / 'okr-sync.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.fresh() as name:
        yield server.url(name)


@pytest.fixture
def url(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a store that nobody wrote to yet: no file, or all tables empty."""
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'okr-sync.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.fresh(request.getfixturevalue("template")) as name:
        yield server.url(name)


@pytest.fixture
def store(url: str, kind: str, tmp_path: Path) -> Iterator[Store]:
    store = new_store(tmp_path / "okr-sync.db") if kind == "sqlite" else Store.open(url)
    yield store
    store.close()


@pytest.fixture
def session(store: Store) -> Iterator[Session]:
    """One writing transaction for the whole test; undone at its end."""
    with store.rehearsing() as session:
        yield session
