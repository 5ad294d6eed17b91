"""Plays sources for the tests of the sync engine: what a source says is a function that the test gives."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, TypeAlias

from okr_sync.config import Config, load
from okr_sync.connector import (
    Answer,
    Ask,
    Container,
    DeliverySource,
    LookUp,
    Members,
    MetricSource,
    Page,
    Query,
    Reading,
    Settings,
    WorkItem,
)
from okr_sync.core.snapshot import InitiativeState, KeyResultState
from okr_sync.registry import GROUP, ConnectorClass, Registry
from okr_sync.store.database import Store
from okr_sync.store.ledger import Entry
from okr_sync.sync import RunReport, sync
from okr_sync.sync.collect import Watch
from okr_sync.sync.run import World
from tests.store.empty import new_store

START = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)
VOLATILE = frozenset({"runs", "run_sources", "run_entries", "source_states"})
"""Tables that every run writes into, whatever its sources bring."""

Read: TypeAlias = Callable[[Ask[Any]], Answer]
Pull: TypeAlias = Callable[[str | None, datetime], Iterable[Page]]
Find: TypeAlias = Callable[[frozenset[str]], LookUp]


class Place(Query):
    """A question: which place is meant."""

    place: str


class Played(Registry):
    """A registry of classes instead of entry points."""

    def __init__(self, classes: Mapping[str, ConnectorClass]) -> None:
        super().__init__([EntryPoint(kind, "played:Played", GROUP) for kind in classes])
        self._played = classes

    def connector_class(self, kind: str) -> ConnectorClass:
        return self._played[kind]


def numbers(answer: Read) -> type[MetricSource]:
    """Return a metric source that says what `answer` says."""

    class Numbers(MetricSource):
        kind = "numbers"
        summary = "played numbers"
        Settings = Settings
        Query = Place

        def probe(self) -> str:
            return "played"

        def read(self, ask: Ask[Any]) -> Answer:
            return answer(ask)

    return Numbers


def values(*readings: Reading) -> type[MetricSource]:
    """Return a metric source that answers every question with `readings`."""
    return numbers(lambda ask: dict.fromkeys(ask.queries, readings))


def nobody(ids: frozenset[str]) -> LookUp:
    """Answer a look-up that must not happen."""
    raise AssertionError(f"nobody asks for {sorted(ids)}")


def work(bring: Pull, find: Find = nobody) -> type[DeliverySource]:
    """Return a delivery source whose pages are those of `bring`, and which looks up by `find`."""

    class Work(DeliverySource):
        kind = "work"
        summary = "played work"
        Settings = Settings
        Query = Place

        def probe(self) -> str:
            return "played"

        def pull(self, scopes: Mapping[str, Any], cursor: str | None, now: datetime) -> Iterator[Page]:
            assert list(scopes) == [REF]
            yield from bring(cursor, now)

        def look_up(self, ids: frozenset[str], known: Mapping[str, WorkItem]) -> LookUp:
            return find(ids)

    return Work


REF = "bad-work/1"
"""The ref of the one scope that a played delivery source is asked about."""


def item(id_: str, **facts: Any) -> WorkItem:
    """Return an open issue, but for `facts`."""
    plain: dict[str, Any] = {"kind": "issue", "state": "open", "points": 1.0}
    return WorkItem(id=id_, key=f"A-{id_}", title=f"Issue {id_}", url=f"https://t.example/{id_}", **{**plain, **facts})


EPIC = Container("e", "A-1", "An epic", "https://t.example/e", "epic", "open")


def page(*items: WorkItem, **parts: Any) -> Page:
    """Return a whole answer: the epic with exactly these items, but for `parts`."""
    members = Members("e", frozenset(each.id for each in items), whole=True)
    whole: dict[str, Any] = {"items": items, "containers": (EPIC,), "members": (members,), "scopes": {REF: ("e",)}}
    return Page(**{**whole, **parts})


@dataclass
class House:
    """A config with its store and clock; `sync` is one run."""

    config: Config
    store: Store
    now: datetime
    registry: Registry | None = None
    slept: list[float] = field(default_factory=list)

    def sync(self, *, full: bool = False, watch: Watch | None = None, retry: bool = False) -> RunReport:
        """Return one run at `now`; waits are noted and not waited."""
        world = World(clock=lambda: self.now, sleep=self.slept.append, watch=watch)
        return sync(self.store, self.config, world, full=full, registry=self.registry, retry=retry)

    def tables(self) -> dict[str, list[Any]]:
        """Return the rows of every table that only news may change, by table."""
        with closing(sqlite3.connect(f"file:{self.store.path}?mode=ro", uri=True)) as file:
            found = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {
                name: sorted(file.execute(f'SELECT * FROM "{name}"'), key=repr)  # noqa: S608 -- our own names
                for name in found
                if name not in VOLATILE and not name.startswith("sqlite_")
            }


def house(folder: Path, **sources: ConnectorClass) -> House:
    """Return a house with a played source a name: `bad` is the one tried, `good` always answers 5 of 10.

    A metric source has the key result `<name>`; a delivery source has it too, and the initiative `<name>-work`.
    """
    told = {"good": values(Reading(5.0)), **sources}
    main = {
        "timezone": "UTC",
        "cycles": {"now": {"start": "2026-10-01", "end": "2026-12-31"}},
        "sources": {name: {"kind": name} for name in told},
        "metrics": {
            name: {"source": name, "place": name} for name, each in told.items() if issubclass(each, MetricSource)
        },
    }
    tracked = [name for name, each in told.items() if issubclass(each, DeliverySource)]
    team = {
        "cycle": "now",
        "objectives": [{"id": "all", "title": "All", "key_results": [_key_result(name, tracked) for name in told]}],
        "initiatives": [
            {"id": f"{name}-work", "title": name, "delivery": [{"source": name, "place": "A"}]} for name in tracked
        ],
    }
    return open_house(folder, main, team, {}, Played(told))


def _key_result(name: str, tracked: list[str]) -> dict[str, Any]:
    measure = {"delivery": f"{name}-work"} if name in tracked else {"metric": name, "baseline": 0, "target": 10}
    return {"id": name, "title": name, "measure": measure}


def open_house(
    folder: Path, main: Mapping[str, Any], team: Mapping[str, Any], env: Mapping[str, str], registry: Registry | None
) -> House:
    """Write the two files of a config (JSON is YAML), load them, and open the store beside them."""
    (folder / "okrs").mkdir(parents=True)
    (folder / "okr-sync.yaml").write_text(json.dumps(main), encoding="utf-8")
    (folder / "okrs" / "team.yaml").write_text(json.dumps(team), encoding="utf-8")
    config = load(folder, env, registry)
    return House(config, new_store(folder / "okr-sync.db"), START + timedelta(days=30), registry)


def entry_of(report: RunReport, key_result: str) -> Entry:
    return next(each for each in report.entries if each.key_result == key_result)


def key_result_of(report: RunReport, name: str) -> KeyResultState:
    return next(each for each in report.snapshot.key_results if each.id == name)


def initiative_of(report: RunReport, name: str) -> InitiativeState:
    return next(each for each in report.snapshot.initiatives if each.id == name)


def refusal(report: RunReport, outcome: str) -> str:
    """Return what the run says about the source `bad`, which must have ended with `outcome` and without a number;
    the others must be untouched by it.
    """
    assert report.outcome == "partial"
    brought = next(each for each in report.collected if each.source == "bad")
    assert brought.outcome == outcome
    told = entry_of(report, "bad")
    assert (told.outcome, key_result_of(report, "bad").value) == ("failed", None)
    assert told.fix, "an entry that failed says what to do"
    assert (entry_of(report, "good").outcome, key_result_of(report, "good").value) == ("updated", 5.0)
    return told.reason
