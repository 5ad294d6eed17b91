"""A new store for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session

from okr_sync.store import Store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'okr-sync.db'}"


@pytest.fixture
def store(url: str) -> Store:
    return Store.open(url)


@pytest.fixture
def session(store: Store) -> Iterator[Session]:
    """One writing transaction for the whole test; undone at its end."""
    with store.rehearsing() as session:
        yield session
