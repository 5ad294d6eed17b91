"""Results: the latest state of everything, and how it was at any instant before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import delete, func, select
from sqlmodel import Session

from okr_sync.core.facts import SourceState
from okr_sync.core.freshness import refresh
from okr_sync.core.snapshot import InitiativeState, KeyResultState, ObjectiveState, Snapshot
from okr_sync.store import bodies
from okr_sync.store.bodies import Kind, State
from okr_sync.store.ledger import require_running
from okr_sync.store.points import (
    DeliveryPoint,
    Point,
    delivery_points,
    delivery_points_at,
    is_withheld,
    points,
    points_at,
    save_delivery_points,
    save_points,
    text,
    told,
    withhold,
)
from okr_sync.store.sources import source_states
from okr_sync.store.statements import Row, change_all, chunks, differ, fetch, fetch_one, fetch_plain, insert_all
from okr_sync.store.tables import LatestRow, Run, sql
from okr_sync.store.uncollected import uncollected

__all__ = [
    "DeliveryPoint",
    "Point",
    "Saved",
    "delivery_points",
    "is_withheld",
    "judged_at",
    "judging_runs",
    "known_ids",
    "latest_snapshot",
    "points",
    "save_snapshot",
    "saved_snapshot",
    "snapshot_at",
]

LATEST, RUNS = sql(LatestRow), sql(Run)
NO_SOURCES: Mapping[str, SourceState] = {}


@dataclass(frozen=True, slots=True)
class Saved:
    """How many rows were written: all zero when nothing changed."""

    latest: int = 0
    removed: int = 0
    points: int = 0
    delivery_points: int = 0


def save_snapshot(
    session: Session,
    run_id: int,
    snapshot: Snapshot,
    *,
    slot: datetime,
    said: Mapping[tuple[Kind, str], str] | None = None,
) -> Saved:
    """Save the states that changed, remove those that are gone, and append points at `slot`; return what was written.

    `said` is what the newest points say that were computed again in this run. Raises StoreError when the run lost its
    lease.
    """
    require_running(session, run_id)
    known = {(row["kind"], row["subject"]): row for row in fetch(session, select(LATEST))}
    rows = {(row["kind"], row["subject"]): row for row in _latest_rows(snapshot)}
    newest = {**{key: row["point"] for key, row in known.items()}, **(said or {})}
    moved = frozenset(key for key, row in rows.items() if newest.get(key) != row["point"])
    stamp = {"slot": slot, "at": snapshot.at, "run_id": run_id}
    saved = Saved(
        points=save_points(session, "objective", _points("objective", snapshot.objectives, moved, stamp))
        + save_points(session, "key_result", _points("key_result", snapshot.key_results, moved, stamp)),
        delivery_points=save_delivery_points(session, _points("initiative", snapshot.initiatives, moved, stamp)),
        latest=_save_latest(session, rows, known, {"changed_at": snapshot.at, "run_id": run_id}),
        removed=_remove(session, known.keys() - rows.keys()),
    )
    change_all(session, RUNS, [{"id": run_id, "evaluated_at": snapshot.at}], key=("id",))
    return saved


def latest_snapshot(session: Session, now: datetime) -> Snapshot | None:
    """Return the newest states as they are to be read `now`: what is too old by then is stale, workers dead or not.

    `at` is the instant at which they were judged; `expected` is not kept. None when nothing was ever judged.
    """
    sources = source_states(session, now)
    saved = saved_snapshot(session, sources)
    return None if saved is None else refresh(saved, sources, now)


def snapshot_at(session: Session, at: datetime) -> Snapshot | None:
    """Return what was known `at`, for all that exists now, from the points; None when there are none so old.

    Titles, owners, dates and coverage are today's; reason, formula and inputs were not kept and are empty.
    """
    saved = saved_snapshot(session)
    judged, delivered = points_at(session, at), delivery_points_at(session, at)
    if saved is None or not (judged or delivered):
        return None
    return Snapshot(
        at=at,
        objectives=tuple(
            _objective_at(state, judged["objective", state.id])
            for state in saved.objectives
            if ("objective", state.id) in judged
        ),
        key_results=tuple(
            _key_result_at(state, judged["key_result", state.id])
            for state in saved.key_results
            if ("key_result", state.id) in judged
        ),
        initiatives=tuple(
            _initiative_at(state, delivered[state.id]) for state in saved.initiatives if state.id in delivered
        ),
    )


def known_ids(session: Session) -> dict[str, Kind]:
    """Return the id of everything that the newest snapshot holds → what it is, in its order."""
    found = fetch(session, select(LATEST.c.kind, LATEST.c.subject).order_by(LATEST.c.kind, LATEST.c.position))
    return {row["subject"]: row["kind"] for row in found}


def judging_runs(session: Session, limit: int) -> list[tuple[int, datetime]]:
    """Return (id, instant of judgement) of the runs that judged, the newest first; one that crashed did not."""
    statement = select(RUNS.c.id, RUNS.c.evaluated_at).where(RUNS.c.evaluated_at.is_not(None))
    found = fetch(session, statement.order_by(RUNS.c.id.desc()).limit(limit))
    return [(row["id"], row["evaluated_at"]) for row in found]


def judged_at(session: Session) -> datetime | None:
    """Return the newest instant that was judged; None: nothing was ever."""
    found = fetch_one(session, select(func.max(RUNS.c.evaluated_at).label("at")))
    at: datetime | None = found["at"] if found else None
    return at


def saved_snapshot(session: Session, sources: Mapping[str, SourceState] = NO_SOURCES) -> Snapshot | None:
    """Return the newest states as they were judged, whatever happened to their sources since; None: there are none.

    They say as of when they are where `sources` are given, which is what `refresh` would have to add to each.
    """
    judged = judged_at(session)
    if judged is None:
        return None
    with uncollected():
        texts = _texts(session)
        return Snapshot(
            at=judged,
            objectives=bodies.read_objectives(texts["objective"]),
            key_results=bodies.read_key_results(texts["key_result"], sources),
            initiatives=bodies.read_initiatives(texts["initiative"], sources),
        )


def _texts(session: Session) -> dict[Kind, list[str]]:
    """Return the bodies of each kind in their order; the database would carry the texts about to put them in it."""
    rows = fetch_plain(session, select(LATEST.c.kind, LATEST.c.position, LATEST.c.body))
    ordered = sorted(rows, key=itemgetter(1))
    kinds: tuple[Kind, ...] = ("objective", "key_result", "initiative")
    return {wanted: [body for kind, _, body in ordered if kind == wanted] for wanted in kinds}


def _latest_rows(snapshot: Snapshot) -> list[dict[str, Any]]:
    return [
        *_rows("objective", snapshot.objectives, bodies.objective_body),
        *_rows("key_result", snapshot.key_results, bodies.key_result_body),
        *_rows("initiative", snapshot.initiatives, bodies.initiative_body),
    ]


def _rows(kind: Kind, states: Sequence[Any], body: Callable[[Any], str]) -> list[dict[str, Any]]:
    return [
        {"kind": kind, "subject": state.id, "position": position, "body": body(state), "point": text(told(state))}
        for position, state in enumerate(states)
    ]


def _points(
    kind: Kind, states: Sequence[State], moved: frozenset[tuple[str, str]], stamp: Row
) -> dict[str, dict[str, Any]]:
    """Return id → columns of the point to write, for those whose point says something new."""
    return {state.id: {**told(state), **stamp} for state in states if (kind, state.id) in moved}


def _save_latest(
    session: Session,
    rows: Mapping[tuple[str, str], Row],
    known: Mapping[tuple[str, str], Row],
    stamp: Mapping[str, Any],
) -> int:
    new = [{**row, **stamp} for key, row in rows.items() if key not in known]
    changed = [{**row, **stamp} for key, row in rows.items() if key in known and differ(known[key], row)]
    return change_all(session, LATEST, changed, key=("kind", "subject")) + insert_all(session, LATEST, new)


def _remove(session: Session, gone: AbstractSet[tuple[str, str]]) -> int:
    for kind in sorted({kind for kind, _ in gone}):
        for chunk in chunks([subject for of_kind, subject in gone if of_kind == kind]):
            session.connection().execute(delete(LATEST).where(LATEST.c.kind == kind, LATEST.c.subject.in_(chunk)))
    return len(gone)


def _objective_at(state: ObjectiveState, point: Point) -> ObjectiveState:
    return replace(state, progress=point.progress, score=point.score, status=point.status, reason="", unscored=())


def _key_result_at(state: KeyResultState, stored: Point) -> KeyResultState:
    point = withhold(stored) if state.withheld else stored
    return replace(
        state,
        definition=point.definition,
        question=point.question or "",
        value=point.value,
        baseline=point.baseline,
        target=point.target,
        progress=point.progress,
        score=point.score,
        status=point.status,
        reason="",
        formula="",
        inputs=(),
        stale=point.status in {"suspect", "stale", "outdated"},
    )


def _initiative_at(state: InitiativeState, point: DeliveryPoint) -> InitiativeState:
    counts = [number for number in (point.done, point.in_progress, point.open) if number is not None]
    return replace(
        state,
        done=point.done,
        in_progress=point.in_progress,
        open=point.open,
        dropped=point.dropped,
        total=sum(counts) if counts else None,
        weight_done=point.weight_done,
        weight_total=point.weight_total,
        progress=point.progress,
        state=point.state,
        question=point.question or "",
        reason="",
        inputs=(),
        shared=(),
        stale=False,
    )
