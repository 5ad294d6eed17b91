"""What is kept of the items that containers hold is what counting them anew says, whatever happens to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, event, select
from sqlmodel import Session

from okr_sync.core.facts import Collected, Members
from okr_sync.core.instants import instant_of
from okr_sync.store import counts
from okr_sync.store.collecting import save_collected
from okr_sync.store.counts import Counts, counts_of, miscounted
from okr_sync.store.statements import fetch
from okr_sync.store.tables import TallyRow, sql
from tests.store.builders import HOUR, NOW, TRIED, epic, item, pulled, running
from tests.store.worlds import DAY, worlds

EPICS = ("e1", "e2", "e3", "e4")
SINCE = NOW - 30 * DAY
TALLIES = sql(TallyRow)


def save(session: Session, brought: Collected) -> None:
    save_collected(session, running(session, brought.at), brought)


def look(session: Session, since: datetime = SINCE) -> dict[str, Counts]:
    return counts_of(session, "tracker", EPICS, since)


def anew(session: Session, since: datetime = SINCE) -> dict[str, Counts]:
    session.connection().execute(delete(TALLIES))
    return look(session, since)


def kept(session: Session) -> set[str]:
    return {row["container"] for row in fetch(session, select(TALLIES))}


@st.composite
def changes(draw: st.DrawFn) -> Collected:
    """Return what any later pull may bring: a part, listed whole or not, with items that left or are gone."""
    brought = draw(worlds())
    ids = [item.id for item in brought.items] or ["x"]
    some = st.frozensets(st.sampled_from(ids), max_size=2)
    containers = tuple(each for each in brought.containers if draw(st.booleans()))
    members = tuple(
        Members(each.container, each.items, whole=draw(st.booleans()))
        for each in brought.members
        if draw(st.booleans())
    )
    items = tuple(each for each in brought.items if draw(st.booleans()))
    left = {name: draw(some) for name in EPICS if not draw(st.integers(0, 4))}
    gone = draw(some) if draw(st.booleans()) else frozenset[str]()
    told = replace(brought, containers=containers, members=members, items=items, left=left)
    return replace(told, gone=gone, hidden=brought.hidden - gone)


@TRIED
@given(worlds(), st.lists(st.tuples(changes(), st.booleans()), min_size=1, max_size=2))
def test_what_is_kept_is_what_counting_anew_says(
    session: Session, first: Collected, later: list[tuple[Collected, bool]]
) -> None:
    """Seen red with changed containers, and with changed items, left out of `_touched`."""
    with session.begin_nested() as nested:
        save(session, first)
        look(session)
        for hours, (brought, looked_at) in enumerate(later, start=1):
            save(session, replace(brought, at=NOW + hours * HOUR))
            if looked_at:
                look(session)
        assert list(miscounted(session)) == []
        assert look(session) == anew(session)
        nested.rollback()


@TRIED
@given(worlds(), st.integers(-80, 80), st.integers(-80, 80))
def test_what_was_kept_for_an_instant_is_right_for_any_other(
    session: Session, brought: Collected, first: int, second: int
) -> None:
    with session.begin_nested() as nested:
        save(session, brought)
        look(session, NOW + first * DAY)
        assert look(session, NOW + second * DAY) == anew(session, NOW + second * DAY)
        nested.rollback()


BEGINNING = pulled(
    item("1"), item("2"), item("3"), item("4"), held={"e1": "1", "e2": "2", "e3": "3", "e4": "4"}, at=NOW
)
LATER = NOW + HOUR
QUIET = pulled(at=LATER)
NOTHING: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("brought", "forgotten"),
    [
        (QUIET, NOTHING),
        (pulled(held={"e1": "1", "e2": "2"}, at=LATER), NOTHING),
        (replace(QUIET, containers=(replace(epic("e1"), title="Another"),)), NOTHING),
        (replace(QUIET, containers=(replace(epic("e1"), state="done"),)), {"e1"}),
        (replace(QUIET, items=(item("2", state="done"),)), {"e2"}),
        (replace(QUIET, gone=frozenset({"3"})), {"e3"}),
        (replace(QUIET, hidden=frozenset({"3"})), {"e3"}),
        (replace(QUIET, left={"e4": frozenset({"4"})}), {"e4"}),
        (pulled(held={"e1": "1 2"}, at=LATER), {"e1", "e2"}),
        (pulled(held={"e2": ""}, at=LATER), {"e2"}),
    ],
    ids=["quiet", "as-before", "renamed", "ended", "changed", "gone", "hidden", "left", "joined", "emptied"],
)
def test_only_what_may_have_moved_is_counted_anew(
    session: Session, brought: Collected, forgotten: frozenset[str]
) -> None:
    """Seen red with each of these left out of `_touched`: containers, items that left, joined, are gone or hidden."""
    save(session, BEGINNING)
    look(session)
    save(session, brought)
    assert kept(session) == set(EPICS) - forgotten


def test_what_is_seen_again_is_counted_anew(session: Session) -> None:
    """Seen red with absent items left out of `_touched`."""
    save(session, BEGINNING)
    save(session, replace(QUIET, hidden=frozenset({"3"})))
    assert "e3" not in look(session)
    save(session, replace(QUIET, at=LATER + HOUR, members=(Members("e3", frozenset({"3"}), whole=True),)))
    assert "e3" in look(session)


def test_a_source_that_brings_very_much_is_counted_anew(session: Session) -> None:
    """Of another source nothing is forgotten."""
    other = replace(BEGINNING, source="other", scopes={})
    for brought in (BEGINNING, other):
        save(session, brought)
        counts_of(session, brought.source, EPICS, SINCE)
    many = tuple(item(str(number)) for number in range(counts.MOST + 1))
    counts.forget(session, replace(QUIET, items=many))
    assert {row["source"] for row in fetch(session, select(TALLIES))} == {"other"}
    listed = (Members("e1", frozenset(map(str, range(counts.MOST + 2))), whole=False),)
    counts.forget(session, replace(QUIET, source="other", members=listed))
    assert kept(session) == set()


DONE = tuple(NOW - days * DAY for days in (50, 40, 20, 10))
FINISHED = pulled(
    *(replace(item(str(number), state="done"), done_at=at) for number, at in enumerate(DONE)), held={"e1": "0 1 2 3"}
)


@pytest.mark.parametrize(("first", "second"), [(5, 45), (60, 15), (60, 40), (15, 15)])
def test_the_first_end_is_told_and_those_from_an_instant_on_whatever_was_asked_before(
    session: Session, first: int, second: int
) -> None:
    """Seen red with rows taken that were kept for a later instant, and with all told that an earlier one kept."""
    save(session, FINISHED)
    look(session, NOW - first * DAY)
    [group] = look(session, NOW - second * DAY)["e1"].values()
    told = [instant_of(each) for each in group.finished]
    assert told == [at for at in DONE if at == DONE[0] or at >= NOW - second * DAY]
    assert group.number == len(DONE)


def test_many_containers_are_counted_some_at_a_time(session: Session) -> None:
    """So that the items of a whole site are never sorted at once. Red with as many containers as fit into an IN."""
    epics = [f"e{number:03}" for number in range(2 * counts.COUNTED + 1)]
    save(session, pulled(*(item(id_) for id_ in epics), held={id_: id_ for id_ in epics}))
    named: list[int] = []
    event.listen(session.connection(), "before_cursor_execute", lambda *told: named.append(_counting(*told[2:4])))
    counted = counts_of(session, "tracker", epics, SINCE)
    assert [sum(group.number for group in counted[id_].values()) for id_ in epics] == [1] * len(epics)
    assert 0 < max(named) < counts.COUNTED + 10
    named.clear()
    assert list(miscounted(session)) == []
    assert 0 < max(named) < counts.COUNTED + 10


def _counting(statement: str, told: Sequence[object]) -> int:
    """Return how many values a statement that counts items names; 0: it counts none."""
    return len(told) if "count(work_items.id)" in statement else 0


def test_containers_that_share_an_item_are_not_told_by_numbers(session: Session) -> None:
    """One that another source has, and one that left, are not shared. Seen red without the look at who shares."""
    ids = [item(str(number)) for number in range(4)]
    save(session, pulled(*ids, held={"e1": "0 1", "e2": "1 2", "e3": "3"}))
    save(session, replace(pulled(*ids, held={"e4": "3"}), source="other", scopes={}))
    assert set(look(session)) == {"e3"}
    save(session, replace(QUIET, left={"e2": frozenset({"1"})}))
    assert set(look(session)) == {"e1", "e2", "e3"}


def test_what_happens_to_an_item_in_one_container_is_told_of_the_other_that_holds_it(session: Session) -> None:
    """Seen red with the holders of what moved left out of `_touched`."""
    save(session, pulled(item("1"), item("2"), held={"e1": "1", "e2": "2"}))
    assert set(look(session)) == {"e1", "e2"}
    save(session, replace(QUIET, members=(Members("e1", frozenset({"2"}), whole=False),)))
    assert look(session) == {}
    save(session, replace(QUIET, at=LATER + HOUR, left={"e1": frozenset({"2"})}))
    assert set(look(session)) == {"e1", "e2"}


@pytest.mark.parametrize(
    "change",
    [{"body": None}, {"body": '[["issue","open",null,7,null,[]]]'}],
    ids=["untold", "another-number"],
)
def test_wrong_numbers_are_found(session: Session, change: dict[str, Any]) -> None:
    save(session, BEGINNING)
    look(session)
    session.connection().execute(TALLIES.update().where(TALLIES.c.container == "e2").values(change))
    assert list(miscounted(session)) == ["tallies tracker e2"]
