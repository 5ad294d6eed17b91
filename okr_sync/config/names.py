"""Which ids the files declare, where, and whether each is declared once; broken parts declare theirs too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal, TypeAlias

from okr_sync.config.places import Mistakes, Place, Row, Table, nearest

__all__ = ["Declared", "Sort", "declared_in"]

Sort: TypeAlias = Literal["source", "cycle", "team", "person", "metric", "objective", "key result", "initiative"]

_SECTIONS: Mapping[Sort, str] = {
    "source": "sources",
    "cycle": "cycles",
    "team": "teams",
    "person": "people",
    "metric": "metrics",
}


@dataclass(frozen=True, slots=True)
class Declared:
    """Every id by sort, with its first place."""

    mistakes: Mistakes
    places: Mapping[Sort, dict[str, Place]] = field(default_factory=dict)

    def has(self, sort: Sort, name: str, place: Place) -> bool:
        """Return whether `name` is declared; if not, note at `place` that it dangles."""
        known = self.places.get(sort, {})
        if name in known:
            return True
        some = f"; known: {', '.join(islice(known, 8))}" if known else f"; no {sort} is declared"
        hint = nearest(name, known) or some
        self.mistakes.add(place, f"unknown {sort} {self.mistakes.quote(name)}{hint}")
        return False

    def any(self, sort: Sort) -> bool:
        """Return whether anything of this sort is declared."""
        return bool(self.places.get(sort))


def declared_in(tables: Iterable[Table], mistakes: Mistakes) -> Declared:
    """Return all that `tables` declare; an id that is declared twice is noted at its second place."""
    places: dict[Sort, dict[str, Place]] = {}
    for table in tables:
        for sort, name, place in _all_of(table):
            known = places.setdefault(sort, {})
            first = known.setdefault(name, place)
            if first != place:
                mistakes.add(place, f"{sort} {mistakes.quote(name)} is declared twice; the first is at {first}")
    return Declared(mistakes, places)


def _all_of(table: Table) -> Iterator[tuple[Sort, str, Place]]:
    for sort, section in _SECTIONS.items():
        entries = table.get(section)
        if isinstance(entries, Table):
            for name in entries:
                yield sort, name, entries.keys_at[name]
    yield from _with_id("initiative", table.get("initiatives"))
    yield from _with_id("objective", table.get("objectives"))
    for objective in _tables(table.get("objectives")):
        yield from _with_id("key result", objective.get("key_results"))
        yield from _with_id("initiative", objective.get("initiatives"))


def _with_id(sort: Sort, entries: Any) -> Iterator[tuple[Sort, str, Place]]:
    for entry in _tables(entries):
        if isinstance(entry.get("id"), str):
            yield sort, entry["id"], entry.values_at["id"]


def _tables(entries: Any) -> Iterator[Table]:
    if isinstance(entries, Row):
        yield from (entry for entry in entries if isinstance(entry, Table))
