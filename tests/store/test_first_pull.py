"""What a source brings first is saved in a shorter way, as nothing of it is known: the rows are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import event, select

from okr_sync.connector import Page
from okr_sync.core.facts import Collected, WorkItem
from okr_sync.store import Store
from okr_sync.store.collecting import save_collected
from okr_sync.store.mirror import is_blank
from okr_sync.store.statements import TOGETHER, fetch, insert_one
from okr_sync.store.tables import DueDateRow, Table, sql
from okr_sync.sync.spool import Spool, SpooledItems, SpooledMembers
from tests.store.builders import NOW, epic, item, pulled, running

DUE_DATES = sql(DueDateRow)
KNOWN = {"source": "tracker", "thing": "known before", "due": None, "seen_at": NOW}
ODD = (
    replace(item("e1"), title="an item that is a container, too", due=date(2026, 12, 1)),
    replace(item("e2"), due=None),
    replace(item("nul"), title="a\0b"),
    replace(item("half"), title="half a letter \ud83d"),
    replace(item("zone"), created=datetime(2026, 10, 1, 9, tzinfo=timezone(timedelta(hours=9)))),
    replace(item("fraction"), done_at=datetime(2026, 10, 1, 9, 0, 0, 120_000, UTC), state="done"),
    replace(item("old"), created=datetime(999, 1, 1, tzinfo=UTC), updated=None, labels=()),
    replace(item("due"), due=date(2026, 11, 30), labels=('"', "ü", "\0")),
    replace(item("resolved"), resolution="Won’t Do", parent="e1", points=0.1, kind="subtask"),
)
MANY = tuple(item(f"{number:04}", points=float(number)) for number in range(5 * TOGETHER + 7))


def _brought(items: Sequence[WorkItem], *, spooled: bool) -> Collected:
    ids = " ".join(each.id for each in items)
    whole = pulled(*items, held={"e1": ids, "e2": ""})
    whole = replace(whole, containers=(replace(epic("e1"), due=date(2026, 12, 1)), replace(epic("e2"), due=NOW.date())))
    if not spooled:
        return whole
    spool = Spool()
    spool.add(Page(tuple(items), whole.containers, tuple(whole.members)))
    return replace(whole, items=SpooledItems(spool), members=SpooledMembers(spool))


def _saved(store: Store, collected: Collected, *, known: bool) -> dict[str, list[dict[str, Any]]]:
    """Return all rows that this leaves, without what was `known` of the source before, and keys that count rows."""
    with store.rehearsing() as session:
        run = running(session)
        if known:
            insert_one(session, DUE_DATES, {**KNOWN, "run_id": run})
        assert is_blank(session, "tracker") is not known
        save_collected(session, run, collected)
        rows = {name: fetch(session, select(table)) for name, table in Table.metadata.tables.items()}
    return {name: sorted(map(_plain, some), key=repr) for name, some in rows.items()} | {
        "due_dates": sorted((_plain(row) for row in rows["due_dates"] if row["thing"] != KNOWN["thing"]), key=repr)
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "run_id" and (name, type(value)) != ("id", int)}


@pytest.mark.parametrize("items", [ODD, MANY, ()], ids=["odd", "many", "none"])
def test_what_comes_first_is_stored_as_all_else_is(store: Store, items: Sequence[WorkItem]) -> None:
    """Red with instants as orjson writes them, with labels as they lie in the spool, without the batches' remainder,
    without the items that were pickled, without a look at what is a container, too.
    """
    usual = _saved(store, _brought(items, spooled=False), known=True)
    assert len(usual["work_items"]) == len(usual["memberships"]) == len(items)
    assert _saved(store, _brought(items, spooled=True), known=False) == usual
    assert _saved(store, _brought(items, spooled=False), known=False) == usual
    assert _saved(store, _brought(items, spooled=True), known=True) == usual


def test_a_first_pull_looks_up_as_little_for_many_items_as_for_few(store: Store) -> None:
    """Red with `blank` left out of any of the calls in `save_collected`."""
    few, many = (
        _looks(store, pulled(*some, held={f"e{each.id}": each.id for each in some})) for some in (MANY[:5], MANY)
    )
    assert few == many


def _looks(store: Store, collected: Collected) -> list[str]:
    """Return the tables that saving this reads from, each as often as it is read."""
    asked: list[str] = []
    with store.rehearsing() as session:
        run = running(session)
        event.listen(session.connection(), "before_cursor_execute", lambda *told: asked.append(told[2]))
        save_collected(session, run, collected)
    return [each.split("FROM ")[1].split()[0] for each in asked if each.startswith("SELECT")]
