"""Houses of all kinds of key results that are made once and emptied between examples, so that laws can try many."""

from __future__ import annotations

import atexit
import functools
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from okr_sync.connector import (
    Answer,
    Ask,
    Container,
    DeliverySource,
    LookUp,
    Members,
    Outcome,
    Page,
    Settings,
    WorkItem,
)
from okr_sync.registry import ConnectorClass
from tests.edge.sync_play import House, Place, Played, numbers, open_house
from tests.store.empty import empty

MEMORY = Path("/dev/shm")  # noqa: S108 -- a disk that waits for nothing, where there is one
METRICS: Mapping[str, Mapping[str, Any]] = {
    "level": {"source": "survey"},
    "other": {"source": "survey", "max_age": "2 d"},
    "smooth": {"source": "survey", "readings": {"take": "median", "over": "28 d"}},
    "flow": {"source": "shop", "type": "flow"},
    "counter": {"source": "shop", "type": "counter"},
    "grade": {"source": "shop", "minimum": 0, "maximum": 3},
}
"""Metric id → how it is declared, beside its place."""
GRADED = {"metric": "level", "at_least": 1}
SHAPES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "levels": {
        "change": {"metric": "level", "baseline": 0, "target": 10},
        "captured": {"metric": "level", "baseline": "capture", "by": {"points": 10}},
        "threshold": {"metric": "other", "at_most": 25, "tolerance": 5},
        "samples": {"metric": "level", "samples": 8},
    },
    "bounds": {
        "worst": {"metric": "level", "at_least": 5, "evaluate": "worst"},
        "often": {"metric": "level", "at_most": 40, "evaluate": "time_in_bounds"},
        "range": {"metric": "smooth", "range": [40, 60], "tolerance": 10},
        "ratio": {"ratio": {"part": "other", "whole": "level"}, "target": "90 %"},
    },
    "counts": {
        "total": {"metric": "flow", "total": 20},
        "ran": {"metric": "counter", "total": 20},
        "rate": {"metric": "flow", "rate": {"count": 10, "per": "week"}},
        "zone": {"metric": "grade", "zone": {"commit": "ten", "target": "three", "stretch": "one"}},
    },
    "work": {
        "delivery": {"delivery": ["tracked"]},
        "done": {"done": {"initiative": "tracked"}, "deadline": "hard"},
        "finished": {"initiative": "tracked", "total": 4},
        "punctual": {"on_time": {"initiatives": ["tracked"]}, "target": "90 %"},
    },
    "joined": {
        "all": {"all": [{"metric": "level", "at_least": 3}, {"delivery": "tracked"}]},
        "gate": {"gate": [{"done": {"initiative": "boarded"}}, {"metric": "other", "baseline": 0, "target": 50}]},
        "weighted": {"weighted": [{"weight": 2, "measure": {"delivery": "boarded"}}, {"weight": 1, "measure": GRADED}]},
        "steps": {"steps": [{"title": "A", "initiative": "tracked"}, {"title": "B", "metric": "level"}]},
    },
}
"""What the houses are made of: shape → key result → measure; all kinds that there are."""
INITIATIVES: Mapping[str, Mapping[str, Any]] = {
    "tracked": {"delivery": [{"source": "tracker", "place": "A"}], "weight_by": "points", "due": "2026-12-01"},
    "boarded": {"delivery": [{"source": "board", "place": "B"}], "containers": "mean"},
}


@dataclass
class Said:
    """What the sources of a house say: metric → outcome, and source → the items of its one epic."""

    answers: Mapping[str, Outcome] = field(default_factory=dict)
    work: Mapping[str, tuple[WorkItem, ...]] = field(default_factory=dict)


@dataclass
class IdleHouse:
    """A house whose sources say what `said` says."""

    house: House
    said: Said
    metrics: tuple[str, ...]
    trackers: tuple[str, ...]

    def empty(self, now: datetime, said: Said) -> House:
        """Return the house as new, at `now`, with sources that say this."""
        for beside in ("-wal", "-shm"):
            Path(f"{self.house.store.path}{beside}").unlink(missing_ok=True)
        empty(self.house.store.path)
        self.said.answers, self.said.work, self.house.now = said.answers, said.work, now
        return self.house


@functools.cache
def _folder() -> Path:
    made = TemporaryDirectory(prefix="okr-sync-idle-", dir=MEMORY if MEMORY.is_dir() else None)
    atexit.register(made.cleanup)
    return Path(made.name)


