"""On which lines of which file each definition stands, to find out who wrote it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal, TypeAlias

from okr_sync.config.places import Place, Row, Table

__all__ = ["Defined", "Lines", "whereabouts"]

Kind: TypeAlias = Literal["cycle", "objective", "key_result", "initiative", "metric"]
Defined: TypeAlias = tuple[Kind, str]
"""What sort of thing, and its id."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of a file, counted from 1: those from `first` through `last` (None: to the end) but `without` others.

    Blank lines and comments may trail.
    """

    file: Path
    first: int
    last: int | None
    without: tuple[tuple[int, int | None], ...] = ()

    def __contains__(self, line: int) -> bool:
        return _within(line, self.first, self.last) and not any(_within(line, *span) for span in self.without)


def whereabouts(tables: Mapping[Path, Table]) -> dict[Defined, Lines]:
    """Return where each definition of some files stands; an objective without its key results and initiatives."""
    return {defined: lines for file, table in tables.items() for defined, lines in _of_file(file, table)}


def _within(line: int, first: int, last: int | None) -> bool:
    return first <= line and (last is None or line <= last)


def _of_file(file: Path, table: Table) -> Iterator[tuple[Defined, Lines]]:
    ends = _Ends(table)
    yield from _named(table.get("cycles"), "cycle", file, ends)
    yield from _named(table.get("metrics"), "metric", file, ends)
    for objective in _entries(table.get("objectives")):
        inner = dict(chain(_listed(objective, "key_result", "key_results", file, ends),
                           _listed(objective, "initiative", "initiatives", file, ends)))  # fmt: skip
        yield from inner.items()
        spans = tuple((lines.first, lines.last) for lines in inner.values())
        yield ("objective", objective["id"]), Lines(file, objective.place.line, ends.last(objective), spans)
    yield from _listed(table, "initiative", "initiatives", file, ends)


def _named(section: Any, kind: Kind, file: Path, ends: _Ends) -> Iterator[tuple[Defined, Lines]]:
    if isinstance(section, Table):
        for name, value in section.items():
            yield (kind, name), Lines(file, section.keys_at[name].line, ends.last(value, section.values_at[name]))


def _listed(table: Table, kind: Kind, section: str, file: Path, ends: _Ends) -> Iterator[tuple[Defined, Lines]]:
    for entry in _entries(table.get(section)):
        yield (kind, entry["id"]), Lines(file, entry.place.line, ends.last(entry))


def _entries(rows: Any) -> Iterator[Table]:
    for entry in rows if isinstance(rows, Row) else ():
        if isinstance(entry, Table) and isinstance(entry.get("id"), str):
            yield entry


class _Ends:
    """Where things of one file end: before the line on which anything after them begins."""

    def __init__(self, table: Table) -> None:
        self._last: dict[int, int] = {}  # a table or row by its identity → the last line on which anything in it begins
        lines: set[int] = set()
        self._walk(table, lines)
        self._lines = sorted(lines)

    def last(self, value: Any, place: Place | None = None) -> int | None:
        """Return the last line of a value; None when it goes to the end of the file."""
        own = self._last.get(id(value), 0)
        after = bisect_right(self._lines, own if place is None else max(own, place.line))
        return self._lines[after] - 1 if after < len(self._lines) else None

    def _walk(self, value: Table | Row, lines: set[int]) -> int:
        """Note a value and all in it, each once; return its last line."""
        if id(value) in self._last:
            return self._last[id(value)]
        places = value.items_at if isinstance(value, Row) else [*value.keys_at.values(), *value.values_at.values()]
        own = {value.place.line, *(place.line for place in places)}
        lines |= own
        inner = value if isinstance(value, Row) else value.values()
        deeper = [self._walk(each, lines) for each in inner if isinstance(each, Table | Row)]
        self._last[id(value)] = max([*own, *deeper])
        return self._last[id(value)]
