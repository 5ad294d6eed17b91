"""A kill at every storage call of an upgrade: the store is the old one or the new one, and upgrading again goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from okr_sync.store import Store
from tests.bar.here import here
from tests.bar.house import AnyHouse, House, copied, furnish, open_house
from tests.bar.postgres_house import PostgresHouse
from tests.bar.traced import Call, calls, killed_at, spread, why_not
from tests.servers.postgres import Postgres, database, postgres
from tests.store.builders import NOW, REVISIONS
from tests.store.older import RUN, at_revision

__all__ = ["database", "postgres"]


@pytest.fixture(autouse=True)
def strace(tmp_path: Path) -> None:
    """Skip where nothing can be traced."""
    if reason := why_not(tmp_path):
        pytest.skip(reason)


def _old(house: AnyHouse) -> AnyHouse:
    """Give the house a store of the first revision, with one run in it."""
    with at_revision(house.url, REVISIONS[0]) as older:
        older.insert("runs", **RUN, finished=NOW, summary="kept")
    return house


def _play(house: House, call: Call) -> str:
    """Kill an upgrade at the call and look, upgrade again and look; return how the killed one ended."""
    if not killed_at(house, call, "migrate"):
        return "not reached"
    store = Store.open(house.url, create=False, allow_older=True)
    found = store.schema_version()
    store.close()
    assert found in {REVISIONS[0], REVISIONS[-1]}, f"half an upgrade after {call}"
    assert house.rows("SELECT summary FROM runs") == [("kept",)]
    again = here(house, "migrate")
    assert again.code == 0, again.said
    assert house.damage() == []
    assert house.rows("SELECT summary FROM runs") == [("kept",)]
    assert here(house, "verify").code == 0
    return "before it" if found == REVISIONS[0] else "after it"


def _said(where: str, every: list[Call], ends: Counter[str]) -> str:
    return f"{where}: {sum(ends.values())} kills at {len(every)} storage calls of an upgrade: {dict(ends)}"


def test_an_upgrade_of_a_file_killed_at_any_storage_call_is_whole_or_not_there(tmp_path: Path) -> None:
    """Seen red with a transaction for each revision."""
    origin = tmp_path / "origin"
    origin.mkdir()
    house = _old(open_house(origin))
    with copied(house, tmp_path) as other:
        every, _ = calls(other, "migrate")
    ends = Counter[str]()
    for call in spread(every):
        with copied(house, tmp_path) as other:
            ends[_play(other, call)] += 1
    print(_said("sqlite", every, ends))  # noqa: T201
    assert ends["before it"]
    assert ends["not reached"] <= len(every) // 50


def test_an_upgrade_on_a_server_killed_at_any_call_to_it_is_whole_or_not_there(
    tmp_path: Path, postgres: Postgres
) -> None:
    """Seen red with a transaction for each revision."""
    with postgres.fresh() as name:
        house = _old(furnish(PostgresHouse(tmp_path, postgres.url(name))))
        with _cloned(house, name, postgres) as other:
            every, _ = calls(other, "migrate")
        ends = Counter[str]()
        for call in spread(every):
            with _cloned(house, name, postgres) as other:
                ends[_play(other, call)] += 1
    print(_said("postgresql", every, ends))  # noqa: T201
    assert ends["before it"]
    assert ends["not reached"] <= len(every) // 50


@contextmanager
def _cloned(house: PostgresHouse, name: str, postgres: Postgres) -> Iterator[PostgresHouse]:
    with postgres.fresh(name) as clone:
        yield PostgresHouse(house.folder, postgres.url(clone))
