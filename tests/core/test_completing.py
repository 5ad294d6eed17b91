"""Done, steps and delivery: what is finished, what is late, what can't be told."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from okr_sync.core.facts import Miss
from okr_sync.core.model import Delivery, Done, DoneSubject, Step, Steps
from okr_sync.core.snapshot import Input, KeyResultState
from tests.core.builders import (
    DUE,
    HALF,
    START,
    day,
    initiative,
    item,
    items,
    judge,
    metric,
    number,
    reading,
    readings,
    scope,
    steps,
    work,
)

LATER = DUE + timedelta(days=5)


@pytest.mark.parametrize(
    ("value", "now", "status", "progress"),
    [
        (0, HALF, "pending", 0),
        (0.999, HALF, "pending", 0),
        (1, HALF, "met", 1),
        (2, HALF, "met", 1),
        (0, DUE, "missed", 0),
        (1, DUE, "met", 1),
    ],
)
def test_done_on_a_metric_is_pending_until_the_due_date(
    value: float, now: datetime, status: str, progress: float
) -> None:
    state = judge(Done(number("m")), readings(value), now=now)
    assert (state.status, state.progress, state.target, state.expected) == (status, progress, 1, None)


def test_done_that_is_reopened_falls_back_to_0() -> None:
    assert judge(Done(number("m")), readings(1, 0)).progress == 0


def test_done_after_the_due_date_scores_0_when_hard_and_1_when_soft_and_is_late_either_way() -> None:
    facts = readings(0, reading(1, 102))
    hard = judge(Done(number("m"), "hard"), facts, now=LATER)
    soft = judge(Done(number("m"), "soft"), facts, now=LATER)
    assert (hard.progress, hard.status) == (0, "missed")
    assert (soft.progress, soft.status) == (1, "met")
    assert "late" in hard.reason
    assert "late" in soft.reason


def test_done_at_the_due_instant_is_late() -> None:
    state = judge(Done(number("m"), "hard"), readings(0, reading(1, 100)), now=DUE)
    assert (state.progress, state.status) == (0, "missed")


def test_done_before_the_due_date_stays_in_time_when_read_again_later() -> None:
    state = judge(Done(number("m"), "hard"), readings(0, 1, reading(1, 103)), now=LATER)
    assert (state.status, "late" in state.reason) == ("met", False)


def test_done_on_an_initiative_is_paced_by_the_share_of_its_work() -> None:
    def at(done: int) -> tuple[float | None, str]:
        held = scope("i/1", items(done=done, todo=10 - done))
        state = judge(Done(work("i")), scopes=(held,), initiatives=(initiative(),))
        return state.progress, state.status

    assert at(10) == (1, "met")
    assert at(5) == (0, "on_track")
    assert at(4) == (0, "at_risk")
    assert at(2) == (0, "off_track")


@pytest.mark.parametrize(("deadline", "progress", "status"), [("hard", 0, "missed"), ("soft", 1, "met")])
def test_work_finished_after_the_due_date_is_late(deadline: str, progress: float, status: str) -> None:
    held = scope("i/1", [item("1", "done", done_at=day(20)), item("2", "done", done_at=DUE)])
    measure = Done(work("i"), deadline)  # type: ignore[arg-type]
    state = judge(measure, scopes=(held,), initiatives=(initiative(),), now=LATER)
    assert (state.progress, state.status) == (progress, status)
    assert "late" in state.reason


def test_work_without_the_time_of_its_end_counts_as_in_time() -> None:
    held = scope("i/1", [item("1", "done"), item("2", "done", done_at=DUE - timedelta(seconds=1))])
    state = judge(Done(work("i"), "hard"), scopes=(held,), initiatives=(initiative(),), now=LATER)
    assert state.status == "met"


def test_done_on_what_can_not_be_told_is_unknown_with_the_reason() -> None:
    empty = judge(Done(work("i")), scopes=(scope("i/1"),), initiatives=(initiative(),))
    unread = judge(Done(work("i")), initiatives=(initiative(),))
    undefined = judge(Done(work("x")))
    nothing = judge(Done(DoneSubject()))
    silent = judge(Done(number("m")))
    assert {each.status for each in (empty, unread, undefined, nothing, silent)} == {"unknown"}
    assert "is empty" in empty.reason
    assert "has not been read yet" in unread.reason
    assert [each.source for each in unread.inputs] == ["tracker"]
    assert "not defined" in undefined.reason
    assert "neither" in nothing.reason
    assert "metric m" in silent.reason


def test_done_by_work_that_can_not_be_weighed_is_judged_at_the_due_date() -> None:
    unweighed = initiative(weight_by="points", missing_points="fail")
    state = judge(Done(work("i")), scopes=(scope("i/1", items(done=1, todo=1)),), initiatives=(unweighed,))
    assert (state.status, state.progress, state.expected) == ("pending", 0, None)


def judge_steps(measure: Steps, *values: float | None) -> KeyResultState:
    """Steps on the metrics m0, m1 …, None being one that was never read."""
    names = [f"m{place}" for place in range(len(values))]
    facts = {name: readings(value) for name, value in zip(names, values, strict=True) if value is not None}
    return judge(measure, facts, metrics=[metric(name) for name in names])


def by_metric(count: int) -> tuple[Step, ...]:
    return steps(*(number(f"m{place}") for place in range(count)))


@pytest.mark.parametrize(("done", "progress"), [(0, 0), (1, 0.5), (2, 1), (5, 1)])
def test_2_of_5_needs_two_steps_and_no_more(done: int, progress: float) -> None:
    state = judge_steps(Steps(by_metric(5), need=2), *[1.0] * done, *[0.0] * (5 - done))
    assert (state.progress, state.target, state.unit) == (progress, 2, "steps")


def test_steps_weigh_as_they_say() -> None:
    first, second = by_metric(2)
    heavy = Step(first.title, first.subject, weight=3)
    state = judge_steps(Steps((heavy, second)), 1, 0)
    assert (state.value, state.target, state.progress) == (3, 4, 0.75)
    assert state.formula == "3 / 4 = 0.75 (1 of 2 steps done)"


def test_partial_steps_count_the_share_of_their_work() -> None:
    plans = (initiative("a"), initiative("b"))
    scopes = (scope("a/1", items(done=1, prefix="a")), scope("b/1", items(done=1, todo=3, prefix="b")))
    whole = judge(Steps(steps(work("a"), work("b"))), scopes=scopes, initiatives=plans)
    partial = judge(Steps(steps(work("a"), work("b")), partial=True), scopes=scopes, initiatives=plans)
    needed = judge(Steps(steps(work("a"), work("b")), need=1, partial=True), scopes=scopes, initiatives=plans)
    assert (whole.progress, partial.progress, needed.progress) == (0.5, 0.625, 1)
    assert whole.inputs == tuple(each for name in ("a", "b") for each in _inputs(name))


def _inputs(name: str) -> tuple[Input, ...]:
    return (Input("tracker", name),)


def test_an_unknown_step_makes_the_whole_unknown_unless_the_others_are_enough() -> None:
    unknown = judge_steps(Steps(by_metric(3)), 1, None, 1)
    short = judge_steps(Steps(by_metric(3), need=2), 1, None, 0)
    enough = judge_steps(Steps(by_metric(3), need=2), 1, None, 1)
    assert (unknown.status, unknown.target) == ("unknown", 3)
    assert "step step 2: metric m1" in unknown.reason
    assert (short.status, enough.status) == ("unknown", "met")


def test_steps_without_weight_are_unknown() -> None:
    state = judge(Steps(()))
    assert (state.status, state.target) == ("unknown", None)
    assert "no weight" in state.reason


def test_a_step_whose_work_can_not_be_weighed_is_named() -> None:
    unweighed = initiative(weight_by="points", missing_points="fail")
    held = (scope("i/1", items(done=1, todo=1)),)
    state = judge(Steps(steps(work("i")), partial=True), scopes=held, initiatives=(unweighed,))
    assert state.reason == "step step 1: its work has no weight"


def test_a_hard_step_done_late_does_not_count() -> None:
    facts = readings(0, reading(1, 102))
    hard = judge(Steps(steps(number("m")), deadline="hard"), facts, now=LATER)
    soft = judge(Steps(steps(number("m"))), facts, now=LATER)
    assert (hard.progress, hard.status, soft.progress, soft.status) == (0, "missed", 1, "met")


def test_partial_hard_steps_count_the_share_that_was_done_in_time() -> None:
    held = (scope("i/1", [item("1", "done", done_at=day(20)), item("2", "done", done_at=day(101))]),)
    measure = Steps(steps(work("i")), partial=True, deadline="hard")
    state = judge(measure, scopes=held, initiatives=(initiative(),), now=LATER)
    assert (state.progress, state.status) == (0.5, "missed")


def test_a_missed_question_of_one_step_makes_the_key_result_stale() -> None:
    facts = {"a": readings(1), "b": readings(0, miss=Miss("gone", "the column went away"))}
    state = judge(Steps(steps(number("a"), number("b"))), facts, metrics=(metric("a"), metric("b")))
    assert (state.progress, state.status, state.stale) == (0.5, "stale", True)
    assert "the column went away" in state.reason


def test_delivery_is_the_mean_of_its_initiatives_each_weighing_the_same() -> None:
    plans = (initiative("a"), initiative("b"))
    scopes = (scope("a/1", items(done=5, todo=3, prefix="a")), scope("b/1", items(done=1, prefix="b")))
    one = judge(Delivery(("a",)), scopes=scopes, initiatives=plans)
    both = judge(Delivery(("a", "b")), scopes=scopes, initiatives=plans)
    assert (one.value, one.baseline, one.target, one.unit, one.progress) == (62.5, 0, 100, "%", 0.625)
    assert one.formula == "a 5 / 8 = 0.625"
    assert both.progress == pytest.approx((0.625 + 1) / 2)
    assert both.formula == "mean of (a 5 / 8 = 0.625; b 1 / 1 = 1) = 0.812"


def test_delivery_of_what_is_unknown_or_empty_is_unknown() -> None:
    empty = judge(Delivery(("i",)), scopes=(scope("i/1"),), initiatives=(initiative(),))
    undefined = judge(Delivery(("x",)))
    nothing = judge(Delivery(()))
    assert {each.status for each in (empty, undefined, nothing)} == {"unknown"}
    assert "initiative i is empty: the scope holds no items that count" in empty.reason
    assert "initiative x is not defined" in undefined.reason
    assert nothing.reason == "no initiative is named"


def test_a_delivery_before_its_start_is_pending() -> None:
    held = (scope("i/1", items(done=1, todo=1)),)
    state = judge(Delivery(("i",)), scopes=held, initiatives=(initiative(),), now=START - timedelta(days=1))
    assert (state.status, state.progress) == ("pending", 0.5)
    assert state.reason == "starts 2026-01-01 00:00 UTC"


def test_the_formula_of_averaged_containers_does_not_claim_a_quotient() -> None:
    held = scope("i/1", {"a": items(done=1, prefix="a"), "b": items(done=1, todo=3, prefix="b")})
    state = judge(Delivery(("i",)), scopes=(held,), initiatives=(initiative(containers="mean"),))
    assert state.formula == "i (mean of containers) = 0.625"
