"""What a report says: objectives, key results and initiatives, what moved, what is in doubt, how sources fare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, get_args

from okr_sync.core.charts import Chart, ChartPoint, build_chart
from okr_sync.core.cycles import CycleState
from okr_sync.core.diagnosis import Cause, Past, comparable, diagnose_key_result, diagnose_work, index_past
from okr_sync.core.facts import SourceState
from okr_sync.core.snapshot import (
    InitiativeState,
    KeyResultState,
    ObjectiveState,
    Snapshot,
    Status,
)

STATUSES: tuple[Status, ...] = get_args(Status)
"""In the order in which reports count them."""

MOVES = 5  # how many key results "moved most" names
NOISE = 1e-9  # of progress: the rounding of floats is no movement

_DOUBTFUL = frozenset({"unknown", "suspect", "stale", "outdated"})
_LEVELS = ("organisation", "team", "individual")


@dataclass(frozen=True, slots=True)
class KeyResultRow:
    """A key result and how far it moved since `Report.since`; None: unknown then or now, or not comparable."""

    state: KeyResultState
    value_delta: float | None = None
    progress_delta: float | None = None
    status_before: Status | None = None
    """None when there was none or it is the same."""
    chart: Chart | None = None
    causes: tuple[Cause, ...] = ()
    """Why it moved since then, or did not although its work is done."""


@dataclass(frozen=True, slots=True)
class ObjectiveRow:
    """An objective with its key results in the order of the book."""

    state: ObjectiveState
    key_results: tuple[KeyResultRow, ...]
    progress_delta: float | None = None
    status_before: Status | None = None


@dataclass(frozen=True, slots=True)
class InitiativeRow:
    """An initiative; the deltas count items since `Report.since`."""

    state: InitiativeState
    done_delta: int | None = None
    total_delta: int | None = None
    dropped_delta: int | None = None
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source; `late` when its last success is older than it may be, or there was none."""

    state: SourceState
    late: bool


@dataclass(frozen=True, slots=True)
class Doubt:
    """A number not to be trusted as it stands, and why."""

    id: str
    title: str
    word: str
    reason: str
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of key results; `fresh` of `total` are computed without a typed value and from fresh data.

    `moved` holds those whose progress changed most, the largest change first.
    """

    total: int
    fresh: int
    by_status: Mapping[Status, int]
    """Every status that occurs, in the order of `STATUSES`."""
    moved: tuple[KeyResultRow, ...]
    newly_met: tuple[KeyResultRow, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a report says, as of `at`; the same in every format."""

    at: datetime
    since: datetime | None
    run: int | None
    summary: Summary
    objectives: tuple[ObjectiveRow, ...]
    initiatives: tuple[InitiativeRow, ...]
    doubts: tuple[Doubt, ...]
    sources: tuple[SourceRow, ...]
    cycles: tuple[CycleState, ...] = ()
    """Those of its objectives, by their first day."""

    def key_results(self) -> tuple[KeyResultRow, ...]:
        """Return all key results in the order in which the report shows them."""
        return tuple(row for objective in self.objectives for row in objective.key_results)


Histories: TypeAlias = Mapping[str, tuple[ChartPoint, ...]]
"""Key result id → its points; those without an entry get no chart."""


def build_report(  # noqa: PLR0917 -- in the order in which one thinks of them
    snapshot: Snapshot,
    before: Snapshot | None = None,
    since: datetime | None = None,
    histories: Histories | None = None,
    run: int | None = None,
    sources: tuple[SourceState, ...] = (),
    cycles: tuple[CycleState, ...] = (),
    reopened: Mapping[str, int] | None = None,
    broken: Mapping[str, datetime] | None = None,
) -> Report:
    """Return the report of `snapshot`, compared with `before` as it was at `since`.

    Objectives are ordered by level (organisation, team, individual), else as in the book. A key result belongs to an
    objective of the same snapshot. Without `before` all deltas are None. `reopened`: initiative id → items since then.
    `broken`: id → when its present series began, of what can't be compared with `before`.
    """
    past = index_past(before, reopened, broken)
    work = {state.id: state for state in snapshot.initiatives}
    rows = [_key_result_row(state, past, histories or {}, work, snapshot.at) for state in snapshot.key_results]
    old = {} if before is None else {state.id: state for state in before.objectives}
    grouped: dict[str, list[KeyResultRow]] = {state.id: [] for state in snapshot.objectives}
    for row in rows:
        grouped[row.state.objective].append(row)
    objectives = sorted(snapshot.objectives, key=lambda state: _LEVELS.index(state.level))
    ordered = tuple(_objective_row(state, tuple(grouped[state.id]), old.get(state.id)) for state in objectives)
    initiatives = tuple(_initiative_row(state, past) for state in snapshot.initiatives)
    return Report(
        at=snapshot.at,
        since=since,
        run=run,
        summary=_summarise(rows),
        objectives=ordered,
        initiatives=initiatives,
        doubts=_doubts(ordered, initiatives),
        sources=tuple(SourceRow(state, _is_late(state, snapshot.at)) for state in sources),
        cycles=cycles,
    )


