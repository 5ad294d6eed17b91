"""Freshness: what is old says so, whoever saved it; numbers stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import MetricFacts, Miss, Reading, SourceState
from okr_sync.core.freshness import AHEAD, believed, oldest, refresh, why_stale
from okr_sync.core.model import Book, Change, Delivery, Done
from okr_sync.core.snapshot import Input, KeyResultState, Snapshot
from tests.core.builders import (
    DUE,
    HALF,
    book,
    day,
    fresh,
    history,
    initiative,
    items,
    judge,
    key_result,
    metric,
    number,
    objective,
    one,
    reading,
    readings,
    scope,
    source,
    work,
)
from tests.examples import EXAMPLES

HOUR = timedelta(hours=1)
MEASURE = Change("m", 0, target=1)


def undated(value: float, **more: Any) -> MetricFacts:
    return readings(reading(value, 3), undated=True, **more)


def saved(facts: MetricFacts, **more: Any) -> Snapshot:
    held = book(key_result(MEASURE), metrics=(metric(**more),))
    return evaluate(held, history(HALF, facts), HALF)


def test_an_undated_reading_is_as_old_as_its_sources_last_success() -> None:
    snapshot = saved(undated(0.5))
    assert one(snapshot).as_of == HALF
    assert one(refresh(snapshot, fresh(HALF + HOUR), HALF + HOUR)).as_of == HALF + HOUR


def test_a_dated_reading_is_as_old_as_its_time() -> None:
    snapshot = saved(readings(reading(0.5, 3)))
    assert one(refresh(snapshot, fresh(HALF + HOUR), HALF + HOUR)).as_of == day(3)


def test_an_older_reading_that_stands_in_for_an_invalid_one_keeps_its_own_time() -> None:
    facts = readings(reading(0.5, 3), reading(9, 4), undated=True)
    assert one(saved(facts, maximum=1)).as_of == day(3)


def test_a_reading_without_any_time_counts_as_read_now() -> None:
    state = one(saved(MetricFacts(readings=(Reading(0.25), reading(0.1, 3)))))
    assert (state.value, state.as_of) == (0.25, HALF)


def test_what_was_never_read_has_no_age() -> None:
    state = one(saved(MetricFacts()))
    assert (state.status, state.as_of, state.stale) == ("unknown", None, False)


def test_it_is_fresh_up_to_its_window_inclusive_and_stale_after() -> None:
    snapshot, sources = saved(undated(0.5)), fresh(HALF)
    inside = one(refresh(snapshot, sources, HALF + HOUR))
    after = one(refresh(snapshot, sources, HALF + HOUR + timedelta(seconds=1)))
    assert (inside.status, inside.stale) == ("on_track", False)
    assert (after.status, after.stale, after.progress, after.score, after.as_of) == ("stale", True, 0.5, 0.5, HALF)
    assert after.reason == (
        "source survey last answered 2026-02-20 00:00 UTC, more than 1 h ago; "
        "else on track: 0.50 of 0.50 expected by now"
    )


def test_the_sources_failure_and_its_fix_are_in_the_sentence() -> None:
    broken = {"survey": source("survey", day(1), error="401", fix="renew the token")}
    assert "(401) (renew the token)" in one(refresh(saved(undated(0.5)), broken, HALF)).reason


@given(st.timedeltas(-timedelta(days=4000), timedelta(days=4000)))
def test_an_answer_that_is_still_to_come_by_more_than_clocks_differ_makes_nothing_fresh(ahead: timedelta) -> None:
    """Red with every source taken as it is, and with AHEAD itself held for a wrong clock."""
    answered = source("survey", HALF + ahead)
    read = believed(answered, HALF)
    if ahead <= AHEAD:
        assert read == answered
        return
    state = one(refresh(saved(undated(0.5)), {"survey": read}, HALF))
    assert (state.status, state.value, state.as_of) == ("stale", 0.5, None)
    assert "source survey can't be dated (its last answer is of" in state.reason
    assert "set the clocks of the machines" in state.reason


def test_a_source_that_never_answered_is_none_whose_clock_was_wrong() -> None:
    never = source("survey", None, error="server down")
    assert believed(never, HALF) == never


def test_a_source_that_failed_when_last_asked_makes_stale_at_once_until_it_answers_again() -> None:
    snapshot = saved(undated(0.5))
    minute = timedelta(minutes=1)
    failed = {"survey": source("survey", HALF, error="server down")}
    read = one(refresh(snapshot, failed, HALF + minute))
    assert (read.status, read.stale, read.value) == ("stale", True, 0.5)
    assert "source survey failed when last asked (server down); it last answered" in read.reason
    assert one(refresh(snapshot, fresh(HALF + minute), HALF + minute)).status == "on_track"


def test_a_failure_after_the_due_date_spoils_no_verdict_that_the_source_had_answered() -> None:
    facts = history(DUE + HOUR, undated(1.0))
    snapshot = evaluate(book(key_result(MEASURE)), facts, DUE + HOUR)
    failed = {"survey": source("survey", DUE + HOUR, error="server down")}
    assert one(refresh(snapshot, failed, DUE + 2 * HOUR)).status == "met"


@pytest.mark.parametrize(
    ("sources", "word"),
    [({}, "not asked any more"), ({"survey": source("survey", None)}, "has never answered")],
)
def test_a_source_that_never_answered_or_is_gone_makes_stale(sources: dict[str, SourceState], word: str) -> None:
    state = one(refresh(saved(undated(0.5)), sources, HALF))
    assert (state.status, state.as_of) == ("stale", None)
    assert word in state.reason


def test_a_dated_reading_older_than_its_metric_allows_is_stale() -> None:
    facts = readings(reading(0.5, 40))
    assert one(saved(facts, max_age_days=10)).status == "on_track"
    late = one(saved(facts, max_age_days=9))
    assert (late.status, late.as_of) == ("stale", day(40))
    assert "m was last read for 2026-02-10 00:00 UTC, over 9 days ago" in late.reason


def test_a_typed_value_is_outdated_from_its_expiry_on() -> None:
    typed = readings(reading(0.5, 3, author="ana", expires=HALF + HOUR))
    snapshot = saved(typed)
    later = HALF + HOUR
    state = one(refresh(snapshot, fresh(later), later))
    assert one(snapshot).status == "on_track"
    assert (state.status, state.stale, state.value) == ("outdated", True, 0.5)
    assert "the value typed for m expired 2026-02-20 01:00 UTC: check in a new one" in state.reason


def test_a_verdict_at_the_due_date_does_not_age() -> None:
    snapshot = evaluate(book(key_result(MEASURE)), history(DUE, readings(reading(1, 99))), DUE)
    year = DUE + timedelta(days=365)
    assert one(refresh(snapshot, fresh(DUE), year)).status == "met"
    assert one(refresh(snapshot, {"survey": source("survey", day(90))}, year)).status == "stale"


def stale_world() -> tuple[Book, Snapshot]:
    held = book(
        initiatives=(initiative(),),
        objectives=(
            objective(name="top"),
            objective(name="middle", contributes_to="top"),
            objective(key_result(Delivery(("i",)), "work"), name="low", contributes_to="middle"),
            objective(key_result(MEASURE, "survey"), name="other"),
            objective(
                key_result(MEASURE, "own"),
                key_result(Delivery(("i",)), "watched", weight=0),
                name="own",
                contributes_to="other",
            ),
        ),
    )
    facts = history(HALF, undated(0.5), (scope("i/1", items(done=1, todo=1)),))
    return held, evaluate(held, facts, HALF)


def test_a_stale_source_taints_what_rests_on_it_and_nothing_else() -> None:
    _, snapshot = stale_world()
    later = HALF + timedelta(hours=2)
    sources = {"survey": source("survey", later), "tracker": source("tracker", HALF, error="down")}
    read = refresh(snapshot, sources, later)
    (plan,) = read.initiatives
    assert (plan.stale, plan.progress, plan.as_of) == (True, 0.5, HALF)
    assert "source tracker last answered" in plan.reason
    statuses = {state.id: state.status for state in read.key_results}
    assert statuses == {"work": "stale", "survey": "on_track", "own": "on_track", "watched": "stale"}
    assert "initiative i is stale: source tracker" in read.key_results[0].reason
    assert {state.id: state.status for state in read.objectives} == {
        "top": "stale",
        "middle": "stale",
        "low": "stale",
        "other": "on_track",
        "own": "on_track",
    }
    assert read.objectives[0].reason == ("rests on stale numbers: middle; else on track: 0.50 of 0.50 expected by now")
    assert [state.score for state in read.objectives] == [state.score for state in snapshot.objectives]


def test_two_stale_contributors_are_both_named() -> None:
    tree = (
        objective(name="top"),
        objective(key_result(MEASURE, "a"), name="one", contributes_to="top"),
        objective(key_result(MEASURE, "b"), name="two", contributes_to="top"),
    )
    held = book(objectives=tree)
    snapshot = evaluate(held, history(HALF, undated(0.5), sources={}), HALF)
    assert snapshot.objectives[0].reason.startswith("rests on stale numbers: one, two;")


def test_a_stale_contributor_taints_an_objective_that_has_key_results_of_its_own() -> None:
    tree = (
        objective(key_result(Change("x", 0, target=1), "a"), name="top"),
        objective(key_result(MEASURE, "b"), name="low", contributes_to="top"),
    )
    held = book(objectives=tree, metrics=(metric(), metric("x", source="tracker")))
    facts = history(HALF, {"m": undated(0.5), "x": undated(0.5)}, sources=fresh(HALF, "tracker"))
    read = evaluate(held, facts, HALF)
    assert [state.status for state in read.objectives] == ["stale", "stale"]
    assert [state.status for state in read.key_results] == ["on_track", "stale"]


def test_an_unknown_objective_stays_unknown() -> None:
    stale_and_watched = key_result(MEASURE, weight=0)
    held = book(stale_and_watched)
    snapshot = evaluate(held, history(HALF, undated(0.5), sources={}), HALF)
    assert (snapshot.key_results[0].status, snapshot.objectives[0].status) == ("stale", "unknown")
    odd = replace(snapshot, key_results=(replace(snapshot.key_results[0], weight=1),))
    assert refresh(odd, {}, HALF).objectives[0].status == "unknown"


def test_a_key_result_of_an_objective_that_is_not_there_is_read_all_the_same() -> None:
    snapshot = replace(saved(undated(0.5)), objectives=())
    assert one(refresh(snapshot, {}, HALF)).status == "stale"


def test_a_missed_question_makes_stale_and_changes_no_number() -> None:
    miss = Miss("gone", "the column went away; map another")
    state, good = one(saved(undated(0.5, miss=miss))), one(saved(undated(0.5)))
    assert (state.status, state.stale) == ("stale", True)
    assert state.reason == ("survey: the column went away; map another; else on track: 0.50 of 0.50 expected by now")
    assert (state.value, state.progress, state.score) == (good.value, good.progress, good.score)
    unread = one(saved(MetricFacts(miss=miss)))
    assert (unread.status, unread.stale, unread.reason) == ("unknown", False, f"metric m: {miss.message}")


def test_a_missed_scope_makes_the_key_results_on_it_stale() -> None:
    held = scope("i/1", items(done=1, todo=1), miss=Miss("denied", "no permission"))
    for measure in (Delivery(("i",)), Done(work("i"))):
        state = judge(measure, scopes=(held,), initiatives=(initiative(),))
        assert (state.status, state.stale) == ("stale", True)
        assert "initiative i is stale: the last good numbers; scope i/1: no permission" in state.reason


def test_what_was_saved_as_stale_is_never_made_fresher() -> None:
    good = saved(undated(0.5))
    flagged = replace(good, key_results=(replace(one(good), stale=True),))
    state = one(refresh(flagged, fresh(HALF), HALF))
    assert (state.status, state.stale) == ("stale", True)
    assert state.reason.startswith("its newest question failed; else on track")
    again = one(refresh(refresh(good, {}, HALF), fresh(HALF + HOUR), HALF + HOUR))
    assert (again.status, again.stale, again.as_of) == ("stale", True, HALF + HOUR)


def test_a_typed_value_of_done_expires_too() -> None:
    typed = readings(reading(1, 3, expires=day(10)))
    assert judge(Done(number("m")), typed).status == "outdated"


@given(st.floats(0, 5), st.floats(0, 5), st.floats(0, 5))
def test_reading_twice_is_reading_once_and_time_only_ages(success: float, first: float, more: float) -> None:
    snapshot = saved(undated(0.5))
    sources = {"survey": source("survey", HALF + success * HOUR)}
    now: datetime = HALF + (success + first) * HOUR
    read = refresh(snapshot, sources, now)
    assert refresh(read, sources, now) == read
    later = refresh(snapshot, sources, now + more * HOUR)
    assert one(later).stale or not one(read).stale
    assert one(later).as_of == one(read).as_of == HALF + success * HOUR
    assert (one(later).progress, later.at) == (one(snapshot).progress, snapshot.at)


def test_the_oldest_input_makes_the_age() -> None:
    inputs = (Input("survey", "a"), Input("survey", "b", time=day(3)), Input("other", "c"))
    assert oldest(inputs, fresh(HALF, "survey")) == day(3)
    assert oldest(inputs[2:], {}) is None
    assert why_stale(Input("survey", "b", time=day(3)), fresh(HALF, "survey"), HALF) == ""


NAMED = st.sampled_from("abc")  # c failed when it was last asked
AGES = st.none() | st.integers(0, 9).map(lambda hours: HALF - hours * HOUR)
INPUTS = st.builds(Input, NAMED, st.just("m"), AGES, st.none() | st.just(5 / 24), st.none() | st.just(HALF + 3 * HOUR))
STATES = st.builds(
    KeyResultState,
    *(st.just(text) for text in ("kr", "o", "KR", "change")),
    owner=st.none(),
    weight=st.just(1.0),
    unit=st.just("%"),
    start=st.just(HALF),
    due=st.integers(0, 9).map(lambda hours: HALF + hours * HOUR),
    definition=st.just("d"),
    value=st.just(1.0),
    status=st.sampled_from(["on_track", "met", "closed", "suspect", "stale", "outdated"]),
    inputs=st.lists(INPUTS, max_size=3).map(tuple),
    stale=st.booleans(),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(STATES, st.integers(0, 9))
def test_a_state_that_says_as_of_when_it_is_is_judged_as_one_that_does_not(state: KeyResultState, hours: int) -> None:
    """Red where the short look passes over values that expire, sources that are stale, or what was saved as stale."""
    now = HALF + hours * HOUR
    sources = {name: SourceState(name, HALF - HOUR, 5 * HOUR, None, None) for name in "ab"}
    sources |= {"c": SourceState("c", HALF - HOUR, 9 * HOUR, "HTTP 500", None)}
    dated = replace(state, as_of=oldest(state.inputs, sources))
    assert refresh(Snapshot(HALF, (), (dated,)), sources, now) == refresh(Snapshot(HALF, (), (state,)), sources, now)


def test_a_state_is_as_old_as_the_oldest_of_its_inputs_whichever_comes_first() -> None:
    sources = fresh(HALF)
    name = min(sources)
    times = (HALF - 2 * HOUR, HALF - HOUR, HALF - 3 * HOUR)
    snapshot = saved(undated(0.5))
    inputs = tuple(Input(name, "m", time) for time in times)
    held = replace(one(snapshot), inputs=inputs, as_of=times[2])
    aged = replace(snapshot, key_results=(held,))
    assert refresh(aged, sources, HALF) == aged
    assert one(refresh(replace(aged, key_results=(replace(held, as_of=None),)), sources, HALF)) == held
