"""A row that is put under its key is there once, as it was said last, and is written only when it says anything new."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from okr_sync.store.database import Store
from okr_sync.store.statements import Row, fetch, put_one
from okr_sync.store.tables import SourceRow, sql

STATES = sql(SourceRow)
WRITTEN = (STATES.c.name, STATES.c.error, STATES.c.cursor, STATES.c.declared)


def put(store: Store, first: Row, **row: Any) -> bool:
    """Put the row in a transaction of its own; return whether it was written."""
    with store.writing() as session:
        return put_one(session, STATES, row, key=("name",), first=first)


def kept(store: Store) -> list[tuple[Any, ...]]:
    with store.reading() as session:
        return [tuple(row.values()) for row in fetch(session, select(*WRITTEN).order_by(STATES.c.name))]


def test_a_row_is_inserted_once_changed_where_it_differs_and_else_left_alone(store: Store) -> None:
    """Seen red without `differ`: the second of three equal rows counts as written."""
    new = {"declared": True}
    written = [put(store, new, name="tracker", error=error) for error in ("down", "down", "gone", None, None)]
    assert written == [True, False, True, True, False]
    assert kept(store) == [("tracker", None, None, True)]


def test_what_a_row_does_not_say_stays_and_what_is_for_new_ones_changes_none_that_is_there(store: Store) -> None:
    """Seen red with `first` in each change: the second time makes it declared again."""
    put(store, {"declared": False}, name="tracker", cursor="page 7")
    put(store, {"declared": True}, name="other")
    assert put(store, {"declared": True}, name="tracker", error="down")
    assert kept(store) == [("other", None, None, True), ("tracker", "down", "page 7", False)]


def test_text_that_no_database_takes_is_the_same_when_it_comes_again(store: Store) -> None:
    """Seen red by comparing what was said instead of what was kept of it."""
    written = [put(store, {"declared": True}, name="tracker", error="half a letter: \ud83d, and \0") for _ in range(2)]
    assert written == [True, False]
