"""Points over time: what each key result, objective and initiative was at each slot where it changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_
from sqlmodel import Session

from okr_sync.core.snapshot import InitiativeState, InitiativeStatus, KeyResultState, ObjectiveState, Status
from okr_sync.store.interning import SERIES
from okr_sync.store.layout import DELIVERED, JUDGED, Layout
from okr_sync.store.layout import save as save_rows
from okr_sync.store.statements import Row, fetch
from okr_sync.store.tables import LatestRow, sql

PointKind: TypeAlias = Literal["key_result", "objective"]

LATEST = sql(LatestRow)


@dataclass(frozen=True, slots=True)
class Point:
    """What a key result or objective was from `slot` on; `at` is when it was judged."""

    kind: PointKind
    id: str
    slot: datetime
    at: datetime
    value: float | None
    baseline: float | None
    target: float | None
    progress: float | None
    score: float | None
    status: Status
    definition: str
    run: int
    question: str | None = None
    """Hash of what was asked for it; None: an objective, or not known."""
    backfilled: bool = False
    """Whether it was computed later, at `recorded_at`; None: recorded when it was judged."""
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeliveryPoint:
    """What an initiative's work was from `slot` on."""

    initiative: str
    slot: datetime
    at: datetime
    done: int | None
    in_progress: int | None
    open: int | None
    dropped: int | None
    weight_done: float | None
    weight_total: float | None
    progress: float | None
    state: InitiativeStatus
    run: int
    question: str | None = None
    """Hash of what was asked for it; None: not known."""
    backfilled: bool = False
    recorded_at: datetime | None = None


SAID = tuple(field.name for field in fields(Point) if field.name not in {"id", "run"})
WORK_SAID = tuple(field.name for field in fields(DeliveryPoint) if field.name not in {"initiative", "run"})


def told(state: ObjectiveState | KeyResultState | InitiativeState) -> dict[str, Any]:
    """Return what a point of `state` says: the columns whose change makes a new point."""
    if isinstance(state, InitiativeState):
        names: tuple[str, ...] = ("done", "in_progress", "open", "dropped", "weight_done", "weight_total", "progress")
        return {name: getattr(state, name) for name in (*names, "state")} | {"question": state.question or None}
    names = ("value", "baseline", "target", "progress", "score", "status")
    said = {name: getattr(state, name, None) for name in names} | {"definition": getattr(state, "definition", "")}
    return said | {"question": getattr(state, "question", None) or None}


def text(said: Mapping[str, Any]) -> str:
    """Return what a point says as JSON, to compare. Raises ValueError when a number is not finite."""
    known = {name: value for name, value in said.items() if name != "question" or value is not None}
    return json.dumps(known, allow_nan=False)


def save_points(session: Session, kind: PointKind, points: Mapping[str, Row]) -> int:
    """Write one point a subject (id → columns) at their slot, replacing one of the same slot; return how many."""
    return save_rows(session, JUDGED, [((kind, id_), row) for id_, row in points.items()])


def save_delivery_points(session: Session, points: Mapping[str, Row]) -> int:
    """Write one point an initiative (id → columns) at their slot, replacing one of the same slot; return how many."""
    return save_rows(session, DELIVERED, [(("initiative", id_), row) for id_, row in points.items()])


def points(session: Session, kind: PointKind, id: str, since: datetime | None = None) -> list[Point]:  # noqa: A002
    """Return the points of a key result or objective, oldest first, from `since` (inclusive) on.

    Those of a key result that is withheld now have no numbers, although they are stored with them.
    """
    wanted = [SERIES.c.kind == kind, SERIES.c.subject == id]
    if since is not None:
        wanted.append(JUDGED.table.c.slot >= since)
    found = [point(row) for row in fetch(session, JUDGED.rows().where(*wanted).order_by(JUDGED.table.c.slot))]
    return [withhold(each) for each in found] if kind == "key_result" and is_withheld(session, id) else found


def is_withheld(session: Session, key_result: str) -> bool:
    """Return whether too few people are behind a key result, as it was judged last, for its numbers to be shown."""
    return bool(_withheld(session, LATEST.c.subject == key_result))


def withheld_ids(session: Session) -> frozenset[str]:
    """Return the key results of which too few people are behind the number, as they were judged last."""
    return _withheld(session)


def _withheld(session: Session, *wanted: ColumnElement[bool]) -> frozenset[str]:
    told = LATEST.c.body.contains('"withheld":true', autoescape=True)  # quotes inside texts are escaped
    found = fetch(session, select(LATEST.c.subject).where(LATEST.c.kind == "key_result", *wanted, told))
    return frozenset(row["subject"] for row in found)


def withhold(point: Point) -> Point:
    """Return the point without its numbers and what follows from them."""
    return replace(point, value=None, baseline=None, target=None, progress=None, score=None, status="unknown")


def delivery_points(session: Session, id: str) -> list[DeliveryPoint]:  # noqa: A002
    """Return the points of an initiative, oldest first."""
    named = and_(SERIES.c.kind == "initiative", SERIES.c.subject == id)
    return [
        delivery_point(row) for row in fetch(session, DELIVERED.rows().where(named).order_by(DELIVERED.table.c.slot))
    ]


def points_at(session: Session, at: datetime) -> dict[tuple[str, str], Point]:
    """Return (kind, id) → the point in force `at`, of all that `latest` lists."""
    found = [point(row) for row in fetch(session, _newest(JUDGED, JUDGED.table.c.slot <= at))]
    return {(each.kind, each.id): each for each in found}


def delivery_points_at(session: Session, at: datetime) -> dict[str, DeliveryPoint]:
    """Return initiative id → the point in force `at`, of all that `latest` lists."""
    found = [delivery_point(row) for row in fetch(session, _newest(DELIVERED, DELIVERED.table.c.slot <= at))]
    return {each.initiative: each for each in found}


def point(row: Row) -> Point:
    """Return the point of a row."""
    return Point(id=row["subject"], run=row["run_id"], **{name: row[name] for name in SAID})


def delivery_point(row: Row) -> DeliveryPoint:
    """Return the delivery point of a row."""
    return DeliveryPoint(initiative=row["subject"], run=row["run_id"], **{name: row[name] for name in WORK_SAID})


def newest_told(session: Session) -> dict[tuple[str, str], dict[str, Any]]:
    """Return (kind, id) → what the point of the newest slot says, of all that `latest` lists, as `text` keeps it."""
    found = [(layout, row) for layout in (JUDGED, DELIVERED) for row in fetch(session, _newest(layout))]
    return {
        (row["kind"], row["subject"]): json.loads(text({name: row[name] for name in layout.said}))
        for layout, row in found
    }


def _newest(layout: Layout, *wanted: ColumnElement[bool]) -> Select[Any]:
    """Return the query of the last of the `wanted` points, for each that `latest` lists.

    By key, one look-up each: with a join, SQLite may choose to read all points and look for each in `latest`.
    """
    slot, series = layout.table.c.slot, layout.table.c.series
    last = select(func.max(slot)).where(series == SERIES.c.id, *wanted).correlate(SERIES).scalar_subquery()
    named = and_(LATEST.c.kind == SERIES.c.kind, LATEST.c.subject == SERIES.c.subject)
    keys = select(SERIES.c.id, last).select_from(LATEST.join(SERIES, named))
    return layout.rows().where(tuple_(series, slot).in_(keys))
