"""What people wait for is found by index, however many years of points there are."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import Session

from okr_sync.store import ledger, slots
from okr_sync.store.results import delivery_points, latest_snapshot, points, save_snapshot, snapshot_at
from tests.store.builders import HOUR, NOW, running
from tests.store.states import key_result, snapshot

READERS: dict[str, Callable[[Session], object]] = {
    "overview": lambda session: latest_snapshot(session, NOW),
    "history": lambda session: points(session, "key_result", "nps-20", NOW),
    "history of work": lambda session: delivery_points(session, "assistant"),
    "an instant before": lambda session: snapshot_at(session, NOW),
    "a run": lambda session: save_snapshot(session, running(session), snapshot(key_result(0.9)), slot=NOW),
}


def _statements(session: Session, read: Callable[[Session], object]) -> list[tuple[str, Any]]:
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        sent.append((statement, parameters[0] if many else parameters))

    event.listen(session.connection(), "before_cursor_execute", note)
    read(session)
    event.remove(session.connection(), "before_cursor_execute", note)
    return sent


def _plan(session: Session, statement: str, parameters: Any) -> str:
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return "\n".join(str(row[3]) for row in found)
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # else a table of a few rows is read as a whole
    return "\n".join(str(row[0]) for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters))


@pytest.mark.parametrize("reader", READERS)
def test_no_table_of_points_is_read_as_a_whole(session: Session, reader: str) -> None:
    save_snapshot(session, running(session), snapshot(key_result(0.1)), slot=NOW)
    plans = [_plan(session, *sent) for sent in _statements(session, READERS[reader])]
    assert plans
    whole = [f"{how} {table}" for how in ("SCAN", "Seq Scan on") for table in ("point_values", "delivery_values")]
    assert [plan for plan in plans if any(words in plan for words in whole)] == []


def test_what_is_due_is_found_by_index_however_many_runs_and_slots_there_were(session: Session) -> None:
    """Red where the newest slots are those of groups of all, or a lease is searched for as not null."""
    run = running(session)
    slots.claim(session, run, {"chat": NOW, "": NOW + HOUR})
    for read in (partial(slots.newest_slots, now=NOW), partial(ledger.runs_under_way, now=NOW, owner="host:1")):
        plans = [_plan(session, *sent) for sent in _statements(session, read)]
        assert plans
        whole = [f"{how} {name}" for how in ("SCAN", "Seq Scan on") for name in ("slots", "others", "times", "runs")]
        assert [plan for plan in plans if any(words in plan for words in whole)] == []
    assert slots.newest_slots(session, NOW).keys() == {"chat"}
    assert slots.newest_slots(session, NOW + HOUR).keys() == {"chat", ""}


def test_a_search_without_an_index_would_be_found(session: Session) -> None:
    plan = _plan(session, "SELECT * FROM point_values WHERE value = 1.0", ())
    assert "SCAN point_values" in plan or "Seq Scan on point_values" in plan
