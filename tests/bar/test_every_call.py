"""A kill at every storage call of a run: numbers are those of before or after it, and the next run heals."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bar.here import here, shown
from tests.bar.house import House, copied, furnish, open_house
from tests.bar.oracle import assert_sound
from tests.bar.postgres_house import PostgresHouse
from tests.bar.traced import Call, calls, killed_at, spread, why_not
from tests.servers.postgres import Postgres, database, postgres

__all__ = ["database", "postgres"]

BEFORE, DURING, AFTER = 5, 7, 9


@pytest.fixture(autouse=True)
def strace(tmp_path: Path) -> None:
    """Skip where nothing can be traced."""
    if reason := why_not(tmp_path):
        pytest.skip(reason)


def _play(house: House, call: Call) -> str:
    """Kill a run at the call and look; heal and look again; return how the killed one ended."""
    house.play(DURING)
    if not killed_at(house, call, "sync"):
        return "not reached"
    outcomes = house.outcomes()
    assert outcomes[0] == "ok", "what was acknowledged is lost"
    acknowledged = outcomes[1:] == ["ok"]
    assert shown(house) == [DURING if acknowledged else BEFORE] * 2, call
    assert_sound(house)
    house.play(AFTER)
    assert here(house, "sync").code == 0
    assert shown(house) == [AFTER] * 2, call
    assert house.outcomes()[1:] in (["ok"], ["ok", "ok"], ["interrupted", "ok"])
    assert_sound(house)
    assert here(house, "verify").code == 0
    return "after its end" if acknowledged else "under way" if len(outcomes) > 1 else "before its begin"


def _said(where: str, every: list[Call], elsewhere: int, ends: Counter[str]) -> str:
    names = dict(Counter(call.name for call in every))
    return (
        f"{where}: {sum(ends.values())} kills at {len(every)} storage calls of a run {names}, "
        f"{elsewhere} more in threads that read: {dict(ends)}"
    )


def test_a_run_killed_at_any_storage_call_of_its_file_is_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen red with the run's end in a transaction of its own behind its points."""
    origin = tmp_path / "origin"
    origin.mkdir()
    house = open_house(origin)
    monkeypatch.syspath_prepend(str(origin / "site"))
    house.play(BEFORE)
    assert here(house, "sync").code == 0
    with copied(house, tmp_path) as other:
        other.play(DURING)
        every, elsewhere = calls(other, "sync")
    ends = Counter[str]()
    for call in spread(every):
        with copied(house, tmp_path) as other:
            ends[_play(other, call)] += 1
    print(_said("sqlite", every, elsewhere, ends))  # noqa: T201
    assert ends["not reached"] <= len(every) // 50
    assert ends["under way"]


def test_a_run_killed_at_any_call_to_its_server_is_whole_or_not_there(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen red with the run's end in a transaction of its own behind its points."""
    origin = tmp_path / "origin"
    origin.mkdir()
    monkeypatch.syspath_prepend(str(origin / "site"))
    with postgres.fresh() as name:
        house = furnish(PostgresHouse(origin, postgres.url(name)))
        house.play(BEFORE)
        assert here(house, "sync").code == 0
        with _cloned(house, name, postgres, tmp_path) as other:
            other.play(DURING)
            every, elsewhere = calls(other, "sync")
        ends = Counter[str]()
        for call in spread(every):
            with _cloned(house, name, postgres, tmp_path) as other:
                ends[_play(other, call)] += 1
    print(_said("postgresql", every, elsewhere, ends))  # noqa: T201
    assert ends["not reached"] <= len(every) // 50
    assert ends["under way"]


@contextmanager
def _cloned(house: PostgresHouse, name: str, postgres: Postgres, place: Path) -> Iterator[PostgresHouse]:
    with postgres.fresh(name) as clone:
        shutil.copytree(house.folder, place / "copy")
        yield PostgresHouse(place / "copy", postgres.url(clone))
        shutil.rmtree(place / "copy")