@functools.cache
def idle_house(shape: str) -> IdleHouse:
    """Return this process's one house of the shape, with the sources that it asks and no others."""
    said, measures = Said(), json.dumps(SHAPES[shape])
    works = {name: each for name, each in INITIATIVES.items() if f'"{name}"' in measures}
    asked = {name: each for name, each in METRICS.items() if f'"{name}"' in measures}
    trackers = tuple(each["delivery"][0]["source"] for each in works.values())
    numbered = {each["source"] for each in asked.values()}
    kinds: dict[str, ConnectorClass] = {name: numbers(lambda ask: _answer(said, ask)) for name in sorted(numbered)}
    kinds |= {name: _work(said, name) for name in trackers}
    main = {
        "timezone": "UTC",
        "cycles": {"now": {"start": "2026-10-01", "end": "2026-12-31"}},
        "sources": {name: {"kind": name} for name in kinds},
        "metrics": {name: {"place": name, **declared} for name, declared in asked.items()},
    }
    listed = [{"id": name, "title": name, "measure": measure} for name, measure in SHAPES[shape].items()]
    team = {
        "cycle": "now",
        "objectives": [{"id": "everything", "title": "Everything", "key_results": listed}],
        "initiatives": [{"id": name, "title": name, **declared} for name, declared in works.items()],
    }
    made = open_house(_folder() / shape, main, team, {}, Played(kinds))
    return IdleHouse(made, said, tuple(asked), trackers)


def _answer(said: Said, ask: Ask[Any]) -> Answer:
    return {ref: said.answers[query.place] for ref, query in ask.queries.items()}


def _work(said: Said, name: str) -> type[DeliverySource]:
    class Work(DeliverySource):
        kind = name
        summary = "played work"
        Settings = Settings
        Query = Place

        def probe(self) -> str:
            return "played"

        def pull(self, scopes: Mapping[str, Any], cursor: str | None, now: datetime) -> Iterator[Page]:
            items = said.work[name]
            epic = Container(f"{name}-e", f"{name}-1", "An epic", "https://t.example/e", "epic", "open")
            members = Members(epic.id, frozenset(each.id for each in items), whole=True)
            yield Page(items=items, containers=(epic,), members=(members,), scopes=dict.fromkeys(scopes, (epic.id,)))

        def look_up(self, ids: frozenset[str], known: Mapping[str, WorkItem]) -> LookUp:
            raise AssertionError(f"nothing left, and {sorted(ids)} are looked up")

    return Work


JUDGED: Mapping[str, frozenset[str]] = {
    "latest": frozenset({"changed_at", "run_id"}),
    "points": frozenset({"slot", "at", "run_id"}),
    "delivery_points": frozenset({"slot", "at", "run_id"}),
}
"""What the clock may write into, as it moves what is expected by now → its columns that say nothing."""
BENEATH = frozenset({"point_values", "delivery_values", "point_contexts", "point_stamps"})
"""The tables of which the views of points are made."""


def judged(made: House) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of the judged tables in the order in which they were written, by table."""
    with closing(sqlite3.connect(f"file:{made.store.path}?mode=ro", uri=True)) as file:
        file.row_factory = sqlite3.Row
        orders = {table: "slot" if "slot" in stamps else "rowid" for table, stamps in JUDGED.items()}
        asked = {name: f"SELECT * FROM {name} ORDER BY {order}" for name, order in orders.items()}  # noqa: S608
        return {name: list(map(dict, file.execute(statement))) for name, statement in asked.items()}


def repeated(before: Mapping[str, list[dict[str, Any]]], after: Mapping[str, list[dict[str, Any]]]) -> list[Any]:
    """Return the judged rows that were written although they say what the one before them says."""
    return [
        (table, row)
        for table, stamps in JUDGED.items()
        for row in after[table]
        if row not in before[table] and _said(row, stamps) in _last_said(before[table], stamps)
    ]


def _last_said(rows: list[dict[str, Any]], stamps: frozenset[str]) -> list[dict[str, Any]]:
    last = {(row.get("kind"), row.get("subject", row.get("initiative"))): row for row in rows}
    return [_said(row, stamps) for row in last.values()]


def _said(row: Mapping[str, Any], stamps: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in stamps}
