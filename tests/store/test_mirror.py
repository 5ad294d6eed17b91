"""The mirror answers what a pull asks of it without reading more than that, and scopes are read as they are wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import Session

from okr_sync.core.facts import Members
from okr_sync.store import mirror
from okr_sync.store.collecting import save_collected
from okr_sync.store.scopes import TOGETHER, StoredScopes, load_scopes
from tests.store.builders import HOUR, NOW, epic, item, pulled, running

PART = replace(item("3"), kind="subtask", parent="1")


def fill(session: Session) -> None:
    """Epic e1 holds 1, its sub-task 3, and 2; e2 holds 2."""
    items = (replace(item("1"), parent="e1"), replace(item("2"), parent="e1", state="done"), PART)
    save_collected(session, running(session), pulled(*items, held={"e1": "1 2 3", "e2": "2"}))


def test_the_holders_of_an_item_are_those_that_hold_it_now(session: Session) -> None:
    fill(session)
    asked = frozenset({"1", "2", "9"})
    assert mirror.holders(session, "tracker", asked) == {"1": {"e1"}, "2": {"e1", "e2"}}
    later = replace(pulled(at=NOW + HOUR), scopes={}, left={"e1": frozenset({"2"})})
    saved = save_collected(session, running(session, NOW + HOUR), later)
    assert saved.members == 1
    assert mirror.holders(session, "tracker", asked) == {"1": {"e1"}, "2": {"e2"}}
    assert mirror.holders(session, "other", asked) == {}


def test_below_a_parent_is_what_is_held_and_seen(session: Session) -> None:
    """Items out of every container, and hidden ones, are not told."""
    fill(session)
    asked = frozenset({"e1", "1"})
    assert mirror.below(session, "tracker", asked) == {"1": "e1", "2": "e1", "3": "1"}
    assert mirror.below(session, "tracker", asked, "subtask") == {"3": "1"}
    gone = pulled(held={"e1": "1", "e2": ""}, hidden="3", at=NOW + HOUR)
    save_collected(session, running(session, NOW + HOUR), gone)
    assert mirror.below(session, "tracker", asked) == {"1": "e1"}
    assert mirror.states(session, "tracker", frozenset({"1", "2", "9"})) == {"1": "open", "2": "done"}


def test_a_container_is_mirrored_as_it_was_told_last(session: Session) -> None:
    fill(session)
    assert mirror.containers(session, "tracker", frozenset({"e1", "x"})) == {"e1": epic("e1")}


INDEXES = {
    "holders": "ix_memberships_source_item (source=? AND item=?)",
    "below": "ix_work_items_source_parent (source=? AND parent=?)",
    "members": "ix_memberships_source_container (source=? AND container=?)",
    "items": "(source=? AND id=?)",
}
QUESTIONS: dict[str, Callable[[Session], object]] = {
    "holders": lambda session: mirror.holders(session, "tracker", frozenset({"1"})),
    "below": lambda session: mirror.below(session, "tracker", frozenset({"1"})),
    "members": lambda session: mirror.members(session, "tracker", frozenset({"e1"})),
    "items": lambda session: mirror.items(session, "tracker", frozenset({"1"})),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_table_of_work_is_read_as_a_whole(session: Session, question: str) -> None:
    """Red without the indexes by item and by parent."""
    fill(session)
    plans: list[str] = []
    connection = session.connection()

    def note(_connection: Any, cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        word = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        cursor.execute(f"{word} {statement}", parameters)
        plans.extend(str(row) for row in cursor.fetchall())

    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # else a table of a few rows is read as a whole
    event.listen(connection, "before_cursor_execute", note)
    QUESTIONS[question](session)
    event.remove(connection, "before_cursor_execute", note)
    assert plans
    scans = [plan for plan in plans if "SCAN" in plan or "Seq Scan" in plan]
    assert [scan for scan in scans if "VIRTUAL TABLE" not in scan] == []  # such a one holds what was asked
    assert connection.dialect.name != "sqlite" or INDEXES[question] in plans[0]


def test_scopes_that_are_read_when_wanted_are_those_read_at_once(session: Session) -> None:
    """Whatever the order, and over more than one reading."""
    refs = [f"work/{number}" for number in range(7)]
    each = TOGETHER // 2
    held = {f"e{number}": f"{number}" for number in range(each * len(refs))}
    brought = pulled(*(item(id_) for id_ in held.values()), held=held)
    scopes = {ref: tuple(list(held)[at * each : (at + 1) * each]) for at, ref in enumerate(refs)}
    save_collected(session, running(session), replace(brought, scopes=scopes))
    stored = StoredScopes(session, ["unknown", *reversed(refs)], {})
    assert list(stored) == list(reversed(refs))
    assert len(stored) == len(refs)
    assert "unknown" not in stored
    assert stored.get("unknown") is None
    assert dict(stored) == load_scopes(session, frozenset(refs))


def test_memberships_told_in_many_batches_are_saved_as_one(session: Session) -> None:
    """Containers beyond one batch begin and end theirs all the same."""
    held = {f"e{number}": f"{number} x" for number in range(1_200)}
    first = pulled(item("x"), *(item(str(number)) for number in range(1_200)), held=held)
    assert save_collected(session, running(session), first).members == 2_400
    second = replace(first, at=NOW + HOUR, members=tuple(Members(each, frozenset("x"), whole=True) for each in held))
    assert save_collected(session, running(session, NOW + HOUR), second).members == 1_200
    assert mirror.members(session, "tracker") == dict.fromkeys(sorted(held), frozenset({"x"}))
