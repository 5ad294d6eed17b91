"""The book as it was: what people define now, each with the target, baseline, weight and query in force then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sqlmodel import Session

from okr_sync.core.definition import initiatives_of, metrics_of
from okr_sync.core.model import Book, Cycle, Initiative, KeyResult, Metric, Objective
from okr_sync.store.decoding import decode
from okr_sync.store.definitions import Definition, Kind, all_versions

__all__ = ["Books", "book_at", "defined"]

Defined = TypeVar("Defined", Cycle, Objective, KeyResult, Initiative, Metric)
KINDS: dict[type, Kind] = {
    Cycle: "cycle",
    Objective: "objective",
    KeyResult: "key_result",
    Initiative: "initiative",
    Metric: "metric",
}
BESIDE: dict[type, frozenset[str]] = {Objective: frozenset({"key_results"}), KeyResult: frozenset({"objective"})}
"""What a body holds beside the fields of its own: ids of what stands above or beneath it."""


def book_at(session: Session, book: Book, at: datetime) -> Book:
    """Return the present book with everything in it as it was in force at `at`; see `Books.at`."""
    return Books(session, book).at(at)


def defined(cls: type[Defined], version: Definition) -> Defined:
    """Return what a version says, as `cls`; an objective without its key results. Raises StoreError if it can't."""
    beside = BESIDE.get(cls, frozenset())
    return decode(cls, {name: value for name, value in version.body.items() if name not in beside})


class Books:
    """All versions of what a book holds, read once, to tell the book of many instants."""

    def __init__(self, session: Session, book: Book) -> None:
        self._book = book
        self._versions = all_versions(session)
        self._known: dict[tuple[type, str, int], object] = {}

    def at(self, at: datetime) -> Book:
        """Return the present book with each thing in it as it was in force at `at`.

        What had no version then yet has its first one; what has none at all is as it is now. What is no longer in the
        book stays out, except metrics and initiatives on which a key result rested then. Key results stand under their
        present objectives; a link to what is not there any more is left out. Raises StoreError for a version that
        can't be read.
        """
        objectives = tuple(self._objective(each, at) for each in self._book.objectives)
        return replace(
            self._book,
            cycles=tuple(self._then(Cycle, each.id, at) or each for each in self._book.cycles),
            objectives=self._linked(objectives),
            metrics=self._needed(Metric, self._book.metrics, _read_by(objectives), at),
            initiatives=self._needed(Initiative, self._book.initiatives, _rested_on(objectives), at),
        )

    def moments(self) -> tuple[datetime, ...]:
        """Return the instants at which a version began, oldest first: between two of them `at` tells one book."""
        return tuple(sorted({version.since for found in self._versions.values() for version in found}))

    def _objective(self, objective: Objective, at: datetime) -> Objective:
        key_results = tuple(self._then(KeyResult, each.id, at) or each for each in objective.key_results)
        then = self._then(Objective, objective.id, at) or objective
        cycle = then.cycle if any(each.id == then.cycle for each in self._book.cycles) else objective.cycle
        return replace(then, cycle=cycle, key_results=key_results)

    def _linked(self, objectives: tuple[Objective, ...]) -> tuple[Objective, ...]:
        # Books are saved whole and without circles, so the links of one instant make none either.
        known = {each.id for each in objectives}
        return tuple(
            replace(
                each,
                contributes_to=each.contributes_to if each.contributes_to in known else None,
                supports=tuple(name for name in each.supports if name in known),
            )
            for each in objectives
        )

    def _needed(
        self, cls: type[Defined], present: tuple[Defined, ...], named: Iterator[str], at: datetime
    ) -> tuple[Defined, ...]:
        """Return what is there now, as it was then, followed by what only was needed then."""
        held = dict.fromkeys(each.id for each in present)
        found = [self._then(cls, each.id, at) or each for each in present]
        for name in dict.fromkeys(named):
            gone = None if name in held else self._then(cls, name, at)
            found += [] if gone is None else [gone]
        return tuple(found)

    def _then(self, cls: type[Defined], name: str, at: datetime) -> Defined | None:
        """Return the newest version that had begun by `at`, else the first; None when there is none at all."""
        found = self._versions.get((KINDS[cls], name), ())
        if not found:
            return None
        begun = [version for version in found if version.since <= at]
        return self._decoded(cls, begun[-1] if begun else found[0])

    def _decoded(self, cls: type[Defined], version: Definition) -> Defined:
        key = (cls, version.id, version.version)
        if key not in self._known:
            self._known[key] = defined(cls, version)
        known = self._known[key]
        assert isinstance(known, cls)  # noqa: S101 -- the key holds the class
        return known


def _read_by(objectives: tuple[Objective, ...]) -> Iterator[str]:
    return (name for each in objectives for kr in each.key_results for name in metrics_of(kr.measure))


def _rested_on(objectives: tuple[Objective, ...]) -> Iterator[str]:
    return (name for each in objectives for kr in each.key_results for name in initiatives_of(kr.measure))
