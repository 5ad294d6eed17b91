"""Each answer is kept with what was asked; another question begins a series that leaves the earlier one as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import Session

from okr_sync.core.definition import metric_question, scope_question
from okr_sync.core.facts import MetricFacts, Miss, Reading
from okr_sync.core.model import DeliveryScope, Metric
from okr_sync.store import Store, schema
from okr_sync.store.checkins import check_in
from okr_sync.store.collecting import save_collected
from okr_sync.store.readings import load_metrics
from okr_sync.store.scopes import load_scopes
from okr_sync.store.statements import fetch
from okr_sync.store.tables import Observation, sql
from tests.store.builders import HOUR, NOW, TRIED, answered, item, pulled, running
from tests.store.older import RUN, at_revision

DAY = 24 * HOUR


def _save(session: Session, question: str | None, *readings: Reading, hours: int = 0) -> int:
    at = NOW + hours * HOUR
    asked = {} if question is None else {"nps": question}
    return save_collected(
        session, running(session, at), replace(answered(readings, at=at), questions=asked)
    ).observations


def _facts(session: Session, question: str | None) -> MetricFacts:
    return load_metrics(session, frozenset({"nps"}), {} if question is None else {"nps": question})["nps"]


def _values(facts: MetricFacts) -> list[float]:
    return [reading.value for reading in facts.readings]


def _dated(*values: float, begin: datetime = NOW - 5 * DAY) -> tuple[Reading, ...]:
    return tuple(Reading(value, begin + n * DAY) for n, value in enumerate(values))


def test_every_observation_keeps_what_was_asked(session: Session) -> None:
    _save(session, "a", Reading(1.0))
    check_in(session, NOW, "kr", "ana", metric="nps", value=2.0, question="b")
    table = sql(Observation)
    assert [row["question"] for row in fetch(session, select(table).order_by(table.c.id))] == ["a", "b"]


def test_an_equal_value_to_another_question_is_news(session: Session) -> None:
    assert _save(session, "a", Reading(31.0)) == 1
    assert _save(session, "b", Reading(31.0), hours=1) == 1
    assert _save(session, "b", Reading(31.0), hours=2) == 0
    facts = _facts(session, "b")
    assert (_values(facts), facts.breaks, facts.answered) == ([31.0, 31.0], (NOW + HOUR,), True)


def test_a_question_without_an_answer_has_what_was_answered_before_and_says_so(session: Session) -> None:
    _save(session, "a", Reading(31.0))
    facts = _facts(session, "b")
    assert (_values(facts), facts.answered, facts.breaks) == ([31.0], False, ())
    assert _facts(session, "a").answered
    assert _facts(session, None).answered


def test_a_history_that_is_told_anew_replaces_the_earlier_one_and_retracts_nothing(session: Session) -> None:
    _save(session, "a", *_dated(1.0, 2.0, 3.0))
    _save(session, "b", *_dated(20.0, 30.0, begin=NOW - 4 * DAY), hours=1)
    facts = _facts(session, "b")
    assert (_values(facts), facts.breaks) == ([1.0, 20.0, 30.0], (NOW - 4 * DAY,))
    then = _facts(session, "a")
    assert (_values(then), then.breaks) == ([1.0, 2.0, 3.0], ())
    assert _save(session, "b", *_dated(20.0, 30.0, begin=NOW - 4 * DAY), hours=2) == 0


def test_a_whole_history_told_anew_leaves_no_break(session: Session) -> None:
    _save(session, "a", *_dated(1.0, 2.0))
    _save(session, "b", *_dated(10.0, 20.0), hours=1)
    facts = _facts(session, "b")
    assert (_values(facts), facts.breaks) == ([10.0, 20.0], ())


def test_a_question_that_comes_back_goes_on_with_its_series(session: Session) -> None:
    for hours, question in enumerate("aba"):
        _save(session, question, Reading(float(hours)), hours=hours)
    facts = _facts(session, "a")
    assert (_values(facts), facts.breaks) == ([0.0, 2.0], ())


def test_three_questions_make_two_breaks(session: Session) -> None:
    for hours, question in enumerate("abc"):
        _save(session, question, Reading(float(hours)), hours=hours)
    facts = _facts(session, "c")
    assert (_values(facts), facts.breaks) == ([0.0, 1.0, 2.0], (NOW + HOUR, NOW + 2 * HOUR))


def test_answers_from_before_questions_were_kept_count_for_the_first_that_is_known(session: Session) -> None:
    _save(session, None, Reading(1.0))
    assert _values(_facts(session, "a")) == [1.0]
    assert _facts(session, "a").answered
    assert _save(session, "a", Reading(1.0), hours=1) == 0
    assert _save(session, "a", Reading(2.0), hours=2) == 1
    assert _facts(session, "a").breaks == ()
    later = _facts(session, "b")
    assert (_values(later), later.answered) == ([1.0, 2.0], False)


@contextmanager
def undone(session: Session) -> Iterator[None]:
    """Take back at the end what was saved, so that an example leaves the store as it was, whatever comes of it."""
    nested = session.begin_nested()
    try:
        yield
    finally:
        nested.rollback()


STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(-9, 9), st.integers(0, 6)), max_size=7)


@TRIED
@given(STEPS, st.sampled_from("abc"))
def test_readings_are_in_order_and_those_of_the_question_are_all_there(
    session: Session, steps: Iterable[tuple[str, int, int]], asked: str
) -> None:
    own: dict[datetime, float] = {}
    with undone(session):
        for hours, (question, value, day) in enumerate(steps):
            reading = Reading(float(value), NOW + day * DAY)
            _save(session, question, reading, hours=hours)
            if question == asked:
                own = {at: old for at, old in own.items() if not reading.time <= at <= NOW + hours * HOUR}  # type: ignore[operator]
                own[reading.time] = reading.value  # type: ignore[index]
        facts = _facts(session, asked)
    times = [reading.time for reading in facts.readings]
    assert times == sorted(times, key=str)
    if own:
        assert [(r.time, r.value) for r in facts.readings][-len(own) :] == sorted(own.items())
    assert facts.answered == (bool(own) or not times)


def _scope(session: Session, question: str | None) -> tuple[bool, bool, str]:
    asked = {} if question is None else {"assistant/1": question}
    found = load_scopes(session, frozenset({"assistant/1"}), asked)["assistant/1"]
    return found.resolved, found.asked_anew, found.miss.message if found.miss else ""


def _pull(session: Session, question: str | None, hours: int, misses: dict[str, Miss] | None = None) -> None:
    asked = {} if question is None else {"assistant/1": question}
    brought = pulled(item("1"), held={} if misses else {"e": "1"}, at=NOW + hours * HOUR, misses=misses)
    save_collected(session, running(session), replace(brought, questions=asked))


def test_a_scope_that_is_asked_something_else_has_no_facts_until_it_answers(session: Session) -> None:
    _pull(session, "a", 0)
    assert _scope(session, "a") == (True, False, "")
    assert _scope(session, None) == (True, False, "")
    assert _scope(session, "b") == (False, True, "")
    _pull(session, "b", 1, {"assistant/1": Miss("gone", "no epic MED-9")})
    assert _scope(session, "b") == (False, True, "no epic MED-9")
    _pull(session, "b", 2)
    assert _scope(session, "b") == (True, False, "")


def test_a_scope_from_before_questions_were_kept_stays_as_it_is(session: Session) -> None:
    _pull(session, None, 0)
    assert _scope(session, "b") == (True, False, "")


METRIC = '{"id":"nps","query":"%s","source":"survey","type":"level","unit":"points"}'
INITIATIVE = '{"id":"assistant","scopes":[{"query":"{}","ref":"assistant/1","source":"tracker"}]}'


def test_what_was_kept_before_is_told_by_the_definitions_of_then(empty_url: str) -> None:
    first, second, last = (NOW + HOUR * hours for hours in range(3))
    typed = '{\\"entries\\":[{\\"value\\":1}],\\"with\\":\\"ä\\"}'
    known = {"hash": "h", "author": "ana", "reason": "", "run_id": 1}
    read = {"dated": False, "value": 1.0, "evidence": "", "retracted": False, "run_id": 1}
    with at_revision(empty_url, "0003") as older:
        older.insert("runs", **RUN, summary="")
        for kind, subject, version, body, since, until in (
            ("metric", "nps", 1, METRIC % typed, first, second),
            ("metric", "nps", 2, METRIC % "{}", second, None),
            ("initiative", "assistant", 1, INITIATIVE, first, None),
        ):
            span = {"since": since, "until": until}
            older.insert("definitions", kind=kind, subject=subject, version=version, body=body, **span, **known)
        for metric, at in (("nps", first), ("nps", second), ("nps", last), ("other", first)):
            older.insert("observations", metric=metric, valid_time=at, recorded_at=at, **read)
        asked = {"ref": "assistant/1", "source": "tracker", "containers": "[]"}
        older.insert("scopes", **asked, resolved=True, since=first, run_id=1)
    store = Store.open(empty_url, allow_older=True)
    assert store.migrate()[-1] == schema.newest_revision()
    new = metric_question(Metric("nps", "NPS", "survey", "{}", "points"))
    old = metric_question(Metric("nps", "NPS", "survey", '{"with":"ä"}', "points"))
    with store.reading() as session:
        table = sql(Observation)
        found = [row["question"] for row in fetch(session, select(table).order_by(table.c.id))]
        assert found == [old, new, new, None]
        assert _scope(session, scope_question(DeliveryScope("assistant/1", "tracker", "{}"))) == (True, False, "")
        assert _scope(session, "another") == (False, True, "")
