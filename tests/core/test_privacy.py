"""Personal metrics: below k people no number of theirs is said anywhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.changes import changes, describe
from okr_sync.core.definition import define
from okr_sync.core.facts import MetricFacts, Miss
from okr_sync.core.kinds import All, Counted, Gate, Part, Range, Rate, Ratio, Samples, Total, Weighted
from okr_sync.core.model import Change, Done, Measure, Step, Steps, Threshold
from okr_sync.core.snapshot import KeyResultState, Snapshot
from tests.core.builders import HALF, book, judge, key_result, metric, number, reading, readings

PERSONAL = metric("m", personal=True, population="people", minimum=0)
PEOPLE = metric("people")
SECRET = 9876.5  # a value that stands in no other number
FLOW = replace(PERSONAL, type="flow")

MEASURES: dict[str, Measure] = {
    "change": Change("m", 1, target=2),
    "threshold": Threshold("m", 3, "at_most", tolerance=1),
    "range": Range("m", 3, 4),
    "baseline": Samples("m", 4),
    "done": Done(number("m")),
    "steps": Steps((Step("a", number("m")),)),
    "total": Total((Counted("m"),), 3),
    "rate": Rate(Counted("m"), 3, "week"),
}


def told(measure: Measure, people: float | None, facts: MetricFacts | None = None, **more: Any) -> KeyResultState:
    """The state when so many people are behind the metric, or nobody knows how many."""
    kept = facts or readings(*(reading(SECRET, at, evidence=f"row {at}") for at in (5, 20, 30, 40, 49)))
    known = {"m": kept} | ({} if people is None else {"people": readings(people)})
    used = FLOW if isinstance(measure, Total | Rate) else PERSONAL
    return judge(measure, known, metrics=(used, PEOPLE), **more)


@pytest.mark.parametrize("kind", MEASURES)
def test_below_five_people_nothing_is_said_but_the_reason(kind: str) -> None:
    """No value, progress, formula, forecast or evidence, and not one digit of it in any text."""
    state = told(MEASURES[kind], 4)
    assert (state.status, state.value, state.progress, state.score) == ("unknown", None, None, None)
    assert (state.formula, state.forecast) == ("", None)
    assert state.reason == "metric m is about fewer than 5 people: not shown (privacy_k)"
    assert "987" not in repr(state)
    assert "row" not in repr(state)
    assert told(MEASURES[kind], 5).progress is not None


def test_how_many_they_are_can_be_set() -> None:
    held = (replace(PERSONAL, privacy_k=9), PEOPLE)
    facts = {"m": readings(3), "people": readings(8)}
    assert "fewer than 9 people" in judge(MEASURES["change"], facts, metrics=held).reason
    assert judge(MEASURES["change"], facts | {"people": readings(9)}, metrics=held).progress == 2


def test_a_population_that_nobody_knows_is_no_reason_to_show_it() -> None:
    state = told(MEASURES["change"], None)
    assert state.value is None
    assert state.reason.startswith("metric m is personal, and its population is unknown: metric people has not been")
    alone = judge(MEASURES["change"], readings(3), metrics=(replace(PERSONAL, population=None),))
    assert "no population says how many people" in alone.reason
    assert alone.value is None


def test_a_population_that_is_in_doubt_is_no_reason_to_show_it() -> None:
    """That so many left is not believed yet; until it is known they may be too few. Without the guard it is shown."""
    doubted = replace(readings(50), miss=Miss("suspect", "it fell from 50 to 3"))
    facts = {"m": readings(SECRET), "people": doubted}
    state = judge(MEASURES["change"], facts, metrics=(PERSONAL, PEOPLE))
    assert (state.status, state.value, state.progress) == ("unknown", None, None)
    assert state.reason == "metric m is personal, and how many people it is about is in doubt: not shown (privacy_k)"
    assert "987" not in repr(state)
    failed = replace(doubted, miss=Miss("unreachable", "no answer"))
    assert judge(MEASURES["change"], facts | {"people": failed}, metrics=(PERSONAL, PEOPLE)).value == SECRET


def test_of_a_ratio_the_whole_are_the_people() -> None:
    measure = Ratio("part", "whole", 0.9)
    for one, other in ((True, False), (False, True)):
        metrics = (metric("part", personal=one), metric("whole", personal=other))
        states = [
            judge(measure, {"part": readings(3), "whole": readings(whole)}, metrics=metrics) for whole in (4.0, 5.0)
        ]
        assert [state.value for state in states] == [None, pytest.approx(60)]
        assert "3" not in states[0].reason


def test_a_ratio_of_other_things_is_shown_as_ever() -> None:
    facts = {"part": readings(1), "whole": readings(2)}
    assert judge(Ratio("part", "whole", 0.9), facts, metrics=(metric("part"), metric("whole"))).value == 50


@pytest.mark.parametrize("joined", [All, Weighted, Gate])
def test_a_part_about_few_people_is_left_out_of_the_whole(joined: Any) -> None:
    parts = (Part("open", Change("open", 0, target=10)), Part("personal", Change("m", 0, target=SECRET)))
    facts = {"open": readings(10), "m": readings(SECRET / 2), "people": readings(4)}
    state = judge(joined(parts), facts, metrics=(metric("open"), PERSONAL, PEOPLE))
    assert "personal: metric m is about fewer than 5 people" in state.reason
    assert "4,938" not in repr(state)
    assert "4938" not in repr(state)


def test_a_withheld_number_says_nothing_of_a_refused_or_missed_one() -> None:
    facts = MetricFacts((reading(1.0), reading(-SECRET, 2)), miss=Miss("invalid", f"{SECRET} is text"))
    assert "9876" not in repr(told(MEASURES["change"], 4, facts))


def test_another_k_is_another_definition() -> None:
    hashes = {
        define(book(key_result(MEASURES["change"]), metrics=(each, PEOPLE))).key_results()[0].definition
        for each in (PERSONAL, replace(PERSONAL, privacy_k=6), replace(PERSONAL, personal=False))
    }
    assert len(hashes) == 3


@given(st.integers(0, 20), st.integers(1, 20))
def test_a_number_is_shown_exactly_from_k_people_on(people: int, k: int) -> None:
    held = (replace(PERSONAL, privacy_k=k), PEOPLE)
    state = judge(MEASURES["change"], {"m": readings(3), "people": readings(people)}, metrics=held)
    assert (state.value is not None) == (people >= k)


@pytest.mark.parametrize("joined", [All, Weighted, Gate])
def test_the_whole_says_when_a_part_of_it_is_withheld(joined: Any) -> None:
    parts = (Part("open", Change("open", 0, target=10)), Part("personal", Change("m", 0, target=9)))
    facts = {"open": readings(10), "m": readings(3)}
    metrics = (metric("open"), PERSONAL, PEOPLE)
    states = [judge(joined(parts), facts | {"people": readings(people)}, metrics=metrics) for people in (4, 5)]
    assert [state.withheld for state in states] == [True, False]


def test_a_change_to_what_is_withheld_tells_no_earlier_number() -> None:
    """Neither in its fields nor in its line; from then on nothing changes, and what comes back is told."""
    before, after = told(MEASURES["change"], 5), told(MEASURES["change"], 4)
    made = changes(_of(before), _of(after))
    assert "987" not in repr(made)
    assert [(change.id, change.mark) for change in made] == [("kr", "~")]
    assert "987" not in describe(made[0])
    assert changes(_of(after), _of(after)) == ()
    assert "987" in repr(changes(_of(after), _of(before)))


def _of(state: KeyResultState) -> Snapshot:
    return Snapshot(at=HALF, key_results=(state,))
