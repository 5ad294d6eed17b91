"""How points lie in the store: from what is said to rows of numbers, and back.

A row holds what changes from point to point; the rest is shared (`okr_sync.store.interning`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, Select, Table, case, func, select
from sqlmodel import Session

from okr_sync.store.interning import (
    CONTEXTS,
    SERIES,
    STAMPS,
    Context,
    Stamp,
    Subject,
    number_contexts,
    number_series,
    number_stamps,
)
from okr_sync.store.statements import Row, batches, change_all, fetch, insert_all
from okr_sync.store.tables import DeliveryPointRow, PointRow, sql
from okr_sync.store.tables.points import Instant

Point: TypeAlias = tuple[Subject, Row]
"""Of what a point is, and its columns by name."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A table of points; `said` names what a point says, `own` those of it that each row has for itself."""

    table: Table
    said: tuple[str, ...]
    own: tuple[str, ...]
    word: Literal["status", "state"]
    """How the status of its context is called."""

    def rows(self) -> Select[Any]:
        """Return the query of all points: series, kind, subject, what they say, when and by whom they were written."""
        columns = [self._column(name).label(name) for name in self.said]
        at = func.coalesce(STAMPS.c.at, self.table.c.slot, type_=Instant).label("at")
        written = (STAMPS.c.run_id, STAMPS.c.backfilled, STAMPS.c.recorded_at)
        named = (self.table.c.series, SERIES.c.kind, SERIES.c.subject, self.table.c.slot, at)
        joined = self.table.join(SERIES).join(CONTEXTS).join(STAMPS)
        return select(*named, *columns, *written).select_from(joined)

    def context(self, row: Row) -> Context:
        """Return what a point says that others say, too."""
        if self is DELIVERED:
            return Context(row["state"], "", row["question"], None, None, clamped=False)
        clamped = row["score"] == _clamped(row["progress"])
        shared = {name: row[name] for name in ("status", "definition", "question", "baseline", "target")}
        return Context(**shared, clamped=clamped)

    def _column(self, name: str) -> ColumnElement[Any]:
        if name == "score":
            return _score(self.table)
        if name in self.own:
            return self.table.c[name]
        return CONTEXTS.c.status if name == self.word else CONTEXTS.c[name]


JUDGED = Layout(
    sql(PointRow),
    said=("value", "baseline", "target", "progress", "score", "status", "definition", "question"),
    own=("value", "progress", "score"),
    word="status",
)
COUNTED = ("done", "in_progress", "open", "dropped", "weight_done", "weight_total", "progress")
DELIVERED = Layout(sql(DeliveryPointRow), said=(*COUNTED, "state", "question"), own=COUNTED, word="state")


def layout_of(subject: Subject) -> Layout:
    """Return how points of a subject lie."""
    return DELIVERED if subject[0] == "initiative" else JUDGED


def save(session: Session, layout: Layout, points: Sequence[Point]) -> int:
    """Write points of one slot, replacing those that stand there; return how many. What they are is as in `write`."""
    if not points:
        return 0
    rows = _rows(session, layout, points)
    there = _there(session, layout.table, rows)
    again = [row for row in rows if row["series"] in there]
    insert_all(session, layout.table, [row for row in rows if row["series"] not in there])
    return change_all(session, layout.table, again, key=("series", "slot")) + len(rows) - len(again)


def write(session: Session, layout: Layout, new: Sequence[Point], again: Sequence[Point]) -> int:
    """Insert points where none stands, and change those that stand; return how many.

    Each row has what it says, `slot`, `at` and `run_id`; one without `backfilled` and `recorded_at` was written when it
    was judged.
    """
    rows = _rows(session, layout, [*new, *again])
    insert_all(session, layout.table, rows[: len(new)])
    change_all(session, layout.table, rows[len(new) :], key=("series", "slot"))
    return len(rows)


def _rows(session: Session, layout: Layout, points: Sequence[Point]) -> list[dict[str, Any]]:
    contexts = [layout.context(row) for _, row in points]
    stamps = [_stamp(row) for _, row in points]
    series_ids = number_series(session, [subject for subject, _ in points])
    context_ids, stamp_ids = number_contexts(session, contexts), number_stamps(session, stamps)
    return [
        {
            **{name: row[name] for name in layout.own if name != "score"},
            **({"score": None if context.clamped else row["score"]} if "score" in layout.own else {}),
            "series": series_ids[subject],
            "slot": row["slot"],
            "context": context_ids[context],
            "stamp": stamp_ids[stamp],
        }
        for (subject, row), context, stamp in zip(points, contexts, stamps, strict=True)
    ]


def _stamp(row: Row) -> Stamp:
    at = None if row["at"] == row["slot"] else row["at"]
    return Stamp(row["run_id"], at, row.get("backfilled", False), row.get("recorded_at"))


def _there(session: Session, table: Table, rows: Sequence[Row]) -> set[int]:
    """Return the series that have a point already at the slot, which is the same of all."""
    found: set[int] = set()
    for some in batches(row["series"] for row in rows):
        wanted = (table.c.slot == rows[0]["slot"], table.c.series.in_(some))
        found |= {row["series"] for row in fetch(session, select(table.c.series).where(*wanted))}
    return found


def _clamped(progress: float | None) -> float | None:
    return None if progress is None else min(1.0, max(0.0, progress))


def _score(table: Table) -> ColumnElement[Any]:
    """Return the score of a point: its own, or its progress held in [0, 1]."""
    progress = table.c.progress
    held = case((progress < 0, 0.0), (progress > 1, 1.0), else_=progress)
    return case((CONTEXTS.c.clamped, held), else_=table.c.score)
