"""A quarter replayed day by day is the quarter filled in at its end, for every kind of number source with a past."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from okr_sync.connector import MetricSource, Reading
from okr_sync.registry import Registry
from okr_sync.store import rewriting
from okr_sync.store.inbox import receive
from okr_sync.store.points import points
from tests.contract.prometheus_server import UnavailableError, running
from tests.edge.past_play import DAY, FIRST
from tests.edge.sync_play import House, open_house
from tests.edge.test_past import midnight

QUARTER = 92  # days; the clocks go back on the 25th of October
EVERY = 3  # days there is a new number
AT = timedelta(hours=6)  # of its day, in UTC
ROWS = {number: (20.0 + number * 37 % 41, float(2 * number + 20)) for number in range(-6, QUARTER, EVERY)}
"""Day → (nps, talks so far); those of negative days lie before the start."""
MEASURES: dict[str, Callable[[str], dict[str, Any]]] = {
    "change": lambda kind: {"metric": f"{kind}-nps", "baseline": 10, "target": 60},
    "captured": lambda kind: {"metric": f"{kind}-nps", "baseline": "capture", "by": 20},
    "between": lambda kind: {"metric": f"{kind}-nps", "range": [30, 50], "tolerance": 10},
    "never-over": lambda kind: {"metric": f"{kind}-nps", "at_most": 55, "evaluate": "worst", "tolerance": 10},
    "total": lambda kind: {"metric": f"{kind}-talks", "total": 200},
    "weekly": lambda kind: {"metric": f"{kind}-talks", "rate": {"count": 14, "per": "week", "mode": "hit_rate"}},
}
"""From the kind of a source to a measure over its metrics."""


def moment(number: int) -> datetime:
    """Return when the numbers of a day became true."""
    return FIRST + number * DAY + AT


class Feed(ABC):
    """A source in a folder of its own: what config says of it and its two metrics, and what it shows by an instant."""

    kind: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)

    def settings(self) -> dict[str, Any]:
        """Return what the config says of the source, beside its kind."""
        return {}

    @abstractmethod
    def query(self, metric: str) -> dict[str, Any]:
        """Return what the config says of `nps` or `talks`."""

    @abstractmethod
    def show(self, house: House, until: datetime) -> None:
        """Let the source know the numbers up to an instant."""


class Table(Feed):
    """A Parquet file that is written anew."""

    kind = "table_file"

    def settings(self) -> dict[str, Any]:
        return {"path": str(self.folder / "survey.parquet")}

    def query(self, metric: str) -> dict[str, Any]:
        return {"column": metric}

    def show(self, house: House, until: datetime) -> None:
        rows = ", ".join(f"(TIMESTAMP '{_text(at)}', {nps}, {talks})" for at, nps, talks in shown(until))
        file = self.folder / "survey.parquet"
        with duckdb.connect(":memory:") as database:
            database.execute(f"COPY (FROM (VALUES {rows}) AS t(date, nps, talks)) TO '{file}' (FORMAT parquet)")


class Rows(Feed):
    """A table of a SQLite file that gets more rows."""

    kind = "sql"

    def settings(self) -> dict[str, Any]:
        return {"url": f"sqlite:///{self.folder / 'survey.db'}"}

    def query(self, metric: str) -> dict[str, Any]:
        return {"sql": f"SELECT at AS time, {metric} FROM survey WHERE at BETWEEN :start AND :end"}  # noqa: S608 -- our own names

    def show(self, house: House, until: datetime) -> None:
        with closing(sqlite3.connect(self.folder / "survey.db")) as file, file:
            file.execute("CREATE TABLE IF NOT EXISTS survey (at TEXT PRIMARY KEY, nps REAL, talks REAL)")
            rows = [(_text(at), nps, talks) for at, nps, talks in shown(until)]
            file.executemany("INSERT OR IGNORE INTO survey VALUES (?, ?, ?)", rows)


class Typed(Feed):
    """Entries in the config, those of later days among them."""

    kind = "manual"

    def query(self, metric: str) -> dict[str, Any]:
        place = ("nps", "talks").index(metric)
        return {
            "entries": [{"value": row[place], "on": moment(day).isoformat(), "by": "ana"} for day, row in ROWS.items()]
        }

    def show(self, house: House, until: datetime) -> None:
        """Entries of later days lie in the future: nothing has to be hidden."""


class Sent(Feed):
    """Values that a program sends, each once."""

    kind = "push"

    def query(self, metric: str) -> dict[str, Any]:
        return {}

    def show(self, house: House, until: datetime) -> None:
        with house.store.writing() as session:
            for at, nps, talks in shown(until):
                for metric, value in (("push-nps", nps), ("push-talks", talks)):
                    receive(session, house.now, metric, Reading(value, at), "ci")


class Monitored(Feed):
    """A real Prometheus that has scraped all of the quarter, and is asked for what it knew."""

    kind = "prometheus"

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder)
        self.url = url

    def settings(self) -> dict[str, Any]:
        return {"url": self.url, "allow_hosts": ["127.0.0.1"], "timezone": "Europe/Berlin"}

    def query(self, metric: str) -> dict[str, Any]:
        return {"query": f"last_over_time({metric}[{EVERY + 1}d])"}

    def show(self, house: House, until: datetime) -> None:
        """It is asked about instants: nothing has to be hidden."""


FEEDS: tuple[type[Feed], ...] = (Table, Rows, Typed, Sent)


def shown(until: datetime) -> Iterator[tuple[datetime, float, float]]:
    """Yield the numbers up to an instant, each with its time."""
    return ((moment(day), *row) for day, row in ROWS.items() if moment(day) <= until)


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def feed_house(folder: Path, feeds: Sequence[Feed]) -> House:
    """Return a house with an objective a feed, and in it a key result a measure."""
    metrics: dict[str, dict[str, Any]] = {}
    for feed in feeds:
        metrics[f"{feed.kind}-nps"] = {"source": feed.kind, **feed.query("nps")}
        metrics[f"{feed.kind}-talks"] = {"source": feed.kind, "type": "counter", **feed.query("talks")}
    main = {
        "timezone": "Europe/Berlin",
        "cycles": {"now": {"start": "2026-10-01", "end": "2026-12-31"}},
        "sources": {feed.kind: {"kind": feed.kind, **feed.settings()} for feed in feeds},
        "metrics": metrics,
    }
    objectives = [
        {
            "id": feed.kind,
            "title": feed.kind,
            "key_results": [
                {"id": f"{feed.kind}-{name}", "title": name, "measure": measure(feed.kind)}
                for name, measure in MEASURES.items()
            ],
        }
        for feed in feeds
    ]
    return open_house(folder, main, {"cycle": "now", "objectives": objectives}, {}, None)


def told(house: House) -> dict[str, list[tuple[Any, ...]]]:
    """Return what all points say, by slot."""
    book = house.config.book
    with house.store.reading() as session:
        found: dict[str, list[Any]] = {
            each.id: [*points(session, "key_result", each.id)] for each in book.key_results()
        } | {each.id: [*points(session, "objective", each.id)] for each in book.objectives}
    names = ("slot", *rewriting.POINT)
    return {name: [tuple(getattr(each, of) for of in names) for each in said] for name, said in found.items()}


def replay(folder: Path, make: Callable[[Path], Sequence[Feed]]) -> None:
    """Sync at each local midnight of the quarter into one store, at its end into the other; both must say the same."""
    replayed, filled = make(folder / "replayed"), make(folder / "filled")
    live, late = feed_house(folder / "live", replayed), feed_house(folder / "late", filled)
    for number in range(1, QUARTER + 1):
        live.now = midnight(number)
        for feed in replayed:
            feed.show(live, live.now)
        assert live.sync().outcome == "ok"
    late.now = midnight(QUARTER)
    for feed in filled:
        feed.show(late, late.now)
    past = late.sync().past
    assert (past.instants, past.replaced) == (QUARTER - 1, 0)
    there = told(live)
    assert {name: len(said) > 2 for name, said in there.items()} == dict.fromkeys(there, True)
    assert told(late) == there


def test_a_quarter_replayed_day_by_day_is_the_quarter_filled_in_at_its_end(tmp_path: Path) -> None:
    replay(tmp_path, lambda folder: [feed(folder / feed.kind) for feed in FEEDS])


def test_a_quarter_of_a_real_prometheus_replayed_is_the_quarter_filled_in_at_its_end(tmp_path: Path) -> None:
    samples = {
        name: {moment(day).timestamp(): row[place] for day, row in ROWS.items()}
        for place, name in enumerate(("nps", "talks"))
    }
    (tmp_path / "server").mkdir()
    try:
        with running(tmp_path / "server", samples) as url:
            replay(tmp_path, lambda folder: [Monitored(folder / "prometheus", url)])
    except UnavailableError as error:
        pytest.skip(str(error))


def test_every_kind_of_number_source_with_a_past_is_replayed() -> None:
    """`csv_file` is replayed with every kind of measure, among the tests of past definitions."""
    registry = Registry()
    classes = {kind: registry.connector_class(kind) for kind in registry.kinds()}
    kept = {kind for kind, each in classes.items() if issubclass(each, MetricSource) and each.HISTORY}
    assert kept == {*(feed.kind for feed in FEEDS), "prometheus", "csv_file"}
