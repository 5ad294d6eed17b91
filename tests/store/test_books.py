"""Stored definitions are read back as they were, and a past instant has the book that was in force then."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from okr_sync.core.definition import canonical, define
from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import History, MetricFacts, Reading, SourceState
from okr_sync.core.kinds import Gate, Part
from okr_sync.core.measures import KINDS
from okr_sync.core.model import (
    Book,
    Change,
    Cycle,
    Delivery,
    DeliveryScope,
    Done,
    DoneSubject,
    Initiative,
    KeyResult,
    Measure,
    Metric,
    Objective,
)
from okr_sync.errors import StoreError
from okr_sync.store.books import Books, book_at
from okr_sync.store.decoding import decode
from okr_sync.store.definitions import body_of, save_definitions
from tests.store.builders import HOUR, NOW, TRIED, running
from tests.store.defined import anything, measures
from tests.store.test_definitions import BOOK, CYCLE, NPS

NPS_METRIC = BOOK.metrics[0]


def _stored(defined: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(canonical(body_of(defined)))
    return body


@TRIED
@given(st.one_of([anything(cls) for cls in (Cycle, Metric, Initiative, KeyResult)]))
def test_what_was_defined_is_read_back_as_it_was(defined: Any) -> None:
    assert decode(type(defined), _stored(defined)) == defined


@TRIED
@given(measures())
def test_a_measure_of_any_kind_is_read_back_as_it_was(measure: Any) -> None:
    assert decode(KeyResult, _stored(replace(NPS, measure=measure))).measure == measure


def test_every_kind_of_measure_is_tried() -> None:
    assert set(KINDS) == set(get_args(Measure))


def test_a_body_from_before_a_field_existed_has_the_default() -> None:
    body = _stored(replace(NPS, weight=3.0))
    for name in ("weight", "curve", "preset"):
        del body[name]
    del body["measure"]["relative_to_abs"]
    assert decode(KeyResult, body) == NPS


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ({"id": None}, "None is no str"),
        ({"surprise": 1}, "KeyResult has no surprise"),
        ({"start": "yesterday"}, "Invalid isoformat string"),
        ({"preset": "guess"}, "'guess' is none of pace"),
        ({"measure": {"kind": "wish"}}, "wish"),
        ({"measure": {"kind": "change", "metric": "nps"}}, "Change lacks baseline"),
        ({"weight": True}, "True is no float"),
        ({"curve": 3}, "int"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_and_never_guessed(spoil: dict[str, Any], said: str) -> None:
    with pytest.raises(StoreError, match=r"can't be|can't read") as refused:
        decode(KeyResult, _stored(NPS) | spoil)
    assert said in str(refused.value)
    assert "Use the okr-sync that wrote it" in str(refused.value)


def _with(book: Book, *key_results: KeyResult) -> Book:
    return define(replace(book, objectives=(replace(book.objectives[0], key_results=key_results),)))


def _save(session: Session, book: Book, hours: int) -> Book:
    at = NOW + hours * HOUR
    save_definitions(session, running(session, at), book, at, author="ana")
    return book


def _verdict(book: Book, at: datetime) -> Any:
    readings = (Reading(31.0, NOW), Reading(41.0, NOW + 10 * HOUR))
    known = History(
        metrics={"nps": MetricFacts(readings)}, sources={"survey": SourceState("survey", at, timedelta(days=1))}
    )
    return evaluate(book, known, at)


def test_a_changed_target_keeps_the_past_verdict(session: Session) -> None:
    before = _save(session, _with(BOOK, NPS), 0)
    then = _verdict(before, NOW + 10 * HOUR)
    now = _save(session, _with(BOOK, replace(NPS, measure=Change("nps", 31.0, target=131.0), weight=2.0)), 20)
    assert _verdict(book_at(session, now, NOW + 10 * HOUR), NOW + 10 * HOUR) == then
    assert then.key_results[0].progress == 0.5
    assert _verdict(book_at(session, now, NOW + 20 * HOUR), NOW + 20 * HOUR).key_results[0].progress == 0.1


def test_the_book_of_an_instant_before_everything_has_first_versions(session: Session) -> None:
    first = _save(session, _with(BOOK, NPS), 0)
    now = _save(session, _with(BOOK, replace(NPS, title="Another")), 5)
    assert book_at(session, now, NOW - 1000 * HOUR) == first
    assert book_at(session, now, NOW + 4 * HOUR) == first
    assert book_at(session, now, NOW + 5 * HOUR) == now


def test_what_was_never_saved_is_as_it_is_now(session: Session) -> None:
    now = _with(BOOK, NPS)
    assert book_at(session, now, NOW) == now


def test_what_is_gone_stays_out_and_what_came_back_is_as_it_last_was(session: Session) -> None:
    other = replace(NPS, id="other")
    _save(session, _with(BOOK, NPS, other), 0)
    _save(session, _with(BOOK, NPS), 1)
    assert [each.id for each in book_at(session, _with(BOOK, NPS), NOW).key_results()] == ["nps-20"]
    back = _save(session, _with(BOOK, NPS, replace(other, title="Back")), 2)
    then = {each.id: each.title for each in book_at(session, back, NOW + HOUR).key_results()}
    assert then["other"] == other.title


def test_a_metric_and_an_initiative_that_only_the_past_needs_are_there(session: Session) -> None:
    survey, asked = Metric("csat", "CSAT", "survey", '{"column":"csat"}'), Part("asked", Change("csat", 1.0, 5.0))
    built = Part("built", Delivery(("assistant",)))
    _save(session, _with(replace(BOOK, metrics=(NPS_METRIC, survey)), replace(NPS, measure=Gate((built, asked)))), 0)
    now = _save(session, _with(replace(BOOK, initiatives=()), NPS), 1)
    then = book_at(session, now, NOW)
    assert [each.id for each in then.metrics] == ["nps", "csat"]
    assert [each.id for each in then.initiatives] == ["assistant"]
    assert book_at(session, now, NOW + HOUR) == now


def test_a_query_of_then_is_asked_for_then(session: Session) -> None:
    old = _save(session, BOOK, 0)
    now = _save(session, replace(BOOK, metrics=(replace(NPS_METRIC, query='{"column":"nps2"}'),)), 1)
    assert book_at(session, now, NOW).metrics == old.metrics


def _objectives(*links: tuple[str, str | None]) -> Book:
    return replace(BOOK, objectives=tuple(Objective(name, name, CYCLE.id, contributes_to=to) for name, to in links))


def test_links_to_what_is_gone_are_left_out(session: Session) -> None:
    gone = Cycle("2026-Q3", CYCLE.first, CYCLE.last, CYCLE.start, CYCLE.end)
    old = _objectives(("a", "b"), ("b", None))
    moved = replace(old.objectives[0], cycle=gone.id, supports=("b", "c"))
    _save(session, replace(old, cycles=(gone, CYCLE), objectives=(moved, old.objectives[1])), 0)
    now = _save(session, _objectives(("a", None), ("c", None)), 1)
    then = book_at(session, now, NOW).objectives[0]
    assert (then.contributes_to, then.supports, then.cycle) == (None, ("c",), CYCLE.id)


def test_books_of_many_instants_come_from_one_reading(session: Session) -> None:
    first = _save(session, _with(BOOK, NPS), 0)
    now = _save(session, _with(BOOK, replace(NPS, title="Another")), 5)
    books = Books(session, now)
    _save(session, first, 6)
    assert [books.at(NOW + hours * HOUR) for hours in (0, 5, 9)] == [first, now, now]


def test_a_version_that_cannot_be_read_stops_the_reader(session: Session) -> None:
    hidden = Initiative("assistant", "Assistant", scopes=(DeliveryScope("assistant/1", "tracker", "{}"),))
    done = replace(NPS, measure=Done(DoneSubject(initiative=hidden.id)))
    now = _save(session, _with(BOOK, done), 0)
    session.connection().exec_driver_sql("UPDATE definitions SET body = '{\"id\": 3}' WHERE kind = 'initiative'")
    with pytest.raises(StoreError, match="Initiative 3"):
        book_at(session, now, NOW)
