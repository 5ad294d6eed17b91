"""What is counted by the database is what is counted item by item, and items are read only where numbers don't tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from sqlmodel import Session

from okr_sync.core.delivery import Work, deliver_works
from okr_sync.core.facts import Collected, Miss, WorkItem
from okr_sync.core.forecast import foresee_work
from okr_sync.core.model import Book, DeliveryScope, Initiative
from okr_sync.store.collecting import save_collected
from okr_sync.store.history import load_history
from tests.store.builders import HOUR, NOW, TRIED, epic, item, pulled, running
from tests.store.worlds import DAY, SCOPES, worlds

BOOK = Book(
    timezone="UTC",
    initiatives=(
        Initiative("a", "A", scopes=tuple(DeliveryScope(ref, "tracker", "{}") for ref in SCOPES[:2])),
        Initiative("b", "B", scopes=(DeliveryScope("b/1", "tracker", "{}"),), include="both"),
    ),
)
FORECAST_AT = (NOW, NOW + 20 * HOUR)
"""The instant that is judged, and one until which the same tallies may be used."""


def works(session: Session, book: Book = BOOK, *, counted: bool) -> dict[str, Work]:
    """Return the work of each initiative, by tallies where there are any, or by items alone."""
    facts = load_history(session, book, {"tracker": HOUR}, NOW)
    return deliver_works(book.initiatives, facts.scopes, facts.tallies if counted else {})


def tallied(session: Session, book: Book = BOOK) -> set[str]:
    """Return the scopes that have a tally."""
    return set(load_history(session, book, {"tracker": HOUR}, NOW).tallies)


def told(work: Work, initiative: Initiative, now: datetime) -> tuple[Any, ...]:
    """Return all that is judged by a work at an instant."""
    return work.state, work.began, work.finished[:1], foresee_work(initiative, work, now)


def save(session: Session, held: dict[str, str], items: Iterable[WorkItem], **more: Any) -> None:
    """Save items and the epics that hold them; scope a/1 has e1 and e2, b/1 has e3."""
    scopes = {"a/1": ("e1", "e2"), "a/2": (), "b/1": ("e3",)}
    brought = replace(pulled(*items, held={"e1": "", "e2": "", "e3": "", **held}), scopes=scopes)
    save_collected(session, running(session), replace(brought, **more))


DONE = replace(item("2", state="done"), done_at=NOW - DAY, resolution="Fixed")
THREE = (item("1"), DONE, replace(item("3"), state="in_progress"))


def test_plain_scopes_are_counted_and_none_of_their_items_is_read(session: Session) -> None:
    save(session, {"e1": "1", "e2": "2", "e3": "3"}, THREE)
    facts = load_history(session, BOOK, {"tracker": HOUR}, NOW)
    assert set(facts.tallies) == set(SCOPES)
    found = deliver_works(BOOK.initiatives, {}, facts.tallies)
    assert [(each.state.done, each.state.open, each.state.in_progress) for each in found.values()] == [
        (1, 1, 0),
        (0, 0, 1),
    ]


@pytest.mark.parametrize(
    ("held", "more", "left"),
    [
        ({"e1": "1", "e2": "1", "e3": "3"}, {}, {"a/2", "b/1"}),
        ({"e1": "1", "e2": "2", "e3": "1"}, {}, {"a/2"}),
        ({"e1": "1", "e3": "3"}, {"scopes": {"a/1": ("e1",), "a/2": ("e1",), "b/1": ("e3",)}}, {"b/1"}),
        ({"e1": "1 9", "e3": "3"}, {}, {"a/2", "b/1"}),
        ({"e1": "1", "e3": "3"}, {"scopes": {"a/1": ("e1", "e9"), "a/2": (), "b/1": ("e3",)}}, {"a/2", "b/1"}),
        (
            {"e1": "1", "e3": "3"},
            {"containers": (epic("e1"), replace(epic("e2"), state="done"), epic("e3"))},
            {"a/2", "b/1"},
        ),
    ],
    ids=["held-twice", "held-by-both", "container-twice", "never-described", "container-unknown", "ended-and-empty"],
)
def test_what_numbers_do_not_tell_is_read_item_by_item(
    session: Session, held: dict[str, str], more: dict[str, Any], left: set[str]
) -> None:
    """Seen red for each with its guard in `load_tallies` or `_Counted` removed."""
    save(session, held, THREE, **more)
    assert tallied(session) == left
    by_number, by_item = works(session, counted=True), works(session, counted=False)
    assert [by_number[name].state for name in "ab"] == [by_item[name].state for name in "ab"]


def test_what_was_never_answered_has_no_tally(session: Session) -> None:
    """Seen red with the look at `resolved` in `load_tallies` removed: it held nothing, and counted as empty."""
    misses = {"a/2": Miss("not_found", "no such epic")}
    save(session, {"e1": "1", "e3": "3"}, THREE, scopes={"a/1": ("e1",), "b/1": ("e3",)}, misses=misses)
    assert tallied(session) == {"a/1", "b/1"}
    assert "no such epic" in works(session, counted=True)["a"].state.reason


def test_what_is_hidden_is_read_item_by_item(session: Session) -> None:
    save(session, {"e1": "1", "e2": "2", "e3": "3"}, THREE)
    save_collected(session, running(session, NOW + HOUR), replace(pulled(at=NOW + HOUR, hidden="3"), scopes={}))
    assert tallied(session) == {"a/1", "a/2"}
    assert "MED-3" in works(session, counted=True)["b"].state.reason


def test_work_that_is_weighed_is_read_item_by_item(session: Session) -> None:
    save(session, {"e1": "1", "e2": "2", "e3": "3"}, THREE)
    ways: list[dict[str, Any]] = [{"weight_by": "points"}, {"unit": "leaf"}, {"containers": "mean"}]
    for way in ways:
        book = replace(BOOK, initiatives=(replace(BOOK.initiatives[0], **way), BOOK.initiatives[1]))
        assert tallied(session, book) == {"b/1"}


def test_what_is_asked_anew_has_no_tally(session: Session) -> None:
    save(session, {"e1": "1", "e3": "3"}, THREE, questions=dict.fromkeys(SCOPES, "another question"))
    assert not tallied(session)
    assert "its query changed" in works(session, counted=True)["a"].state.reason


@TRIED
@given(worlds())
def test_numbers_say_what_the_items_say(session: Session, brought: Collected) -> None:
    with session.begin_nested() as nested:
        save_collected(session, running(session), brought)
        by_number, by_item = works(session, counted=True), works(session, counted=False)
        for each in BOOK.initiatives:
            for now in FORECAST_AT:
                assert told(by_number[each.id], each, now) == told(by_item[each.id], each, now)
        nested.rollback()
