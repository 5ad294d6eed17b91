"""`python -m tests.bench.deliveries.checking CONTROL SITE FOLDER STORE…`: stores against the sandbox's own truth.

Prints one JSON object: `places`, `items` and `subtasks` that there truly are, and `differences`, one line each.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import httpx

from okr_sync.core.model import DROPPED_RESOLUTIONS
from okr_sync.core.snapshot import InitiativeState
from okr_sync.store.database import Store
from okr_sync.store.results import latest_snapshot

Entries: TypeAlias = Mapping[str, tuple[str, str | None, float | None]]
"""Items by id: state, resolution, points."""
HELD = """
SELECT m.container, i.id, i.state, i.resolution, i.points, i.kind
FROM memberships m JOIN work_items i ON i.source = m.source AND i.id = m.item
WHERE m.until IS NULL AND i.absence IS NULL
"""
SHOWN = 3  # items of one place that are named in a line


def main() -> None:
    """Compare and print."""
    control, site, folder, *stores = sys.argv[1:]
    answer = httpx.get(f"{control}/truth", timeout=600, trust_env=False).raise_for_status().json()[site]
    truth = {place: {row[0]: tuple(row[1:]) for row in rows} for place, rows in answer.items()}
    initiatives = json.loads((Path(folder) / "initiatives.json").read_text("utf-8"))
    differences: list[str] = []
    subtasks = 0
    for store in map(Path, stores):
        mirrored, kinds = _mirrored(store)
        issues = {id_ for id_, kind in kinds.items() if kind == "issue"}
        subtasks = sum(kind == "subtask" for kind in kinds.values())
        found = [line for place in truth for line in compare(place, truth[place], mirrored.get(place, {}))]
        found += [f"{place}: the store has it, the tracker has not" for place in mirrored.keys() - truth.keys()]
        found += _judged(store, initiatives, truth, issues)
        differences += [f"{store.name}: {line}" for line in found]
    told = {"places": len(truth), "items": sum(map(len, truth.values())), "subtasks": subtasks}
    sys.stdout.write(json.dumps({**told, "differences": differences}))


def compare(place: str, true: Entries, mirrored: Entries) -> Iterator[str]:
    """Yield a line when a place has other counts or points than it should, or other items behind equal ones."""
    if true == mirrored:
        return
    counted = f"{_sum(mirrored)} in the store, {_sum(true)} in truth"
    wrong = sorted(id_ for id_ in true.keys() | mirrored.keys() if true.get(id_) != mirrored.get(id_))
    named = ", ".join(f"{id_} {mirrored.get(id_)} for {true.get(id_)}" for id_ in wrong[:SHOWN])
    yield f"{place}: {counted}; {len(wrong)} items differ: {named}"


def _sum(entries: Entries) -> str:
    counts = count(entries)
    points = sum(each[2] or 0.0 for each in entries.values())
    return f"{counts[0]}/{counts[0] + counts[1] + counts[2]} done, {points:g} points"


def count(entries: Entries) -> tuple[int, int, int, int]:
    """Return how many are done, in progress, open and dropped."""
    kinds: dict[str, int] = defaultdict(int)
    for state, resolution, _ in entries.values():
        kinds["dropped" if state == "done" and (resolution or "").casefold() in DROPPED_RESOLUTIONS else state] += 1
    return kinds["done"], kinds["in_progress"], kinds["open"], kinds["dropped"]


def _mirrored(store: Path) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return the items of each place, and the kind of each item."""
    held: dict[str, dict[str, Any]] = defaultdict(dict)
    kinds = {}
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
        for place, id_, state, resolution, points, kind in database.execute(HELD):
            held[place][id_] = (state, resolution, points)
            kinds[id_] = kind
    return held, kinds


def _judged(
    store: Path, initiatives: Mapping[str, list[str]], truth: Mapping[str, Entries], issues: set[str]
) -> Iterator[str]:
    """Yield a line for each initiative whose judged counts are not those of its places' issues."""
    with Store.open(f"sqlite:///{store}").reading() as session:
        snapshot = latest_snapshot(session, datetime.now(UTC))  # noqa: TID251 -- a benchmark has the real time
    states = {each.id: each for each in snapshot.initiatives} if snapshot else {}
    for name, places in initiatives.items():
        rows = {id_: row for place in places for id_, row in truth.get(place, {}).items() if id_ in issues}
        found, wanted = _counted(states.get(name)), count(rows)
        if found != wanted:
            yield f"{name}: {found} done, in progress, open, dropped in the status, {wanted} in truth"


def _counted(state: InitiativeState | None) -> tuple[int | None, ...] | None:
    return None if state is None else (state.done, state.in_progress, state.open, state.dropped)


if __name__ == "__main__":
    main()
