"""Laws of checking and forgetting: every broken law is found, and nothing goes on which an answer rests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import Session

from okr_sync.core.facts import Reading
from okr_sync.store import Store
from okr_sync.store.collecting import save_collected
from okr_sync.store.ledger import Entry, begin_run, finish_run, record_entries, runs
from okr_sync.store.pruning import Pruned, pack, prune
from okr_sync.store.readings import load_metrics
from okr_sync.store.reports import last_report, mark_report
from okr_sync.store.results import latest_snapshot, points, save_snapshot, snapshot_at
from okr_sync.store.statements import fetch, insert_all
from okr_sync.store.tables import MembershipRow, Table, sql
from okr_sync.store.verifying import LAWS, verify
from tests.servers.postgres import Postgres
from tests.store.builders import HOUR, NOW, answered, item, pulled, running
from tests.store.states import key_result, snapshot

DAY = timedelta(days=1)
MEMBERSHIPS = sql(MembershipRow)


def judged(store: Store, progress: float, at: timedelta, *, nps: float = 31.0) -> int:
    """Do a run that brings facts and judges them; return its id."""
    now = NOW + at
    run_id = begin_run(store, now, "manual", HOUR, "host:1", is_alive=lambda _: True)
    with store.writing() as session:
        brought = answered((Reading(nps, NOW - DAY),), at=now)
        save_collected(session, run_id, replace(brought, questions={"nps": "q1"}))
        save_collected(session, run_id, pulled(item("1"), held={"e1": "1"}, at=now))
        save_snapshot(session, run_id, replace(snapshot(key_result(progress)), at=now), slot=now)
        record_entries(session, run_id, [Entry("nps-20", "updated")])
        mark_report(session, "weekly", run_id, now)
        finish_run(session, run_id, now, "ok", "")
    return run_id


def _ended(session: Session) -> int:
    run_id = running(session)
    finish_run(session, run_id, NOW, "ok", "")
    return run_id


def _broken(store: Store, *statements: Any) -> list[str]:
    with store.rehearsing() as session:
        for statement in statements:
            session.connection().execute(statement)
        return [flaw.law for flaw in verify(session)]


def test_a_store_that_the_program_wrote_is_sound(store: Store) -> None:
    with store.reading() as session:
        assert verify(session) == ()
    for hours in range(3):
        judged(store, 0.1 * hours, hours * HOUR, nps=30.0 + hours)
    with store.reading() as session:
        assert verify(session) == ()


@pytest.mark.parametrize(
    ("table", "values", "law"),
    [
        ("runs", {"finished": None}, "a run is closed, or under way with a lease"),
        ("runs", {"outcome": "running"}, "a run is closed, or under way with a lease"),
        ("memberships", {"until": NOW - DAY}, "an item is in a container once at a time"),
        ("latest", {"point": '{"value": 1}'}, "the latest state is that of the newest point"),
        ("point_values", {"progress": 0.123}, "the latest state is that of the newest point"),
        ("delivery_values", {"done": 123}, "the latest state is that of the newest point"),
    ],
)
def test_a_row_that_breaks_a_law_is_found(store: Store, table: str, values: dict[str, Any], law: str) -> None:
    judged(store, 0.1, 0 * HOUR)
    assert _broken(store) == []
    assert _broken(store, update(Table.metadata.tables[table]).values(values)) == [law]


def test_an_item_that_is_in_a_container_twice_at_a_time_is_found(session: Session) -> None:
    run_id = _ended(session)
    row = {"source": "tracker", "container": "e1", "item": "1", "run_id": run_id}
    insert_all(session, MEMBERSHIPS, [row | {"since": NOW, "until": NOW + DAY}])
    insert_all(session, MEMBERSHIPS, [row | {"since": NOW + DAY, "until": None}])
    assert verify(session) == ()
    insert_all(session, MEMBERSHIPS, [row | {"since": NOW + 2 * DAY, "until": None}])
    assert [flaw.law for flaw in verify(session)] == ["an item is in a container once at a time"]


def test_two_versions_in_force_and_a_changed_closing_are_found(session: Session) -> None:
    run_id = _ended(session)
    version = {"kind": "metric", "subject": "nps", "hash": "h", "body": "{}", "since": NOW, "author": "", "reason": ""}
    tables = Table.metadata.tables
    insert_all(session, tables["definitions"], [version | {"version": number, "until": None} for number in (1, 2)])
    closing = {"cycle": "2026-Q4", "action": "closed", "at": NOW, "author": "", "note": "", "run_id": run_id}
    insert_all(session, tables["closings"], [closing | {"body": "{}", "sha256": "0" * 64}])
    assert [flaw.law for flaw in verify(session)] == [
        "one version of a definition is in force",
        "a closing has the hash of its bytes",
    ]


def test_what_only_another_program_can_break_is_found(session: Session, file: object) -> None:
    run_id = _ended(session)
    insert_all(session, MEMBERSHIPS, [
        {"source": "s", "container": "c", "item": "i", "since": NOW, "until": None, "run_id": run_id},
    ])  # fmt: skip
    connection = session.connection()
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
    connection.exec_driver_sql("UPDATE memberships SET run_id = 999")
    connection.exec_driver_sql("INSERT INTO source_states (name, declared, fresh_seconds) VALUES ('s', 1, 9e999)")
    assert [flaw.law for flaw in verify(session)] == ["what a row refers to is there", "numbers are finite"]


def test_a_kept_number_that_is_wrong_is_found(session: Session) -> None:
    insert_all(
        session, Table.metadata.tables["tallies"], [{"source": "s", "container": "c", "since": NOW, "body": "[]"}]
    )
    assert [flaw.law for flaw in verify(session)] == ["what is kept of a container is what counting its items says"]


def test_every_law_is_tried_here_or_beside_its_table() -> None:
    assert len(LAWS) == 11


def _pruned(store: Store, before: timedelta) -> Pruned:
    with store.writing() as session:
        return prune(session, NOW + before)


def test_of_old_points_the_last_of_each_day_stays_and_the_answers_are_the_same(store: Store) -> None:
    hours = [0, 1, 2, 24, 25, 48, 49]
    for hour in hours:
        judged(store, hour / 100, hour * HOUR)
    with store.reading() as session:
        latest = latest_snapshot(session, NOW + 60 * HOUR)
        evening = snapshot_at(session, NOW + 10 * HOUR)
    gone = _pruned(store, 30 * HOUR)
    assert (gone.points, gone.report_marks) == (6, 5)  # of the objective and the key result: 0, 1 and 24
    with store.reading() as session:
        kept = [point.slot - NOW for point in points(session, "key_result", "nps-20")]
        assert kept == [hour * HOUR for hour in (2, 25, 48, 49)]
        assert latest_snapshot(session, NOW + 60 * HOUR) == latest
        assert snapshot_at(session, NOW + 10 * HOUR) == evening
        assert last_report(session, "weekly") == NOW + 49 * HOUR
        assert verify(session) == ()


def test_runs_go_when_nothing_refers_to_them_and_their_details_go_before(store: Store) -> None:
    ids = [judged(store, 0.1, hour * HOUR) for hour in range(5)]
    gone = _pruned(store, 4 * HOUR)
    assert (gone.run_entries, gone.run_sources, gone.runs) == (4, 8, 3)
    with store.reading() as session:
        assert [row.id for row in runs(session)] == [ids[4], ids[0]]  # all that is known rests on the first


def test_the_newest_run_stays_however_old_it_is(store: Store) -> None:
    run_id = judged(store, 0.1, 0 * HOUR)
    assert _pruned(store, 1000 * DAY).total() == 0
    with store.reading() as session:
        assert [row.id for row in runs(session)] == [run_id]
        assert latest_snapshot(session, NOW + 1000 * DAY) is not None


def test_a_correction_stays_and_what_it_replaced_goes_but_for_the_first(store: Store) -> None:
    for hour, value in enumerate((30.0, 31.0, 32.0, 33.0)):
        judged(store, 0.1, hour * HOUR, nps=value)
    with store.reading() as session:
        facts = load_metrics(session, frozenset({"nps"}), {"nps": "q1"})
    assert _pruned(store, 2 * HOUR).observations == 1
    with store.reading() as session:
        assert load_metrics(session, frozenset({"nps"}), {"nps": "q1"}) == facts
        found = fetch(session, select(Table.metadata.tables["observations"].c.value).order_by("id"))
        assert [row["value"] for row in found] == [30.0, 32.0, 33.0]


def test_pruning_again_finds_nothing(store: Store) -> None:
    for hour in range(3):
        judged(store, hour / 10, hour * HOUR)
    _pruned(store, 1000 * DAY)
    assert _pruned(store, 1000 * DAY) == Pruned()


def points_of_years(store: Store) -> None:
    """Fill in points as they come, day by day, beside those of a run; for PostgreSQL."""
    series = "INSERT INTO point_series (id, kind, subject) SELECT 1000 + s, 'key_result', 's' || s"
    days = "INSERT INTO point_values (slot, value, series, context, stamp) SELECT d, d, 1000 + s, 1, 1"
    with store.writing() as session:
        session.connection().exec_driver_sql(f"{series} FROM generate_series(1, 99) s")
        session.connection().exec_driver_sql(
            f"{days} FROM generate_series(1, 99) d, generate_series(1, 99) s ORDER BY d"
        )


def test_packing_fills_the_pages_of_the_index_and_changes_no_point(store: Store, postgres: Postgres) -> None:
    """Seen red without REINDEX: the index takes as much as before."""
    judged(store, 0.1, 0 * HOUR)
    points_of_years(store)
    with store.reading() as session:
        before = _index_size(session)
    with store.writing() as session:
        told = points(session, "key_result", "s7")
        pack(session)
        assert points(session, "key_result", "s7") == told
        assert len(told) == 99
        assert _index_size(session) < 0.7 * before
        assert verify(session) == ()


def _index_size(session: Session) -> int:
    return int(session.connection().exec_driver_sql("SELECT pg_relation_size('pk_point_values')").scalar_one())


def test_packing_an_empty_store_is_sound(session: Session) -> None:
    pack(session)
    assert verify(session) == ()
