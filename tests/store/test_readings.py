"""Readings: what is appended, what is corrected, what is withdrawn."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select
from sqlmodel import Session

from okr_sync.core.facts import MetricFacts, Miss, Outcome, Reading, Unchanged
from okr_sync.errors import StoreError, UsageError
from okr_sync.store import Store
from okr_sync.store.checkins import check_in, check_ins
from okr_sync.store.collecting import save_collected
from okr_sync.store.readings import first_times, load_metrics
from okr_sync.store.statements import fetch
from okr_sync.store.tables import Observation, sql
from tests.store.builders import HOUR, NOW, answered, running

DAY = 24 * HOUR


def _save(session: Session, outcome: Outcome, at: datetime = NOW) -> int:
    return save_collected(session, running(session, at), answered(outcome, at=at)).observations


def _facts(session: Session) -> MetricFacts:
    return load_metrics(session, frozenset({"nps"}))["nps"]


def _recorded(session: Session) -> list[tuple[datetime, float, datetime]]:
    table = sql(Observation)
    return [(r["valid_time"], r["value"], r["recorded_at"]) for r in fetch(session, select(table).order_by(table.c.id))]


def test_an_undated_reading_is_kept_once_while_it_stays_the_same(session: Session) -> None:
    assert _save(session, (Reading(31.0),)) == 1
    assert _save(session, (Reading(31.0),), NOW + HOUR) == 0
    assert _save(session, (Reading(44.0),), NOW + 2 * HOUR) == 1
    facts = _facts(session)
    assert [(reading.value, reading.time) for reading in facts.readings] == [(31.0, NOW), (44.0, NOW + 2 * HOUR)]
    assert facts.undated


@pytest.mark.parametrize(
    "changed",
    [
        Reading(31.0, evidence="page 2"),
        Reading(31.0, author="ana"),
        Reading(31.0, expires=NOW + DAY),
        Reading(30.999999999999996),
    ],
)
def test_an_undated_reading_is_appended_when_anything_of_it_changed(session: Session, changed: Reading) -> None:
    _save(session, (Reading(31.0),))
    assert _save(session, (changed,), NOW + HOUR) == 1
    assert _save(session, (changed,), NOW + 2 * HOUR) == 0


def test_dated_readings_are_kept_once_each_oldest_first(session: Session) -> None:
    readings = (Reading(31.0, NOW - 2 * DAY, "line 2"), Reading(33.0, NOW - DAY, "line 3"))
    assert _save(session, readings) == 2
    assert _save(session, readings, NOW + HOUR) == 0
    facts = _facts(session)
    assert facts.readings == readings
    assert not facts.undated


def test_a_reading_that_arrives_late_takes_its_place_in_time(session: Session) -> None:
    newest = Reading(33.0, NOW)
    _save(session, (newest,))
    late = Reading(31.0, NOW - DAY)
    _save(session, (late, newest), NOW + HOUR)
    assert _facts(session).readings == (late, newest)


def test_a_corrected_reading_counts_and_keeps_both_recorded_times(session: Session) -> None:
    _save(session, (Reading(31.0, NOW - DAY),))
    _save(session, (Reading(13.0, NOW - DAY),), NOW + HOUR)
    assert [reading.value for reading in _facts(session).readings] == [13.0]
    assert _recorded(session) == [(NOW - DAY, 31.0, NOW), (NOW - DAY, 13.0, NOW + HOUR)]


def test_a_correction_that_is_taken_back_is_one_more_correction(session: Session) -> None:
    for hours, value in enumerate((31.0, 13.0, 31.0)):
        assert _save(session, (Reading(value, NOW - DAY),), NOW + hours * HOUR) == 1
    assert [reading.value for reading in _facts(session).readings] == [31.0]


def test_of_two_readings_for_one_time_the_last_counts_and_nothing_flaps(session: Session) -> None:
    twice = (Reading(31.0, NOW - DAY), Reading(32.0, NOW - DAY))
    assert _save(session, twice) == 1
    assert _save(session, twice, NOW + HOUR) == 0
    assert [reading.value for reading in _facts(session).readings] == [32.0]


def test_a_dated_reading_that_moves_to_another_line_is_no_news(session: Session) -> None:
    _save(session, (Reading(31.0, NOW - DAY, "line 2"),))
    assert _save(session, (Reading(31.0, NOW - DAY, "line 3"),), NOW + HOUR) == 0


def test_a_reading_that_the_source_takes_back_counts_no_more_but_is_not_forgotten(session: Session) -> None:
    right, wrong = Reading(31.0, NOW - 2 * DAY), Reading(99.0, NOW - DAY)
    _save(session, (right, wrong))
    assert _save(session, (right,), NOW + HOUR) == 1
    assert _facts(session).readings == (right,)
    assert _save(session, (right,), NOW + 2 * HOUR) == 0
    assert len(_recorded(session)) == 3
    assert _save(session, (right, wrong), NOW + 3 * HOUR) == 1
    assert _facts(session).readings == (right, wrong)


def test_readings_older_than_the_answer_stay(session: Session) -> None:
    old, new = Reading(31.0, NOW - 2 * DAY), Reading(33.0, NOW - DAY)
    _save(session, (old,))
    assert _save(session, (new,), NOW + HOUR) == 1
    assert _facts(session).readings == (old, new)


def test_values_typed_by_people_are_never_taken_back_by_a_source(session: Session) -> None:
    _save(session, (Reading(31.0, NOW - DAY),))
    check_in(session, NOW, "nps-20", "ana", metric="nps", value=40.0)
    _save(session, (Reading(31.0, NOW - DAY),), NOW + HOUR)
    assert [reading.value for reading in _facts(session).readings] == [31.0, 40.0]


def test_a_miss_changes_no_number_and_goes_with_the_next_answer(session: Session) -> None:
    _save(session, (Reading(31.0),))
    assert _save(session, Miss("no_data", "the file has no rows"), NOW + HOUR) == 0
    facts = _facts(session)
    assert facts.miss == Miss("no_data", "the file has no rows")
    assert [reading.value for reading in facts.readings] == [31.0]
    _save(session, Unchanged(), NOW + 2 * HOUR)
    assert _facts(session).miss is None


def test_a_metric_never_asked_has_no_facts(session: Session) -> None:
    assert _facts(session) == MetricFacts()


def test_a_reading_that_is_not_finite_saves_nothing_at_all(store: Store) -> None:
    with pytest.raises(StoreError, match="not a finite number"), store.writing() as session:
        _save(session, (Reading(float("nan")),))
    with store.reading() as session:
        assert _recorded(session) == []


def test_a_typed_value_is_a_reading_with_author_and_expiry(session: Session) -> None:
    check_in(session, NOW, "nps-20", "ana", metric="nps", value=40.0, confidence=7, note="wave 2", expires=NOW + DAY)
    assert _facts(session).readings == (Reading(40.0, NOW, "check-in by ana: wave 2", "ana", NOW + DAY),)
    assert not _facts(session).undated
    (said,) = check_ins(session, "nps-20")
    assert (said.author, said.value, said.confidence, said.note, said.at) == ("ana", 40.0, 7.0, "wave 2", NOW)


@pytest.mark.parametrize(("done", "value"), [(True, 1.0), (False, 0.0)])
def test_done_is_typed_as_one_or_zero(session: Session, *, done: bool, value: float) -> None:
    check_in(session, NOW, "academy", "ben", metric="nps", done=done)
    assert [reading.value for reading in _facts(session).readings] == [value]


def test_check_ins_without_a_number_are_words_only_and_stay_in_order(session: Session) -> None:
    check_in(session, NOW, "nps-20", "ana", note="first")
    check_in(session, NOW, "nps-20", "ben", blockers="no data")
    assert [(said.author, said.note, said.blockers) for said in check_ins(session, "nps-20")] == [
        ("ana", "first", ""),
        ("ben", "", "no data"),
    ]
    assert _recorded(session) == []


def test_a_number_without_a_metric_to_take_it_is_refused(session: Session) -> None:
    with pytest.raises(UsageError, match="nps-20 rests on no metric"):
        check_in(session, NOW, "nps-20", "ana", value=40.0)


@pytest.mark.parametrize("confidence", [-0.1, 10.1, float("nan")])
def test_a_confidence_goes_from_zero_to_ten(session: Session, confidence: float) -> None:
    with pytest.raises(UsageError, match="give a number from 0 to 10"):
        check_in(session, NOW, "nps-20", "ana", confidence=confidence)


def test_the_first_time_of_a_metric_is_that_of_its_earliest_reading_and_without_any_it_has_none(
    session: Session,
) -> None:
    _save(session, (Reading(44.0, NOW), Reading(31.0, NOW - DAY)), NOW)
    assert first_times(session, frozenset({"nps", "other"})) == {"nps": NOW - DAY}
