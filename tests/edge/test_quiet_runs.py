"""What a run costs the database in which nothing happened: that it can't creep up, statement by statement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine, event

from okr_sync.core.slots import Interval
from okr_sync.schedule.claiming import Claimer
from okr_sync.store import Store
from okr_sync.store.modes import writes
from okr_sync.sync import RunReport, sync
from okr_sync.sync.run import World
from tests.edge.sync_trackers import Jira, Watched, watching
from tests.servers.postgres import Postgres, postgres

__all__ = ["postgres"]

QUARTER = timedelta(minutes=15)
COMMITS = 4  # the claim, the beginning, what the source brought, and the conclusion
MOST = {"sqlite": 68, "postgresql": 68}  # statements, with those that begin a transaction


@pytest.fixture(params=sorted(MOST))
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watched]:
    """A house with a Jira site, with its store on one of both databases."""
    with ExitStack() as stack:
        home = stack.enter_context(watching(Jira("cloud"), tmp_path))
        if request.param == "postgresql":
            server: Postgres = request.getfixturevalue("postgres")
            home.house.store = Store.open(server.url(stack.enter_context(server.fresh())))
            stack.callback(home.house.store.close)
        yield home


def _run(home: Watched) -> RunReport:
    home.pass_time(QUARTER.total_seconds() / 60)
    house = home.house
    claimed = Claimer(house.store, QUARTER, QUARTER).claim({"": Interval(QUARTER)}, ZoneInfo("UTC"), house.now)
    assert claimed is not None
    return sync(house.store, house.config, World(clock=lambda: house.now), begun=claimed.run)


@contextmanager
def _counted() -> Iterator[Counter[str]]:
    """Give the number of statements, and of commits of what was written, in all databases until the end."""
    count: Counter[str] = Counter()
    notes = {"before_cursor_execute": _note(count, "statements"), "commit": _note(count, "commits", writes)}
    for name, note in notes.items():
        event.listen(Engine, name, note)
    try:
        yield count
    finally:
        for name, note in notes.items():
            event.remove(Engine, name, note)


def _note(count: Counter[str], what: str, counts: Callable[[Connection], bool] = lambda _: True) -> Any:
    def note(connection: Connection, *_told: Any) -> None:
        count[what] += counts(connection)

    return note


def test_a_quiet_run_costs_its_database_few_statements_and_four_commits(home: Watched) -> None:
    """From the claim to the conclusion, with one source.

    Red without the look at the graces of cycles before the newest snapshot is read, which costs four statements.
    """
    for _ in range(2):
        assert _run(home).outcome == "ok"
    with _counted() as count:
        assert _run(home).outcome == "ok"
    with home.house.store.reading() as session:
        database = session.connection().dialect.name
    assert 0 < count["statements"] <= MOST[database], f"{count['statements']} statements in a run"
    assert count["commits"] == COMMITS