def _key_result_row(
    state: KeyResultState, past: Past, charts: Histories, work: Mapping[str, InitiativeState], now: datetime
) -> KeyResultRow:
    old = past.key_results.get(state.id)
    like = old if old is not None and comparable(old, state) else None
    return KeyResultRow(
        state,
        value_delta=_difference(state.value, like.value if like else None),
        progress_delta=_difference(state.progress, like.progress if like else None),
        status_before=_other(old.status if old else None, state.status),
        chart=build_chart(state, charts.get(state.id, ()), now),
        causes=diagnose_key_result(state, work, past, now),
    )


def _objective_row(state: ObjectiveState, rows: tuple[KeyResultRow, ...], old: ObjectiveState | None) -> ObjectiveRow:
    delta = _difference(state.progress, old.progress if old else None)
    return ObjectiveRow(state, rows, delta, _other(old.status if old else None, state.status))


def _initiative_row(state: InitiativeState, past: Past) -> InitiativeRow:
    old = past.initiatives.get(state.id)
    if old is None:
        return InitiativeRow(state)
    return InitiativeRow(
        state,
        done_delta=_gain(state.done, old.done),
        total_delta=_gain(state.total, old.total),
        dropped_delta=_gain(state.dropped, old.dropped),
        causes=diagnose_work(state, past),
    )


def _difference(now: float | None, old: float | None) -> float | None:
    return None if now is None or old is None else now - old


def _gain(now: int | None, old: int | None) -> int | None:
    return None if now is None or old is None else now - old


def _other(old: Status | None, now: Status) -> Status | None:
    return None if old == now else old


def _summarise(rows: list[KeyResultRow]) -> Summary:
    words = [row.state.status for row in rows]
    moving = sorted(
        (row for row in rows if abs(row.progress_delta or 0) > NOISE),
        key=lambda row: (-abs(row.progress_delta or 0), row.state.id),
    )
    return Summary(
        total=len(rows),
        fresh=sum(_is_fresh(row.state) for row in rows),
        by_status={status: words.count(status) for status in STATUSES if status in words},
        moved=tuple(moving[:MOVES]),
        newly_met=tuple(row for row in rows if row.state.status == "met" and row.status_before is not None),
    )


def _is_fresh(state: KeyResultState) -> bool:
    typed = any(each.expires is not None for each in state.inputs)
    return not (state.stale or typed or state.status in _DOUBTFUL)


def _doubts(objectives: tuple[ObjectiveRow, ...], initiatives: tuple[InitiativeRow, ...]) -> tuple[Doubt, ...]:
    key_results = (row.state for objective in objectives for row in objective.key_results)
    return (
        *(
            Doubt(
                state.id, state.title, state.status if state.status in _DOUBTFUL else "stale", state.reason, state.as_of
            )
            for state in key_results
            if state.stale or state.status in _DOUBTFUL
        ),
        *(
            Doubt(
                row.state.id,
                row.state.title,
                _initiative_doubt(row.state),
                row.state.reason,
                row.state.as_of,
            )
            for row in initiatives
            if row.state.stale or row.state.state == "unknown"
        ),
    )


def _initiative_doubt(state: InitiativeState) -> str:
    if state.suspect:
        return "suspect"
    return "stale" if state.stale else "unknown"


def _is_late(state: SourceState, now: datetime) -> bool:
    return state.last_success is None or now - state.last_success > state.fresh_for
