"""Results: the latest states, points over time, and what was known at an instant."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from sqlalchemy import func, select, update
from sqlmodel import Session

from okr_sync.core.facts import Reading
from okr_sync.core.freshness import refresh
from okr_sync.core.snapshot import KeyResultState, Snapshot
from okr_sync.errors import StoreError
from okr_sync.store import Store, bodies
from okr_sync.store.collecting import save_collected
from okr_sync.store.results import (
    Saved,
    delivery_points,
    known_ids,
    latest_snapshot,
    points,
    save_snapshot,
    saved_snapshot,
    snapshot_at,
)
from okr_sync.store.sources import declare_sources, source_states
from okr_sync.store.statements import fetch, fetch_one
from okr_sync.store.tables import LatestRow, PointRow, sql
from tests.store.builders import HOUR, NOW, TRIED, answered, running
from tests.store.states import SNAPSHOTS, key_result, snapshot


def _save(session: Session, judged: Snapshot, hours: int = 0) -> Saved:
    at = NOW + hours * HOUR
    return save_snapshot(session, running(session, at), replace(judged, at=at), slot=at)


def _kept(judged: Snapshot) -> Snapshot:
    """What the store keeps: everything but the fields that follow the clock."""
    return replace(
        judged,
        key_results=tuple(replace(state, as_of=None, expected=None) for state in judged.key_results),
        initiatives=tuple(replace(state, as_of=None) for state in judged.initiatives),
    )


def test_a_store_where_nothing_was_judged_has_no_snapshot(session: Session) -> None:
    assert latest_snapshot(session, NOW) is None
    assert snapshot_at(session, NOW) is None
    assert points(session, "key_result", "nps-20") == []


@TRIED
@given(judged=SNAPSHOTS)
def test_every_snapshot_comes_back_refreshed_and_is_written_once(store: Store, judged: Snapshot) -> None:
    with store.rehearsing() as session:
        run_id = running(session)
        save_snapshot(session, run_id, judged, slot=judged.at)
        now = judged.at + HOUR
        assert latest_snapshot(session, now) == refresh(_kept(judged), source_states(session, now), now)
        assert save_snapshot(session, run_id, judged, slot=judged.at + HOUR) == Saved()


@TRIED
@given(before=SNAPSHOTS, after=SNAPSHOTS)
def test_the_newest_snapshot_replaces_the_one_before(store: Store, before: Snapshot, after: Snapshot) -> None:
    with store.rehearsing() as session:
        _save(session, before)
        _save(session, after, 1)
        saved = latest_snapshot(session, NOW + HOUR)
        assert saved == refresh(replace(_kept(after), at=NOW + HOUR), {}, NOW + HOUR)


def test_states_come_in_the_order_of_the_newest_snapshot(session: Session) -> None:
    """Seen red without sorting: they come in the order of their ids, or of their rows."""
    for hours, order in enumerate(("cab", "bca")):
        _save(session, snapshot(*(key_result(id_=name) for name in order)), hours)
        saved = saved_snapshot(session)
        assert saved is not None
        assert [state.id for state in saved.key_results] == list(order)


def test_what_only_the_clock_changed_is_not_written(session: Session) -> None:
    assert _save(session, snapshot(key_result())) == Saved(latest=3, points=2, delivery_points=1)
    later = snapshot(replace(key_result(), as_of=NOW, expected=0.3))
    assert _save(session, later, 1) == Saved()
    found = latest_snapshot(session, NOW + HOUR)
    assert found is not None
    assert found.at == NOW + HOUR


def test_a_new_reason_changes_the_latest_state_and_makes_no_point(session: Session) -> None:
    _save(session, snapshot(key_result()))
    assert _save(session, snapshot(key_result(reason="0.40 of 0.50")), 1) == Saved(latest=1)


def test_progress_makes_a_point_of_the_key_result_and_its_objective(session: Session) -> None:
    _save(session, snapshot(key_result(0.4)))
    assert _save(session, snapshot(key_result(0.5)), 1) == Saved(latest=2, points=2)
    found = points(session, "key_result", "nps-20")
    assert [(point.slot, point.value, point.progress, point.definition) for point in found] == [
        (NOW, 39.0, 0.4, "d1"),
        (NOW + HOUR, 41.0, 0.5, "d1"),
    ]
    assert [point.progress for point in points(session, "objective", "experience")] == [0.4, 0.5]
    assert points(session, "key_result", "nps-20", since=NOW + HOUR) == found[1:]


@pytest.mark.parametrize(
    "changed",
    [
        replace(key_result(), status="on_track"),
        replace(key_result(), target=40.0),
        replace(key_result(), baseline=30.0),
        replace(key_result(), value=39.5),
        replace(key_result(), score=0.41),
        replace(key_result(), definition="d2"),
        key_result(None, status="unknown"),
    ],
)
def test_whatever_makes_the_verdict_makes_a_point(session: Session, changed: KeyResultState) -> None:
    _save(session, snapshot(key_result(), key_result(id_="b")))
    _save(session, snapshot(key_result(), replace(changed, id="b")), 1)
    assert len(points(session, "key_result", "b")) == 2
    assert len(points(session, "key_result", "nps-20")) == 1


def test_a_slot_has_one_point_at_most_and_the_last_one_stands(session: Session) -> None:
    for progress in (0.4, 0.5, 0.6):
        judged = snapshot(key_result(progress), done=int(progress * 5))
        save_snapshot(session, running(session), judged, slot=NOW)
    assert [point.progress for point in points(session, "key_result", "nps-20")] == [0.6]
    assert [point.progress for point in points(session, "objective", "experience")] == [0.6]
    assert [point.done for point in delivery_points(session, "assistant")] == [3]


def test_the_database_itself_refuses_a_second_point_of_a_slot(store: Store) -> None:
    with store.writing() as session:
        _save(session, snapshot(key_result()))
        row = fetch_one(session, select(sql(PointRow)))
    assert row is not None
    with pytest.raises(StoreError, match=r"(UNIQUE|unique) constraint"), store.writing() as session:
        session.connection().execute(sql(PointRow).insert().values(row))


def test_work_done_makes_a_delivery_point(session: Session) -> None:
    _save(session, snapshot(key_result(), done=3))
    assert _save(session, snapshot(key_result(), done=4), 1) == Saved(latest=1, delivery_points=1)
    found = [(point.slot, point.done, point.open, point.weight_done) for point in delivery_points(session, "assistant")]
    assert found == [(NOW, 3, 2, 3.0), (NOW + HOUR, 4, 1, 4.0)]


def test_what_is_no_longer_defined_leaves_the_latest_states_and_keeps_its_points(session: Session) -> None:
    _save(session, snapshot(key_result(), key_result(id_="old")))
    assert _save(session, snapshot(key_result()), 1).removed == 1
    found = latest_snapshot(session, NOW + HOUR)
    assert found is not None
    assert [state.id for state in found.key_results] == ["nps-20"]
    assert len(points(session, "key_result", "old")) == 1


def test_the_order_of_the_book_is_kept(session: Session) -> None:
    ids = ["z", "a", "m"]
    _save(session, snapshot(*(key_result(id_=id_) for id_ in ids)))
    _save(session, snapshot(*(key_result(id_=id_) for id_ in reversed(ids))), 1)
    found = latest_snapshot(session, NOW + HOUR)
    assert found is not None
    assert [state.id for state in found.key_results] == ["m", "a", "z"]


def test_a_snapshot_at_an_instant_has_the_numbers_in_force_then_and_no_others(session: Session) -> None:
    _save(session, snapshot(key_result(0.4), done=3))
    _save(session, snapshot(replace(key_result(0.5), title="Renamed"), key_result(id_="new"), done=4), 2)
    assert snapshot_at(session, NOW - HOUR) is None
    before = snapshot_at(session, NOW + HOUR)
    assert before is not None
    (state,) = before.key_results
    assert (state.progress, state.value, state.status, state.title) == (0.4, 39.0, "at_risk", "Renamed")
    assert (before.at, before.objectives[0].progress, before.initiatives[0].done) == (NOW + HOUR, 0.4, 3)
    assert before.initiatives[0].total == 5
    after = snapshot_at(session, NOW + 2 * HOUR)
    assert after is not None
    assert [state.id for state in after.key_results] == ["nps-20", "new"]


def test_the_target_in_force_then_is_shown_for_then(session: Session) -> None:
    _save(session, snapshot(key_result()))
    _save(session, snapshot(replace(key_result(), target=40.0, definition="d2")), 2)
    before = snapshot_at(session, NOW)
    assert before is not None
    assert (before.key_results[0].target, before.key_results[0].definition) == (51.0, "d1")


def test_every_id_of_the_latest_states_is_known_with_its_kind(session: Session) -> None:
    _save(session, snapshot(key_result()))
    assert known_ids(session) == {"experience": "objective", "nps-20": "key_result", "assistant": "initiative"}


def test_dead_workers_can_not_look_fresh(session: Session) -> None:
    declare_sources(session, {"survey": 2 * HOUR})
    save_collected(session, running(session), answered((Reading(39.0),)))
    _save(session, snapshot(key_result(status="on_track")))
    fresh, stale = latest_snapshot(session, NOW + 2 * HOUR), latest_snapshot(session, NOW + 3 * HOUR)
    assert fresh is not None
    assert stale is not None
    assert (fresh.key_results[0].status, fresh.key_results[0].as_of) == ("on_track", NOW)
    assert (stale.key_results[0].status, stale.key_results[0].stale) == ("stale", True)
    assert stale.key_results[0].value == fresh.key_results[0].value


@pytest.mark.parametrize(
    "broken",
    [
        replace(key_result(id_="b"), value=float("inf")),
        replace(key_result(id_="b"), progress=float("nan")),
        replace(key_result(id_="b"), weight=float("-inf")),
    ],
)
def test_a_number_that_is_not_finite_saves_nothing(store: Store, broken: KeyResultState) -> None:
    with pytest.raises(StoreError, match="b has a number that is not finite"), store.writing() as session:
        _save(session, snapshot(key_result(), broken))
    with store.reading() as session:
        assert fetch(session, select(sql(LatestRow))) == []


def test_a_run_that_lost_its_lease_saves_no_results(session: Session) -> None:
    with pytest.raises(StoreError, match="no run 99"):
        save_snapshot(session, 99, snapshot(key_result()), slot=NOW)


def test_five_thousand_key_results_are_saved_and_read(session: Session) -> None:
    many = [key_result(id_=f"kr-{number}") for number in range(5_000)]
    assert _save(session, snapshot(*many)).points == 5_001
    assert _save(session, snapshot(*many), 1) == Saved()
    found = latest_snapshot(session, NOW + HOUR)
    assert found is not None
    assert len(found.key_results) == 5_000
    assert fetch_one(session, select(func.count().label("n")).select_from(sql(PointRow))) == {"n": 5_001}


def test_rows_of_an_earlier_version_say_what_they_said_and_are_written_anew_by_the_next_run(session: Session) -> None:
    """They hold defaults, too. Red without `_absent` under what a body says: rows differ in length."""
    judged = snapshot(key_result(0.4), key_result(0.6, id_="nps-21"))
    _save(session, judged)
    now = saved_snapshot(session)
    older = json.dumps(bodies.KEY_RESULT.dump_python(key_result(0.4), mode="json", exclude=set(bodies.VOLATILE)))
    there = (sql(LatestRow).c.subject == "nps-20",)
    session.connection().execute(update(sql(LatestRow)).where(*there).values(body=older))
    assert saved_snapshot(session) == now
    assert _save(session, judged, hours=1) == Saved(latest=1)
    assert fetch_one(session, select(sql(LatestRow).c.body).where(*there)) != {"body": older}
