"""Puts a report together from the store: the newest snapshot, the one to compare with, and every history."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from okr_sync.core.charts import ChartPoint
from okr_sync.core.report import Report, build_report
from okr_sync.core.snapshot import Snapshot
from okr_sync.errors import UsageError
from okr_sync.store import reports, results
from okr_sync.store.points import Point
from okr_sync.store.sources import source_states
from okr_sync.views.cycles import stored_cycles
from okr_sync.views.items import reopened_since
from okr_sync.views.series import broken_since

PUBLISHED = "published"  # the name under which published reports are remembered
USUAL_BASIS = timedelta(days=7)  # compared with when nothing was published yet
_DOUBTFUL = frozenset({"suspect", "stale", "outdated"})


def stored_snapshot(session: Session, now: datetime) -> Snapshot:
    """Return the newest snapshot as it reads `now`. Raises UsageError when nothing was ever synced."""
    snapshot = results.latest_snapshot(session, now)
    if snapshot is None:
        raise UsageError("the store is empty; `okr-sync sync` fills it")
    return snapshot


def stored_report(session: Session, now: datetime, since: datetime | None = None) -> Report:
    """Return the report of the newest snapshot as it reads `now`.

    It is compared with the state at `since`; None: at the last published report, else seven days before the
    snapshot. Raises UsageError when nothing was ever synced.
    """
    snapshot = stored_snapshot(session, now)
    basis = since or reports.last_report(session, PUBLISHED) or snapshot.at - USUAL_BASIS
    before = results.snapshot_at(session, basis)
    return build_report(
        snapshot,
        before=before,
        since=basis,
        histories={state.id: _chart_points(session, state.id) for state in snapshot.key_results},
        run=last_run(session),
        sources=tuple(source_states(session, now).values()),
        cycles=stored_cycles(session, now),
        reopened=reopened_since(session, snapshot, basis),
        broken=broken_since(session, before, snapshot),
    )


def last_run(session: Session) -> int | None:
    """Return the id of the newest run that judged something; None when there was none."""
    return next((number for number, _ in results.judging_runs(session, 1)), None)


def publish(session: Session, report: Report) -> None:
    """Remember this report as the one that the next is compared with."""
    reports.mark_report(session, PUBLISHED, report.run, report.at)


def _chart_points(session: Session, key_result: str) -> tuple[ChartPoint, ...]:
    return tuple(_chart_point(point) for point in results.points(session, "key_result", key_result))


def _chart_point(point: Point) -> ChartPoint:
    return ChartPoint(point.at, point.value, point.progress, stale=point.status in _DOUBTFUL, question=point.question)
