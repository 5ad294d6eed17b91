"""Versions of definitions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sqlmodel import Session

from okr_sync.core.kinds import Counted, Gate, Part, Rate, Ratio
from okr_sync.core.model import (
    Book,
    Change,
    Cycle,
    DeliveryScope,
    Done,
    DoneSubject,
    Initiative,
    KeyResult,
    Metric,
    Objective,
)
from okr_sync.store.definitions import definition, save_definitions, versions
from tests.store.builders import HOUR, NOW, running

CYCLE = Cycle("2026-Q4", date(2026, 10, 1), date(2026, 12, 31), NOW, NOW + 90 * 24 * HOUR)
NPS = KeyResult("nps-20", "NPS by 20 points", Change("nps", 31.0, target=51.0), NOW, CYCLE.end)
BOOK = Book(
    timezone="UTC",
    cycles=(CYCLE,),
    objectives=(Objective("experience", "Experience", CYCLE.id, key_results=(NPS,)),),
    metrics=(Metric("nps", "NPS", "survey", '{"column":"nps"}'),),
    initiatives=(Initiative("assistant", "Assistant", scopes=(DeliveryScope("assistant/1", "tracker", "{}"),)),),
)


def _with(key_result: KeyResult) -> Book:
    return replace(BOOK, objectives=(replace(BOOK.objectives[0], key_results=(key_result,)),))


def _save(session: Session, book: Book, hours: int, reason: str = "") -> int:
    at = NOW + hours * HOUR
    return save_definitions(session, running(session, at), book, at, author="ana", reason=reason)


def test_everything_that_people_define_has_a_first_version_and_saving_it_again_none(session: Session) -> None:
    assert _save(session, BOOK, 0) == 5
    assert _save(session, BOOK, 1) == 0
    found = definition(session, "key_result", "nps-20")
    assert found is not None
    assert (found.version, found.since, found.until, found.author) == (1, NOW, None, "ana")
    assert found.body["measure"]["target"] == 51.0
    assert found.body["measure"]["kind"] == "change"
    assert found.body["objective"] == "experience"
    assistant = definition(session, "initiative", "assistant")
    assert assistant is not None
    assert assistant.body["scopes"] == [{"ref": "assistant/1", "source": "tracker", "query": "{}"}]
    assert "duplicate" in assistant.body["dropped"]
    assert [
        len(versions(session, "cycle", "2026-Q4")),
        len(versions(session, "objective", "experience")),
        len(versions(session, "initiative", "assistant")),
        len(versions(session, "metric", "nps")),
    ] == [1, 1, 1, 1]


def test_a_new_target_is_a_new_version_and_the_old_one_is_in_force_until_then(session: Session) -> None:
    _save(session, BOOK, 0)
    lower = _with(replace(NPS, measure=Change("nps", 31.0, target=40.0)))
    assert _save(session, lower, 5, "the market moved") == 1
    old, new = versions(session, "key_result", "nps-20")
    assert (old.until, new.since, new.until, new.reason) == (NOW + 5 * HOUR, NOW + 5 * HOUR, None, "the market moved")
    assert old.hash != new.hash
    assert definition(session, "key_result", "nps-20", NOW + 4 * HOUR) == old
    assert definition(session, "key_result", "nps-20", NOW + 5 * HOUR) == new
    assert definition(session, "key_result", "nps-20") == new
    assert definition(session, "key_result", "nps-20", NOW - HOUR) is None


def test_what_is_no_longer_defined_gets_an_end_and_may_come_back(session: Session) -> None:
    _save(session, BOOK, 0)
    without = replace(BOOK, metrics=())
    assert _save(session, without, 1) == 1
    assert _save(session, without, 2) == 0
    assert definition(session, "metric", "nps") is None
    assert _save(session, BOOK, 3) == 1
    assert [(each.version, each.since, each.until) for each in versions(session, "metric", "nps")] == [
        (1, NOW, NOW + HOUR),
        (2, NOW + 3 * HOUR, None),
    ]


def test_a_key_result_that_changes_makes_no_new_version_of_its_objective(session: Session) -> None:
    _save(session, BOOK, 0)
    _save(session, _with(replace(NPS, title="Better")), 1)
    assert len(versions(session, "objective", "experience")) == 1


def test_a_measure_is_saved_with_its_kind_and_so_are_the_measures_inside(session: Session) -> None:
    launched = Part("1 done", Done(DoneSubject(initiative="assistant")))
    enrolled = Part("2 ratio", Ratio("enrolled", "employees", 0.9), 2.0)
    _save(session, _with(replace(NPS, measure=Gate((launched, enrolled)))), 0)
    found = definition(session, "key_result", "nps-20")
    assert found is not None
    measure = found.body["measure"]
    assert measure["kind"] == "gate"
    assert [part["measure"]["kind"] for part in measure["parts"]] == ["done", "ratio"]
    assert measure["parts"][1] | {"measure": None} == {"title": "2 ratio", "measure": None, "weight": 2.0}


def test_days_in_a_measure_are_saved_as_text(session: Session) -> None:
    rate = Rate(Counted(metric="nps"), 10, "week", skip=(date(2026, 12, 24),))
    _save(session, _with(replace(NPS, measure=rate)), 0)
    found = definition(session, "key_result", "nps-20")
    assert found is not None
    assert found.body["measure"]["skip"] == ["2026-12-24"]


def test_a_field_that_came_later_makes_no_new_version_until_it_is_used(session: Session) -> None:
    _save(session, BOOK, 0)
    found = definition(session, "key_result", "nps-20")
    assert found is not None
    assert "stretch" not in found.body["measure"]
    stretched = _with(replace(NPS, measure=Change("nps", 31.0, target=51.0, stretch=60.0)))
    assert _save(session, stretched, 1) == 1
