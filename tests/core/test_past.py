"""What was true at a past instant: random lives of items, readings and words, told live and undone later."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import (
    Baseline,
    DueSeen,
    History,
    MetricFacts,
    Miss,
    Override,
    Reading,
    ScopeFacts,
    SourceState,
    Transition,
    TransitionField,
    WorkItem,
)
from okr_sync.core.lives import Logged, Stay, Version, stays_below, stays_of, versions_of
from okr_sync.core.model import Change, Delivery, DoneSubject, Steps
from okr_sync.core.past import MetricPast, Past, ScopePast, Series, TrackerPast, Walk, history_at
from tests.core.builders import book, container, day, initiative, item, key_result, metric, reading, source, steps

HOLDERS = ("a", "b")
LAST = 20
"""Days of a life."""
MISS = Miss("denied", "no")


def move(name: TransitionField, before: str | None, after: str | None, at: float, of: str = "1") -> Transition:
    """A change `at` days after the start."""
    return Transition(of, name, before, after, day(at))


@dataclass
class Life:
    """An item that lives: what it is, what holds it, and what was logged of it."""

    item: WorkItem
    holder: str | None
    moves: list[Transition] = field(default_factory=list)

    def become(self, name: TransitionField, after: str | None, at: datetime) -> None:
        value = self.holder if name == "container" else getattr(self.item, name)
        before = None if value is None else str(value)
        if before == after:
            return
        self.moves.append(Transition(self.item.id, name, before, after, at))
        if name == "container":
            self.holder = after
        elif name == "state":
            ended = at if after == "done" else None
            self.item = replace(self.item, state=after, done_at=ended)  # type: ignore[arg-type] # a state, as it has them
        else:
            number = float(after) if name == "points" and after is not None else after
            self.item = replace(self.item, **{name: number})  # type: ignore[arg-type] # as the field has it


DEEDS: st.SearchStrategy[tuple[TransitionField, str | None]] = st.one_of(
    st.tuples(st.just("state"), st.sampled_from(["open", "in_progress", "done"])),
    st.tuples(st.just("resolution"), st.sampled_from([None, "Done", "Won't Do"])),
    st.tuples(st.just("points"), st.sampled_from([None, "1.0", "5.0"])),
    st.tuples(st.just("parent"), st.sampled_from([None, "0", "1", "2"])),
    st.tuples(st.just("container"), st.sampled_from([None, *HOLDERS])),
)
MINUTES = st.integers(min_value=1, max_value=LAST * 1440 - 1)
LIVES = st.lists(
    st.tuples(
        st.integers(min_value=-3, max_value=15),
        st.sampled_from([None, *HOLDERS]),
        st.lists(st.tuples(MINUTES, DEEDS), max_size=12),
    ),
    max_size=5,
)
READINGS = st.lists(st.tuples(st.integers(min_value=0, max_value=LAST - 1), st.floats(0, 100)), max_size=8)

PLACES = tuple(container(name) for name in HOLDERS)
BOOK = book(
    key_result(Change("m", 0.0, target=100.0), "grow"),
    key_result(Delivery(("i",)), "ship"),
    key_result(Steps(steps(DoneSubject(initiative="i"), DoneSubject(metric="m")), partial=True), "steps"),
    metrics=(metric(),),
    initiatives=(initiative(weight_by="points", unit="leaf"),),
)


def told(lives: list[Any], readings: list[tuple[int, float]]) -> tuple[dict[int, History], Past]:
    """Return day → what was seen live at its end, and the past as it is known after the last day."""
    made = [_born(number, born, holder) for number, (born, holder, _) in enumerate(lives)]
    deeds = [(minute, number, deed) for number, life in enumerate(lives) for minute, deed in life[2]]
    deeds.sort(key=lambda each: each[:2])
    numbers = [Reading(value, day(at + 0.25)) for at, value in sorted(dict(readings).items())]
    seen = {}
    for today in range(1, LAST + 1):
        while deeds and deeds[0][0] <= today * 1440:
            minute, number, (name, after) = deeds.pop(0)
            if day(minute / 1440) > (made[number].item.created or day(0)):
                made[number].become(name, after, day(minute / 1440))
        seen[today] = _live(made, numbers, day(today))
    return seen, _past(made, numbers)


def _born(number: int, at: int, holder: str | None) -> Life:
    return Life(item(str(number), points=2.0, created=day(at)), holder)


def _live(made: list[Life], numbers: list[Reading], now: datetime) -> History:
    there = [life for life in made if (life.item.created or now) <= now]
    held = {name: tuple(life.item for life in there if life.holder == name) for name in HOLDERS}
    scope = ScopeFacts("i/1", "tracker", PLACES, held, resolved=True)
    facts = MetricFacts(tuple(each for each in numbers if each.time is not None and each.time <= now))
    return History({"m": facts}, {"i/1": scope}, _sources(now))


def _sources(now: datetime) -> dict[str, SourceState]:
    return {name: source(name, now) for name in ("survey", "tracker")}


def _past(made: list[Life], numbers: list[Reading]) -> Past:
    stays = [
        stay
        for life in made
        for stay in stays_of(
            life.item.id,
            life.item.created,
            [] if life.holder is None else [Stay(life.holder, life.item.id, life.item.created)],
            Logged(day(-9), day(LAST), tuple(life.moves)),
        )
    ]
    tracker = TrackerPast(
        containers={each.id: each for each in PLACES},
        versions={life.item.id: versions_of(life.item, life.moves) for life in made},
        stays=tuple(stays),
    )
    scope = ScopePast("i/1", "tracker", HOLDERS, resolved=True)
    return Past(
        {"m": MetricPast({None: Series(tuple(numbers))})}, {"i/1": scope}, {"tracker": tracker}, _sources(day(LAST))
    )


@given(LIVES, READINGS)
def test_each_day_judged_live_is_judged_the_same_from_what_is_known_later(
    lives: list[Any], readings: list[tuple[int, float]]
) -> None:
    seen, past = told(lives, readings)
    walk = Walk(past)
    for today, live in seen.items():
        then = walk.at(day(today))
        assert then == live
        assert evaluate(BOOK, then, day(today)) == evaluate(BOOK, live, day(today))


@given(LIVES, READINGS, st.integers(min_value=1, max_value=LAST))
def test_walking_to_an_instant_is_going_there_at_once(
    lives: list[Any], readings: list[tuple[int, float]], today: int
) -> None:
    _, past = told(lives, readings)
    walk = Walk(past)
    for earlier in range(1, today):
        walk.at(day(earlier))
    assert walk.at(day(today)) == history_at(past, day(today))


def test_a_walk_does_not_go_back() -> None:
    walk = Walk(Past())
    walk.at(day(2))
    with pytest.raises(ValueError, match=r"a walk goes forward: 2026-01-02 .* is before 2026-01-03"):
        walk.at(day(1))


def test_an_item_reopened_and_closed_again_was_open_in_between() -> None:
    now = item("1", "done", created=day(0), done_at=day(7))
    moves = [
        move("state", "done", "open", 4),
        move("state", "open", "done", 2),
        move("state", "open", "done", 7),
        move("container", "a", "b", 5),
    ]
    assert [(each.since, each.item.state, each.item.done_at) for each in versions_of(now, moves)] == [
        (day(0), "open", None),
        (day(2), "done", day(2)),
        (day(4), "open", None),
        (day(7), "done", day(7)),
    ]


def test_without_changes_an_item_was_always_what_it_is_and_changes_before_its_creation_are_of_its_beginning() -> None:
    now = item("1", "done", done_at=day(3))
    assert versions_of(now, []) == (Version(None, now),)
    (only,) = versions_of(replace(now, created=day(1)), [move("points", "3", None, 0.5)])
    assert (only.since, only.item.points) == (day(1), None)
    unborn = versions_of(now, [move("state", "open", "done", 2)])
    assert [(each.since, each.item.done_at) for each in unborn] == [(None, None), (day(2), day(3))]


def test_the_log_tells_who_held_an_item_and_what_was_seen_tells_the_rest() -> None:
    log = Logged(day(0), day(10), (move("container", "a", "b", 4), move("container", "b", None, 6)))
    seen = [Stay("b", "1", day(12)), Stay("q", "1", day(1), day(3)), Stay("a", "1", day(5), day(8))]
    assert stays_of("1", day(-1), seen, log) == (
        Stay("q", "1", day(1), day(3)),
        Stay("a", "1", day(-1), day(4)),
        Stay("b", "1", day(4), day(6)),
        Stay("b", "1", day(12)),
    )
    assert (
        stays_of("1", day(-1), seen, None) == stays_of("1", day(-1), seen, Logged(day(0), day(10), ())) == tuple(seen)
    )
    ever = stays_of("1", None, [Stay("a", "1", None)], Logged(day(0), day(9), (move("container", "b", "a", 4),)))
    assert ever == (Stay("a", "1", day(4), day(9)), Stay("a", "1", day(9)), Stay("b", "1", None, day(4)))


def test_a_sub_task_was_where_its_issue_was_and_where_a_query_found_it() -> None:
    part = item("9", parent="3", kind="subtask", created=day(0))
    versions = versions_of(part, [move("parent", "1", "2", 5, of="9"), move("parent", "2", "3", 8, of="9")])
    own = (Stay("b", "9", day(0)), Stay("q", "9", day(1), day(2)))
    above = {
        "1": (Stay("a", "1", None, day(3)), Stay("b", "1", day(3)), Stay("q", "1", None)),
        "2": (Stay("a", "2", day(1), day(4)), Stay("a", "2", day(6))),
    }
    assert stays_below(versions, own, above, frozenset("ab")) == (
        Stay("q", "9", day(1), day(2)),
        Stay("a", "9", day(0), day(3)),
        Stay("b", "9", day(3), day(5)),
        Stay("a", "9", day(6), day(8)),
        Stay("b", "9", day(8)),  # what is above is not known: what was seen counts
    )
    free = stays_below((Version(None, item("9")),), (Stay("a", "9", None),), {}, frozenset("a"))
    assert free == (Stay("a", "9", None),)


def test_a_container_was_open_until_it_was_done() -> None:
    tracker = TrackerPast(containers={"a": container("a", state="done", resolution="Done", done_at=day(5))})
    past = Past(scopes={"i/1": ScopePast("i/1", "tracker", ("a",), resolved=True)}, trackers={"tracker": tracker})
    states = [history_at(past, day(at)).scopes["i/1"].containers[0] for at in (4, 5)]
    assert [(each.state, each.resolution, each.done_at) for each in states] == [
        ("open", None, None),
        ("done", "Done", day(5)),
    ]


def test_a_failure_counts_from_when_it_began_and_a_source_that_answered_later_is_fresh() -> None:
    down = {"survey": source("survey", day(5), error="it is down", fix="start it")}
    past = Past(
        metrics={"m": MetricPast({None: Series((reading(1.0, 2),))}, miss=MISS, missed=day(4))},
        scopes={"i/1": ScopePast("i/1", "tracker", miss=MISS, missed=day(3))},
        trackers={"tracker": TrackerPast()},
        sources=down,
    )
    facts = {at: history_at(past, day(at)) for at in (2, 3, 4, 6)}
    assert [facts[at].metrics["m"].miss for at in (3, 4)] == [None, MISS]
    assert [facts[at].scopes["i/1"].miss for at in (2, 3)] == [None, MISS]
    assert facts[4].sources == {"survey": source("survey", day(4))}
    assert facts[6].sources == down
    assert history_at(Past(sources={"x": source("x", None)}), day(1)).sources["x"].last_success is None


def test_what_could_not_be_seen_makes_the_scope_miss_from_then_on() -> None:
    tracker = TrackerPast(
        containers={"a": container("a")},
        versions={"1": (Version(None, item("1")),)},
        stays=(Stay("a", "1", None), Stay("a", "2", day(6)), Stay("a", "1", day(3), day(3))),
        hidden={"1": day(4)},
    )
    past = Past(scopes={"i/1": ScopePast("i/1", "tracker", ("a",), resolved=True)}, trackers={"tracker": tracker})
    said = [history_at(past, day(at)).scopes["i/1"].miss for at in (3, 4, 6)]
    assert [each and each.message for each in said] == [
        None,
        "tracker listed 1 that it did not show",
        "tracker listed 2 that it did not show",
    ]
    gone = replace(past, scopes={"i/1": ScopePast("i/1", "tracker", ("a", "lost"), resolved=True)})
    assert history_at(gone, day(1)).scopes["i/1"].miss == Miss("denied", "tracker listed 1 that it did not show")


def test_a_reading_without_a_time_of_its_own_is_as_fresh_as_its_source_as_long_as_it_is_the_newest() -> None:
    past = Past({"m": MetricPast({None: Series((reading(1.0, 2), reading(2.0, 4)), undated=frozenset([day(2)]))})})
    walk = Walk(past)
    facts = [walk.at(day(at)).metrics["m"] for at in (1, 2, 3, 4)]
    assert [(len(each.readings), each.undated) for each in facts] == [(0, False), (1, True), (1, True), (2, False)]
    assert facts[1] is facts[2]


def test_a_word_on_a_status_counts_from_when_it_was_said_until_it_was_taken_back() -> None:
    word = Override("kr", "on_track", "ana", "because", day(2), day(9))
    past = Past(words={"kr": ((day(2), word), (day(5), None)), "other": ()})
    assert [history_at(past, day(at)).overrides for at in (1, 2, 5)] == [{}, {"kr": word}, {}]


def test_readings_count_for_the_question_that_was_in_force_then() -> None:
    old, new = reading(1.0, 2), reading(9.0, 6)
    asked = {
        "then": Series((old,), answers=day(2)),
        "now": Series((old, new), breaks=(day(6),), answers=day(6)),
        None: Series((old, new), breaks=(day(6),), answers=None),
    }
    walk = Walk(Past({"m": MetricPast(asked)}))
    facts = [
        walk.at(day(at), {"m": name}).metrics["m"] for at, name in ((1, "now"), (4, "then"), (4, "now"), (7, "now"))
    ]
    assert [(len(each.readings), each.breaks, each.answered) for each in facts] == [
        (0, (), True),
        (1, (), True),
        (1, (), False),  # it answers what was asked before
        (2, (day(6),), True),
    ]
    assert not walk.at(day(8), {"m": "another"}).metrics["m"].answered


def test_work_that_was_asked_for_elsewhere_then_is_not_known() -> None:
    tracker = TrackerPast(containers={"a": container("a")})
    place = ScopePast("i/1", "tracker", ("a",), resolved=True, miss=MISS, missed=day(3), question="now")
    walk = Walk(Past(scopes={"i/1": place}, trackers={"tracker": tracker}))
    said = [walk.at(day(at), {"i/1": name}).scopes["i/1"] for at, name in ((1, "then"), (4, "then"), (5, "now"))]
    assert said[:2] == [
        ScopeFacts("i/1", "tracker", asked_anew=True),
        ScopeFacts("i/1", "tracker", asked_anew=True, miss=MISS),
    ]
    assert (said[2].asked_anew, len(said[2].containers)) == (False, 1)


def test_the_due_day_seen_first_holds_for_the_time_before_and_a_later_one_from_when_it_was_seen() -> None:
    first, later = DueSeen(date(2026, 2, 1), day(3)), DueSeen(date(2026, 3, 1), day(6))
    tracker = TrackerPast(
        containers={"a": container("a")},
        versions={"1": (Version(None, item("1")),), "2": (Version(None, item("2")),)},
        stays=(Stay("a", "1", None, day(8)),),
        dues={"1": (first, later), "2": (first,), "a": (later,)},
    )
    past = Past(scopes={"i/1": ScopePast("i/1", "tracker", ("a",), resolved=True)}, trackers={"tracker": tracker})
    walk = Walk(past)
    assert [walk.at(day(at)).scopes["i/1"].dues for at in (1, 5, 6, 8)] == [
        {"1": (first,), "a": (later,)},
        {"1": (first,), "a": (later,)},
        {"1": (first, later), "a": (later,)},
        {"a": (later,)},
    ]


def test_a_captured_baseline_counts_once_its_readings_were_there_and_a_newer_one_from_its_capture_on() -> None:
    first = Baseline("kr", "m", 5.0, "first", day(3), 1, "", "?", day(0), day(4))
    again = replace(first, value=6.0, how="last", time=day(0), at=day(7))
    walk = Walk(Past(baselines={("kr", "m"): (first, again)}))
    found = [walk.at(day(at)).baselines.get(("kr", "m")) for at in (2, 3, 6, 7)]
    assert found == [None, first, first, again]
    before = replace(first, how="mean", time=day(-1))
    assert history_at(Past(baselines={("kr", "m"): (before,)}), day(0)).baselines == {("kr", "m"): before}


def test_without_forecasts_the_judgement_is_the_same() -> None:
    numbers = tuple(reading(value, at) for at, value in enumerate((1.0, 5.0, 9.0, 14.0, 30.0, 41.0), 10))
    for preset in ("pace", "score"):
        judged = book(key_result(Change("m", 0.0, target=100.0), preset=preset))
        facts = History({"m": MetricFacts(numbers)}, {}, _sources(day(40)))
        whole, bare = evaluate(judged, facts, day(40)), evaluate(judged, facts, day(40), foresee=False)
        assert whole.key_results[0].forecast is not None
        kept = whole.key_results[0].forecast if preset == "score" else None
        assert bare.key_results == (replace(whole.key_results[0], forecast=kept),)


def test_the_beginning_of_time_is_before_everything() -> None:
    first = datetime.min.replace(tzinfo=UTC)
    assert history_at(Past(), first + timedelta(days=1)) == History()
