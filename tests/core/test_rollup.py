"""Roll-up: weighted means, coverage, and objectives made of objectives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.evaluate import evaluate
from okr_sync.core.model import Change, Done, KeyResult, Objective
from okr_sync.core.rollup import Child, RollUp, roll_up
from okr_sync.core.snapshot import ObjectiveState
from tests.core.builders import (
    DUE,
    HALF,
    START,
    at_most,
    book,
    day,
    history,
    key_result,
    metric,
    number,
    objective,
    reading,
    readings,
)

children = st.lists(
    st.builds(
        Child,
        id=st.text(max_size=3),
        weight=st.floats(0, 100).filter(lambda weight: weight == 0 or weight > 1e-6),
        score=st.one_of(st.none(), st.floats(0, 1)),
        expected=st.floats(0, 1),
    ),
    max_size=8,
)


def same(one: RollUp, other: RollUp) -> bool:
    if one.score is None or other.score is None:
        return one.score is other.score
    pairs = ((one.score, other.score), (one.expected, other.expected), (one.coverage, other.coverage))
    return all(math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12) for a, b in pairs)


def test_the_score_is_the_weighted_mean_of_clamped_progress() -> None:
    rolled = roll_up([Child("a", 0.7, 0.5), Child("b", 0.3, 0.2)])
    assert rolled.score == pytest.approx(0.41)
    assert roll_up([Child("a", 1, 1.14), Child("b", 1, -0.5)]).score == 0.5


def test_coverage_is_the_scored_share_of_the_weight() -> None:
    parts = [Child(str(n), 20, 0.5) for n in range(4)]
    rolled = roll_up([*parts, Child("e", 20, None)])
    assert (rolled.coverage, rolled.scored, [child.id for child in rolled.unscored]) == (0.8, 4, ["e"])


@given(children)
def test_a_roll_up_lies_between_its_smallest_and_largest_child(parts: Sequence[Child]) -> None:
    rolled = roll_up(parts)
    scores = [child.score for child in parts if child.score is not None and child.weight > 0]
    if not scores:
        assert rolled.score is None
    else:
        assert rolled.score is not None
        # What is within 1e-9 of 1 counts as 1.
        assert min(scores) <= rolled.score <= max(scores) + 1e-9


@given(children, st.randoms())
def test_the_order_of_children_does_not_matter(parts: list[Child], random: Random) -> None:
    rolled, mixed = roll_up(parts), roll_up(random.sample(parts, len(parts)))
    assert (rolled.score, rolled.expected, rolled.coverage) == (mixed.score, mixed.expected, mixed.coverage)


@given(children, st.one_of(st.none(), st.floats(0, 1)))
def test_a_child_of_weight_0_changes_nothing(parts: list[Child], score: float | None) -> None:
    assert same(roll_up([*parts, Child("z", 0, score)]), roll_up(parts))


@given(children.filter(bool))
def test_a_child_split_in_two_halves_changes_nothing(parts: list[Child]) -> None:
    half = replace(parts[0], weight=parts[0].weight / 2)
    assert same(roll_up([half, half, *parts[1:]]), roll_up(parts))


def rolled(
    *key_results: KeyResult, now: datetime = HALF, objectives: Sequence[Objective] | None = None, **values: float
) -> dict[str, ObjectiveState]:
    """Objectives over key results whose metrics have these values since day −9; a metric not named was never read."""
    metrics = [metric(f"m{n}") for n in range(6)]
    facts = {name: readings(reading(value, -9)) for name, value in values.items()}
    held = book(*key_results, metrics=metrics, objectives=objectives)
    return {state.id: state for state in evaluate(held, history(now, facts), now).objectives}


def share(n: int, **more: object) -> KeyResult:
    """A key result whose progress is the value of the metric m<n>."""
    return key_result(Change(f"m{n}", 0, target=1), f"k{n}", **more)


def test_an_objective_is_paced_against_what_is_expected_of_its_parts() -> None:
    state = rolled(share(0), share(1), m0=0.4, m1=0.5)["o"]
    assert state.score == state.progress == pytest.approx(0.45)
    assert (state.status, state.coverage, state.reason) == ("on_track", 1, "0.45 of 0.50 expected by now")
    assert rolled(share(0), share(1), m0=0.1, m1=0.5)["o"].status == "at_risk"
    assert rolled(share(0), m0=0.1)["o"].status == "off_track"


def test_a_bound_is_expected_to_hold_and_what_is_due_at_the_end_is_not_expected_before() -> None:
    bound = key_result(replace(at_most(0), metric="m1"), "bound")
    launch = key_result(Done(number("m2")), "launch")
    assert "of 0.75 expected" in rolled(share(0), bound, m0=0.5, m1=0)["o"].reason
    assert "of 0.25 expected" in rolled(share(0), launch, m0=0.5, m2=0)["o"].reason
    early = key_result(Done(number("m2")), "launch", due=day(40))
    assert "of 0.75 expected" in rolled(share(0), early, m0=0.5, m2=0)["o"].reason


def test_unscored_parts_are_listed_with_their_reason() -> None:
    state = rolled(*(share(n, weight=20) for n in range(5)), m0=0.5, m1=0.5, m2=0.5, m3=0.5)["o"]
    assert (state.coverage, state.unscored, state.score) == (0.8, ("k4",), 0.5)
    assert "4 of 5 scored, 80 % of weight; unscored: k4 (metric m4 has not been read yet" in state.reason


def test_an_objective_without_a_number_is_unknown_with_the_reason() -> None:
    unread = rolled(share(0))["o"]
    watched = rolled(share(0, weight=0), m0=0.5)["o"]
    hollow = rolled()["o"]
    assert {each.status for each in (unread, watched, hollow)} == {"unknown"}
    assert (unread.score, unread.coverage, watched.coverage) == (None, 0, 0)
    assert unread.reason.startswith("nothing in it has a score; 0 of 1 scored, 0 % of weight")
    assert watched.reason == "all weights are 0: nothing counts"
    assert hollow.reason == "it has no key results and nothing contributes"


def test_what_contributes_makes_up_an_objective_without_key_results_of_its_own() -> None:
    tree = (
        objective(name="top"),
        objective(name="middle", contributes_to="top", weight=3),
        objective(share(0), name="left", contributes_to="middle"),
        objective(share(1), name="right", contributes_to="top", weight=1),
        objective(share(2), name="linked", supports=("top",)),
    )
    states = rolled(objectives=tree, m0=0.6, m1=0.2, m2=1)
    assert states["middle"].score == pytest.approx(0.6)
    assert states["top"].score == pytest.approx(0.5)
    assert states["top"].status == "on_track"
    assert list(states) == ["top", "middle", "left", "right", "linked"]


def test_what_contributes_counts_beside_an_objectives_own_key_results() -> None:
    tree = (
        objective(share(0), name="top"),
        objective(share(1), name="low", contributes_to="top", weight=3),
        objective(share(2), name="linked", supports=("top",)),
    )
    # (1·0.5 + 3·0.9) / 4 = 0.8; what only supports changes nothing
    assert rolled(objectives=tree, m0=0.5, m1=0.9, m2=0)["top"].score == pytest.approx(0.8)


def test_an_objective_names_the_contributors_without_a_score() -> None:
    tree = (
        objective(name="top"),
        objective(share(0), name="a", contributes_to="top"),
        objective(share(1), name="b", contributes_to="top"),
    )
    state = rolled(objectives=tree, m0=0.5)["top"]
    assert (state.unscored, state.coverage) == (("b",), 0.5)


def test_an_objective_is_met_only_when_each_of_its_parts_is() -> None:
    bound = key_result(replace(at_most(0), metric="m1"), "bound")
    assert rolled(share(0), m0=1)["o"].status == "met"
    holding = rolled(share(0), bound, m0=1, m1=0)["o"]
    partly = rolled(share(0), share(1), m0=1)["o"]
    assert (holding.status, holding.score) == ("on_track", 1)
    assert "not each part is met for good" in holding.reason
    assert partly.status == "on_track"


def test_at_the_end_of_the_cycle_an_objective_is_met_or_missed_or_not_known() -> None:
    assert rolled(share(0), m0=1, now=DUE)["o"].status == "met"
    assert rolled(share(0), m0=0.99, now=DUE)["o"].status == "missed"
    partly = rolled(share(0), share(1), m0=1, now=DUE)["o"]
    assert (partly.status, partly.score) == ("unknown", 1)
    assert "not all of it is scored" in partly.reason


def test_an_objective_is_pending_before_its_cycle_and_while_little_time_has_passed() -> None:
    before = rolled(share(0), m0=0.5, now=START - timedelta(days=1))["o"]
    assert (before.status, before.reason) == ("pending", "starts 2026-01-01 00:00 UTC")
    assert rolled(share(0), m0=0.05, now=day(5))["o"].status == "pending"


def test_an_objective_of_a_cycle_that_is_not_there_is_paced_all_the_same() -> None:
    assert rolled(objectives=(objective(share(0), cycle="none"),), m0=0.5)["o"].status == "on_track"
