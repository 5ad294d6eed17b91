"""Roll-up methods: which parts count, the least of them, and the sum of their values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.evaluate import evaluate
from okr_sync.core.freshness import refresh
from okr_sync.core.model import Change, Done, KeyResult, Objective, RollUpMethod
from okr_sync.core.rollup import Child, roll_up, roll_up_least
from okr_sync.core.snapshot import ObjectiveState, Snapshot
from tests.core.builders import DUE, HALF, book, day, fresh, history, key_result, metric, number, objective, readings
from tests.core.builders import reading as reading_of


def snapshot(
    objectives: Sequence[Objective], values: Sequence[float], *, now: datetime = HALF, units: Sequence[str] = ()
) -> Snapshot:
    """Objectives over key results whose metrics m0, m1 … have these values; those without one were never read."""
    metrics = [metric(f"m{n}", unit=units[n] if n < len(units) else "") for n in range(4)]
    facts = {f"m{n}": readings(reading_of(value, -9)) for n, value in enumerate(values)}
    return evaluate(book(objectives=objectives, metrics=metrics), history(now, facts), now)


def part(n: int, baseline: float = 0, target: float = 1, **more: object) -> KeyResult:
    return key_result(Change(f"m{n}", baseline, target=target), f"k{n}", **more)


def one(method: RollUpMethod, *parts: KeyResult, values: Sequence[float], **more: object) -> ObjectiveState:
    """The one objective of these key results."""
    (state,) = snapshot([objective(*parts, roll_up=method)], values, **more).objectives  # type: ignore[arg-type]
    return state


def tree(method: RollUpMethod) -> list[Objective]:
    return [objective(part(0), name="top", roll_up=method), objective(part(1), name="low", contributes_to="top")]


@pytest.mark.parametrize(
    ("method", "score"), [("both", 0.6), ("key_results", 0.4), ("children", 0.8), ("min", 0.4), ("sum", 0.4)]
)
def test_each_method_takes_its_own_parts(method: RollUpMethod, score: float) -> None:
    top = snapshot(tree(method), [0.4, 0.8]).objectives[0]
    assert top.score == pytest.approx(score)
    assert top.roll_up == method


@pytest.mark.parametrize(
    ("method", "stale"), [("both", True), ("key_results", False), ("children", True), ("sum", False)]
)
def test_a_stale_contributor_makes_stale_what_it_counts_in(method: RollUpMethod, *, stale: bool) -> None:
    saved = snapshot(tree(method), [0.4, 0.8])
    low = saved.key_results[1].inputs[0].subject
    aged = Snapshot(
        saved.at,
        saved.objectives,
        tuple(state for state in saved.key_results if state.inputs[0].subject == low),
    )
    read = refresh(aged, fresh(day(1)), HALF)
    assert (read.objectives[0].status == "stale") == stale


def test_a_stale_key_result_does_not_touch_an_objective_made_of_children_only() -> None:
    saved = snapshot(tree("children"), [0.4, 0.8])
    aged = Snapshot(saved.at, saved.objectives[:1], saved.key_results[:1])
    assert refresh(aged, fresh(day(1)), HALF).objectives[0].status == saved.objectives[0].status


def test_the_least_part_counts_and_is_named() -> None:
    state = one("min", part(0), part(1), part(2, weight=0), values=[0.9, 0.4, 0.1])
    assert (state.score, state.status) == (0.4, "at_risk")
    assert state.reason == "0.40 of 0.50 expected by now; the least of 2 parts: k1"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_the_least_is_never_above_the_mean(scores: list[float]) -> None:
    children = [Child(str(n), 1, score) for n, score in enumerate(scores)]
    least, mean = roll_up_least(children).score, roll_up(children).score
    assert least is not None
    assert mean is not None
    assert least <= mean


def test_without_a_scored_part_the_least_is_unknown() -> None:
    assert roll_up_least([Child("a", 1, None), Child("b", 0, 0.5)]).score is None
    assert one("min", part(0), values=[]).status == "unknown"


def test_a_sum_adds_values_and_not_shares() -> None:
    state = one("sum", part(0, 0, 10), part(1, 10, 100), values=[10, 19], units=["users", "users"])
    assert state.score == pytest.approx(19 / 100)
    assert state.reason == "0.19 of 0.50 expected by now; sum 29 users, from 10 to 110 users"
    assert state.status == "off_track"


def test_a_sum_is_met_when_one_makes_up_for_the_other() -> None:
    state = one("sum", part(0, 0, 10), part(1, 0, 10), values=[25, -4])
    assert (state.score, state.status) == (1, "met")
    assert one("sum", part(0, 0, 10), part(1, 0, 10), values=[25, -4], now=DUE).status == "met"


def test_falling_values_add_up_too_and_watched_ones_do_not_count() -> None:
    state = one("sum", part(0, 10, 0), part(1, 20, 10), part(2, 0, 5, weight=0), values=[5, 15, 0])
    assert state.score == 0.5


@pytest.mark.parametrize(
    ("parts", "values", "units", "why"),
    [
        ((part(0), part(1)), [1, 1], ["users", ""], "values of different units don't add up: none, users"),
        ((part(0), part(1)), [1], [], "no sum without a value, baseline and target of k1"),
        ((part(0), key_result(Done(number("m1")), "k1")), [1, 1], [], "no sum without a value, baseline and target"),
        ((part(0, 0, 5), part(1, 5, 0)), [1, 1], [], "not all values are to rise, or all to fall: they don't add up"),
        ((part(0, weight=0),), [1], [], "all weights are 0: nothing counts"),
        ((part(0, -1e308, 0), part(1, -1e308, 1)), [0, 0], [], "the numbers are too large to compute with"),
    ],
)
def test_what_does_not_add_up_is_unknown_with_the_reason(
    parts: tuple[KeyResult, ...], values: list[float], units: list[str], why: str
) -> None:
    state = one("sum", *parts, values=values, units=units)
    assert (state.score, state.status) == (None, "unknown")
    assert state.reason.startswith(why)


def test_a_sum_of_nothing_says_so() -> None:
    assert one("sum", values=[]).reason == "it has no key results and nothing contributes"
