"""Composites: the least part, the weighted mean, the gate; partial and unknown; paced as one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.facts import MetricFacts
from okr_sync.core.kinds import All, Composite, Counted, Gate, Part, Range, Rate, Weighted
from okr_sync.core.model import Change, Done, Measure
from okr_sync.core.snapshot import KeyResultState
from tests.core.builders import DUE, day, initiative, items, judge, metric, number, reading, readings, scope, work

NAMES = ("a", "b", "c")


def to(name: str, title: str = "") -> Part:
    """A part from 0 to 1 on the metric of this name."""
    return Part(title or name, Change(name, 0, target=1))


def joined(measure: Composite, *values: float | None, **more: Any) -> KeyResultState:
    """The state with these values of the metrics a, b, c; None: never read."""
    facts = {name: readings(value) for name, value in zip(NAMES, values, strict=False) if value is not None}
    return judge(measure, facts, metrics=tuple(map(metric, NAMES)), **more)


def test_70_percent_at_half_and_30_percent_at_a_fifth_are_41_percent() -> None:
    """0.7·0.5 + 0.3·0.2 = 0.41."""
    state = joined(
        Weighted((Part("a", Change("a", 0, target=1), 0.7), Part("b", Change("b", 0, target=1), 0.3))), 0.5, 0.2
    )
    assert state.progress == pytest.approx(0.41)
    assert state.formula.endswith("; (0.7·0.5 + 0.3·0.2) / 1 = 0.41")
    assert (state.unit, state.target, state.kind) == ("%", 100, "weighted")
    assert state.value == pytest.approx(41)


def test_all_is_as_far_as_its_least_part() -> None:
    state = joined(All((to("a"), to("b"), to("c"))), 0.5, 0.2, 2.0)
    assert (state.progress, state.kind) == (0.2, "all")
    assert state.formula == (
        "[a] (0.5 - 0) / (1 - 0) = 0.5; [b] (0.2 - 0) / (1 - 0) = 0.2; [c] (2 - 0) / (1 - 0) = 2; "
        "min(0.5, 0.2, 1) = 0.2"
    )
    assert [each.subject for each in state.inputs] == ["a", "b", "c"]


def test_a_part_worse_than_at_the_start_counts_as_0() -> None:
    assert joined(All((to("a"), to("b"))), -0.5, 0.9).progress == 0


LAUNCH = Part("launch", Done(number("a")))


def test_a_gate_is_0_until_its_first_part_is_done_and_then_the_least_other() -> None:
    closed = joined(Gate((LAUNCH, to("b"), to("c"))), 0, 0.6, 0.4)
    opened = joined(Gate((LAUNCH, to("b"), to("c"))), 1, 0.6, 0.4)
    assert (closed.progress, opened.progress, opened.kind) == (0, 0.4, "gate")
    assert closed.formula.endswith("; the gate launch is closed = 0")
    assert opened.formula.endswith("; the gate launch is open: min(0.6, 0.4) = 0.4")


def test_a_closed_gate_is_paced_by_the_work_behind_it() -> None:
    """6 of 10 items at half of the time: on track, though nothing scores yet; 1 of 10: off track."""
    gate = Gate((Part("launch", Done(work("i"))), to("b")))
    for done, status in ((6, "on_track"), (1, "off_track")):
        scopes = (scope("i/1", items(done=done, todo=10 - done)),)
        state = judge(gate, {"b": readings(0)}, metrics=(metric("b"),), scopes=scopes, initiatives=(initiative("i"),))
        assert (state.progress, state.status) == (0, status)


def test_an_unknown_part_leaves_a_partial_score_and_is_named() -> None:
    state = joined(All((to("a"), to("b", "satisfaction"))), 0.5)
    assert state.progress == 0.5
    assert "partial, without satisfaction: metric b has not been read yet" in state.reason
    weighed = joined(Weighted((to("a"), to("b"))), 0.5)
    assert weighed.progress == 0.5


def test_an_unknown_part_makes_all_unknown_where_all_are_required() -> None:
    for measure in (All((to("a"), to("b")), require_all=True), Weighted((to("a"), to("b")), require_all=True)):
        state = joined(measure, 0.5)
        assert (state.status, state.progress) == ("unknown", None)
        assert state.reason.startswith("b: metric b has not been read yet")
    assert joined(All((to("a"), to("b")))).status == "unknown"  # none is known


def test_a_gate_that_cannot_be_seen_is_unknown_and_so_is_one_with_nothing_behind() -> None:
    assert joined(Gate((LAUNCH, to("b"))), None, 0.5).status == "unknown"
    assert joined(Gate((LAUNCH, to("b"))), 1).status == "unknown"
    assert joined(Gate((LAUNCH, to("b"))), 0).progress == 0


def test_parts_without_weight_score_nothing() -> None:
    state = joined(Weighted((Part("a", Change("a", 0, target=1), 0.0),)), 0.5)
    assert state.reason == "no part has a weight: give at least one a weight above 0, and none below"


def test_a_partial_score_is_never_met() -> None:
    state = joined(All((to("a"), to("b"))), 1.0)
    assert state.status == "on_track"
    assert joined(All((to("a"), to("b"))), 1.0, now=DUE).status == "unknown"
    assert joined(All((to("a"), to("b"))), 0.9, now=DUE).status == "missed"


def test_composites_nest() -> None:
    """Launch done; behind it 0.7·1 + 0.3·0.2 = 0.76 and 0.4: the least is 0.4."""
    inner = Weighted((Part("b", Change("b", 0, target=1), 0.7), Part("c", Change("c", 0, target=1), 0.3)))
    nested = Gate((LAUNCH, Part("inner", inner), Part("half", Change("c", 0, target=0.5))))
    assert joined(nested, 1, 1, 0.2).progress == pytest.approx(0.4)
    assert joined(Gate((LAUNCH, Part("inner", inner))), 1, 1, 0.2).progress == pytest.approx(0.76)


def test_what_must_hold_counts_as_much_as_is_expected_by_now() -> None:
    """At half of the time a bound that holds is worth 0.5, one half missed 0.25: at risk beside a change at 0.5."""
    on_the_way = to("a")
    holding = Weighted((on_the_way, Part("b", Range("b", 0, 1, 10))))
    assert joined(holding, 0.5, 0.5).status == "on_track"
    assert joined(holding, 0.5, 6).status == "at_risk"  # (0.5 + 0.25) / 2 = 0.375 of 0.5
    assert joined(All((on_the_way, Part("b", Range("b", 0, 1, 10)))), 0.5, 6).status == "off_track"  # 0.25 of 0.5


def test_what_is_judged_at_its_end_does_not_disturb_the_pace() -> None:
    both = All((to("a"), Part("launch", Done(number("b")))))
    assert (joined(both, 0.5, 0).progress, joined(both, 0.5, 0).status) == (0, "on_track")
    assert joined(both, 1, 1).status == "met"
    assert joined(both, 0.5, 0, now=DUE).status == "missed"


def test_a_part_that_may_be_lost_again_keeps_the_whole_from_being_met_early() -> None:
    both = All((to("a"), Part("b", Range("b", 0, 1))))
    assert joined(both, 1, 0.5).status == "on_track"
    assert joined(both, 1, 0.5, now=DUE).status == "met"
    rate = All((to("a"), Part("b", Rate(Counted(metric="b"), 1, "week", "hit_rate"))))
    flows = (metric("a"), metric("b", type="flow"))
    facts = {"a": readings(1), "b": MetricFacts(tuple(readings(*[1] * 50).readings))}
    assert judge(rate, facts, metrics=flows).status == "on_track"


def test_a_late_part_makes_the_whole_late() -> None:
    both = All((Part("launch", Done(number("a"))),))
    facts = {"a": MetricFacts((reading(1, 105),))}
    state = judge(both, facts, metrics=(metric("a"),), now=day(110))
    assert (state.status, state.reason) == ("met", "met, late: done after the due date")


def test_a_stale_part_makes_the_whole_stale() -> None:
    facts = {"a": readings(0.5), "b": readings(0.5)}
    metrics = (metric("a"), metric("b", source="tracker", max_age_days=3))
    assert judge(All((to("a"), to("b"))), facts, metrics=metrics).status == "stale"


shares = st.lists(st.tuples(st.floats(-1, 2), st.floats(0, 5)), min_size=1, max_size=3)


def parts_of(drawn: list[tuple[float, float]]) -> tuple[Part, ...]:
    return tuple(Part(name, Change(name, 0, target=1), weight) for name, (_, weight) in zip(NAMES, drawn, strict=False))


@given(shares, st.sampled_from([All, Weighted]))
def test_a_composite_lies_between_its_least_and_its_farthest_part(
    drawn: list[tuple[float, float]], kind: type[All | Weighted]
) -> None:
    state = joined(kind(parts_of(drawn)), *(value for value, _ in drawn))
    scores = [min(1.0, max(0.0, value)) for value, _ in drawn]
    if kind is Weighted and not any(weight for _, weight in drawn):
        assert state.progress is None
        return
    assert state.progress is not None
    assert min(scores) - 1e-9 <= state.progress <= max(scores) + 1e-9


@given(shares, st.floats(0, 1), st.sampled_from([All, Weighted, Gate]))
def test_more_of_a_part_never_lowers_the_whole(
    drawn: list[tuple[float, float]], more: float, kind: type[All | Weighted | Gate]
) -> None:
    values = [value for value, _ in drawn]
    measure = kind(parts_of(drawn))
    before = joined(measure, *values).progress
    after = joined(measure, values[0] + more, *values[1:]).progress
    assert (after or 0.0) >= (before or 0.0) - 1e-9


@given(shares)
def test_the_order_of_parts_does_not_matter(drawn: list[tuple[float, float]]) -> None:
    values = [value for value, _ in drawn]
    parts = parts_of(drawn)
    for kind in (All, Weighted):
        forth, back = joined(kind(parts), *values), joined(kind(parts[::-1]), *values)
        assert back.progress == pytest.approx(forth.progress)


MEASURES: tuple[Measure, ...] = (All((to("a"),)), Weighted((to("a"),)), Gate((LAUNCH, to("a"))))


@given(st.floats(0, 1), st.sampled_from(MEASURES))
def test_no_composite_leaves_0_to_1(value: float, measure: Measure) -> None:
    state = judge(measure, {"a": readings(value)}, metrics=(metric("a"),))
    assert state.progress is None or 0 <= state.progress <= 1
