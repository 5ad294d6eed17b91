"""Laws of points by number: they say what was said before, what they share is there once, and nobody sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic import command
from hypothesis import given
from sqlalchemy import Connection, NullPool, create_engine
from sqlmodel import Session

from okr_sync.core.snapshot import KeyResultState
from okr_sync.store import Store, schema
from okr_sync.store.pruning import prune
from okr_sync.store.results import DeliveryPoint, Point, delivery_points, points, save_snapshot
from okr_sync.store.verifying import verify
from tests.store.builders import HOUR, NOW, TRIED, running
from tests.store.older import RUN, at_revision
from tests.store.states import KEY_RESULTS, key_result, snapshot

SPLIT = timedelta(seconds=1, microseconds=234_567)
LATER = NOW + 4 * HOUR
EARLY = datetime(1969, 12, 31, 23, 59, 58, 1, tzinfo=UTC)
POINT = {
    "kind": "key_result", "subject": "nps", "slot": NOW, "at": NOW + SPLIT, "value": 35.0, "baseline": 31.0,
    "target": 51.0, "progress": 0.2, "score": 0.2, "status": "on_track", "definition": "d1", "run_id": 1,
    "question": "q1", "backfilled": False, "recorded_at": None,
}  # fmt: skip
OLD: tuple[dict[str, Any], ...] = (
    POINT,
    POINT | {"slot": NOW + HOUR + SPLIT, "progress": 1.5, "score": 1.0, "status": "met"},
    POINT | {"slot": NOW + 2 * HOUR, "progress": -0.5, "score": 0.0, "question": None},
    POINT | {"slot": NOW + 3 * HOUR, "score": None},
    POINT | {"slot": LATER, "at": LATER, "score": 0.9, "backfilled": True, "recorded_at": NOW + SPLIT},
    POINT | dict.fromkeys(("value", "baseline", "target", "progress", "score")) | {"slot": EARLY, "status": "unknown"},
    POINT | {"kind": "objective", "definition": "", "value": None, "baseline": None, "target": None},
)
OLD_WORK: dict[str, Any] = {
    "initiative": "assistant", "slot": NOW, "at": NOW, "done": 3, "in_progress": 0, "open": 2, "dropped": None,
    "weight_done": 3.0, "weight_total": 5.0, "progress": 0.6, "state": "in_progress", "run_id": 1, "question": None,
    "backfilled": False, "recorded_at": None,
}  # fmt: skip


def _older(url: str) -> None:
    with at_revision(url, "0013") as older:
        older.insert("runs", **RUN, summary="", finished=NOW)
        for row in OLD:
            older.insert("points", **row)
        older.insert("delivery_points", **OLD_WORK)


def _shown(connection: Connection) -> list[list[str]]:
    """Return what SQL shows of both kinds of points, as text, without the key that is counted."""
    shown = []
    for name, columns in (("points", sorted(POINT)), ("delivery_points", sorted(OLD_WORK))):
        order = "kind, slot" if name == "points" else "slot"
        found = connection.exec_driver_sql(f"SELECT {', '.join(columns)} FROM {name} ORDER BY {order}")  # noqa: S608
        shown.append([str(tuple(row)) for row in found])
    return shown


def _row(point: Point | DeliveryPoint, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(point, {"subject": "id", "run_id": "run"}.get(name, name)) for name in names}


def _to(url: str, how: Callable[..., None], revision: str) -> list[list[str]]:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        config = schema.alembic_config()
        config.attributes["connection"] = connection
        how(config, revision)
        return _shown(connection)


def test_points_of_an_older_store_say_the_same_after_the_upgrade(empty_url: str) -> None:
    _older(empty_url)
    store = Store.open(empty_url, allow_older=True)
    store.migrate()
    with store.reading() as session:
        judged = [point for kind in ("key_result", "objective") for point in points(session, kind, "nps")]
        assert [_row(point, POINT) for point in judged] == sorted(OLD, key=lambda row: (row["kind"], row["slot"]))
        assert [_row(point, OLD_WORK) for point in delivery_points(session, "assistant")] == [OLD_WORK]
        assert verify(session) == ()


def test_what_sql_shows_is_the_same_before_and_after_the_upgrade_and_back(empty_url: str) -> None:
    _older(empty_url)
    with create_engine(empty_url, poolclass=NullPool).begin() as connection:
        before = _shown(connection)
    assert len(before[0]) == len(OLD)
    assert _to(empty_url, command.upgrade, "0014") == before
    assert _to(empty_url, command.downgrade, "0013") == before


def _upgrade_and_fail(connection: Connection) -> None:
    schema.upgrade(connection)
    raise ZeroDivisionError


def test_an_upgrade_of_points_that_fails_half_way_leaves_them(empty_url: str) -> None:
    _older(empty_url)
    with create_engine(empty_url, poolclass=NullPool).begin() as connection:
        before = _shown(connection)
    store = Store.open(empty_url, create=False, allow_older=True)
    with pytest.raises(ZeroDivisionError), store.writing() as session:
        _upgrade_and_fail(session.connection())
    with create_engine(empty_url, poolclass=NullPool).begin() as connection:
        assert schema.revision(connection) == "0013"
        assert _shown(connection) == before


@TRIED
@given(KEY_RESULTS)
def test_a_point_says_what_was_saved(store: Store, state: KeyResultState) -> None:
    with store.rehearsing() as session:
        state = replace(state, id="kr", definition="d1")
        save_snapshot(session, running(session), snapshot(state, at=NOW + SPLIT), slot=NOW)
        (point,) = points(session, "key_result", "kr")
        names = ("value", "baseline", "target", "progress", "score", "status", "definition")
        assert [getattr(point, name) for name in names] == [getattr(state, name) for name in names]
        assert (point.slot, point.at, point.backfilled) == (NOW, NOW + SPLIT, False)


def _count(session: Session, table: str) -> int:
    return int(session.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())  # noqa: S608


def test_what_points_share_is_there_once(session: Session) -> None:
    for hour in range(9):
        save_snapshot(session, running(session), snapshot(key_result(0.1 + hour / 100)), slot=NOW + hour * HOUR)
    assert _count(session, "point_values") == 18
    assert (_count(session, "point_series"), _count(session, "point_contexts")) == (3, 3)


def test_forgetting_points_forgets_what_only_they_shared(session: Session) -> None:
    """Red without `_forget_unshared`: stamps of all runs stay, and so do the runs."""
    for hour in range(9):
        save_snapshot(session, running(session), snapshot(key_result(hour / 10)), slot=NOW + hour * HOUR)
    assert _count(session, "point_stamps") == 9
    assert prune(session, NOW + 9 * HOUR).points == 16
    assert _count(session, "point_stamps") == 2  # of the last, and of the first, which holds the only point of the work
