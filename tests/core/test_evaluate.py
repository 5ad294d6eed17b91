"""Evaluate: the laws of the whole core on generated books and facts."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import History, MetricFacts, Miss
from okr_sync.core.kinds import (
    All,
    Counted,
    Gate,
    OnTime,
    Part,
    Range,
    Rate,
    Ratio,
    Samples,
    Total,
    Weighted,
    Zone,
)
from okr_sync.core.measures import KINDS, kind_of
from okr_sync.core.model import Book, Change, Delivery, Done, Initiative, Measure, Metric, Steps
from okr_sync.core.snapshot import Snapshot
from tests.core.builders import (
    HALF,
    at_least,
    at_most,
    book,
    day,
    history,
    initiative,
    item,
    items,
    key_result,
    metric,
    number,
    objective,
    reading,
    readings,
    scope,
    steps,
    work,
)

METRICS = (metric("a", minimum=-50, maximum=150), metric("b", type="flow"), metric("c", max_age_days=30))
PLANS = (initiative("i", weight_by="points"), initiative("j", scopes=2, containers="mean"))
MEASURES: tuple[Measure, ...] = (
    Change("a", 0, target=100),
    Change("b", 10, relative=-0.5),
    at_most(40),
    replace(at_most(40, evaluate="time_in_bounds"), metric="a"),
    replace(at_least(3, evaluate="worst", tolerance=10), metric="b"),
    Done(number("a"), "hard"),
    Done(work("i")),
    Steps(steps(number("c"), work("j"), work("i")), need=2, partial=True),
    Steps(steps(number("c"), work("j")), deadline="hard"),
    Delivery(("i", "j")),
    Total((Counted(metric="b"), Counted(initiative="i", share=0.5)), 20),
    Ratio("b", "a", 0.5),
    Rate(Counted(metric="b"), 10, "week"),
    Rate(Counted(initiative="j"), 3, "month", "hit_rate"),
    Rate(Counted(metric="b"), 10, "week", "average"),
    Range("a", 40, 60, 10),
    Zone("c", "a place", "a medal", "gold"),
    Samples("a", 4),
    OnTime(("i", "j"), 0.9),
    OnTime(("i",), 0.9, "items"),
    All((Part("1", Range("a", 40, 60, 10)), Part("2", Samples("c", 3)))),
    Weighted((Part("1", Done(number("a")), 0.7), Part("2", Change("b", 0, target=5), 0.3)), require_all=True),
    Gate((Part("1", Done(work("i"))), Part("2", All((Part("3", Ratio("c", "a", 1.0)), Part("4", at_most(40))))))),
    replace(at_most(0, evaluate="total"), metric="b"),
)
BOOK = book(
    metrics=METRICS,
    initiatives=PLANS,
    objectives=(
        objective(name="top"),
        *(
            objective(key_result(measure, f"k{n}", weight=n % 3), name=f"o{n}", contributes_to="top")
            for n, measure in enumerate(MEASURES)
        ),
    ),
)

values = st.one_of(st.floats(-100, 200), st.sampled_from([float("nan"), float("inf")]))
misses = st.one_of(st.none(), st.just(Miss("no_data", "nothing yet")))


@st.composite
def metric_facts(draw: st.DrawFn) -> MetricFacts:
    drawn = draw(st.lists(st.tuples(values, st.floats(-20, 120)), max_size=5))
    return MetricFacts(tuple(reading(value, at) for value, at in drawn), draw(st.booleans()), draw(misses))


@st.composite
def histories(draw: st.DrawFn) -> History:
    state: Any = st.sampled_from(["done", "in_progress", "open", "dropped"])
    points = st.one_of(st.none(), st.floats(0, 20))
    scopes = []
    for ref in ("i/1", "j/1", "j/2"):
        drawn = draw(st.lists(st.tuples(state, points, st.floats(-20, 120)), max_size=5))
        held = [
            item(f"{ref[0]}{n}", each, size, done_at=day(at), due=day(at + 3).date() if at > 20 else None)
            for n, (each, size, at) in enumerate(drawn)
        ]
        scopes.append(scope(ref, held, draw(misses), resolved=draw(st.booleans())))
    facts = {name: draw(metric_facts()) for name in draw(st.sets(st.sampled_from("abc")))}
    return history(HALF, facts, scopes)


nows = st.floats(-30, 150).map(day)


@given(histories(), nows)
def test_evaluating_twice_gives_the_same_snapshot(facts: History, now: Any) -> None:
    turned = replace(
        facts,
        metrics=dict(reversed(list(facts.metrics.items()))),
        scopes=dict(reversed(list(facts.scopes.items()))),
    )
    assert evaluate(BOOK, facts, now) == evaluate(BOOK, turned, now)


@given(histories(), nows)
def test_everything_has_a_status_a_reason_and_finite_numbers_in_the_order_of_the_book(facts: History, now: Any) -> None:
    snapshot = evaluate(BOOK, facts, now)
    assert [state.id for state in snapshot.key_results] == [each.id for each in BOOK.key_results()]
    assert [state.id for state in snapshot.objectives] == [each.id for each in BOOK.objectives]
    for state in snapshot.key_results:
        assert state.reason
        assert (state.progress is None) == (state.score is None) == (state.status == "unknown")
        assert state.score is None or 0 <= state.score <= 1
        assert state.stale == (state.status in {"stale", "outdated"})
    for each in snapshot.objectives:
        assert each.reason
        assert 0 <= each.coverage <= 1
        assert each.score is None or 0 <= each.score <= 1


def numbers(snapshot: Snapshot) -> list[Any]:
    key_results = [(state.value, state.progress, state.score, state.target) for state in snapshot.key_results]
    objectives = [(state.score, state.coverage) for state in snapshot.objectives]
    return [key_results, objectives, [(state.total, state.progress) for state in snapshot.initiatives]]


@given(histories(), nows)
def test_a_miss_never_changes_a_number(facts: History, now: Any) -> None:
    miss = Miss("unreachable", "down")
    missed = replace(
        facts,
        metrics={name: replace(each, miss=miss) for name, each in facts.metrics.items()},
        scopes={name: replace(each, miss=miss) for name, each in facts.scopes.items()},
    )
    assert numbers(evaluate(BOOK, missed, now)) == numbers(evaluate(BOOK, facts, now))


@given(histories(), st.floats(-100, 200), nows)
def test_what_happens_after_now_changes_nothing(facts: History, value: float, now: Any) -> None:
    tomorrow = replace(reading(value), time=now + timedelta(days=1))
    later = {name: replace(each, readings=(*each.readings, tomorrow)) for name, each in facts.metrics.items()}
    shown = evaluate(BOOK, replace(facts, metrics=later), now)
    plain = evaluate(BOOK, facts, now)
    assert numbers(shown) == numbers(plain)


def test_a_fault_in_one_source_changes_nothing_for_what_does_not_rest_on_it() -> None:
    held = scope("i/1", items(done=1))
    facts = history(HALF, {"a": readings(50)}, (held,))
    broken = replace(facts, scopes={"i/1": replace(held, miss=Miss("denied", "no"))})
    good, bad = (evaluate(BOOK, each, HALF).key_results[0] for each in (facts, broken))
    assert good == bad


def test_every_kind_has_a_name() -> None:
    assert {kind_of(measure) for measure in MEASURES} == set(KINDS.values())


def large_world(key_results: int) -> tuple[Book, History]:
    metrics: list[Metric] = []
    plans: list[Initiative] = []
    scopes = []
    measured = []
    facts = {}
    for n in range(key_results):
        if n % 2:
            metrics.append(metric(f"m{n}"))
            facts[f"m{n}"] = readings(*range(10))
            measured.append(key_result(Change(f"m{n}", 0, target=100), f"k{n}"))
        else:
            plans.append(initiative(f"i{n}", weight_by="points"))
            scopes.append(scope(f"i{n}/1", items(done=20, todo=20, dropped=5, prefix=f"{n}-")))
            measured.append(key_result(Delivery((f"i{n}",)), f"k{n}"))
    return book(*measured, metrics=metrics, initiatives=plans), history(HALF, facts, scopes)


def test_the_time_to_evaluate_grows_with_the_number_of_key_results() -> None:
    def seconds(count: int) -> float:
        held, facts = large_world(count)
        tries = []
        for _ in range(3):
            begun = time.process_time()
            evaluate(held, facts, HALF)
            tries.append(time.process_time() - begun)
        return min(tries)

    small, large = seconds(200), seconds(800)
    assert large < 4 * small * 2 + 0.05
