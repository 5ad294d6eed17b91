"""Changes: the difference of two snapshots, and the way back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.changes import FieldChange, apply, changes, describe, mark, without_volatile
from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import MetricFacts
from okr_sync.core.model import Change, Delivery
from okr_sync.core.snapshot import InitiativeState, KeyResultState, ObjectiveState, Snapshot
from tests.core.builders import (
    DUE,
    HALF,
    START,
    book,
    fresh,
    history,
    initiative,
    items,
    key_result,
    readings,
    scope,
)

ids = st.lists(st.sampled_from("abcdef"), unique=True, max_size=6)
progress = st.one_of(st.none(), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
instants = st.one_of(st.none(), st.datetimes().map(lambda moment: moment.replace(tzinfo=START.tzinfo)))


def key_result_state(name: str, p: float | None, status: str, reason: str, as_of: object) -> KeyResultState:
    return KeyResultState(
        id=name, objective="o", title=name, kind="change", owner=None, weight=1, unit="", start=START, due=DUE,
        definition="", progress=p, status=status, reason=reason, as_of=as_of, expected=p,  # type: ignore[arg-type]
    )  # fmt: skip


def initiative_state(name: str, p: float | None, state: str, reason: str) -> InitiativeState:
    return InitiativeState(name, name, None, (), progress=p, state=state, reason=reason)  # type: ignore[arg-type]


def objective_state(name: str, p: float | None) -> ObjectiveState:
    return ObjectiveState(name, name, "q", "team", None, None, None, (), progress=p)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    words = st.sampled_from(["", "why", "else"])
    return Snapshot(
        at=START + timedelta(days=draw(st.integers(0, 9))),
        objectives=tuple(objective_state(name, draw(progress)) for name in draw(ids)),
        key_results=tuple(
            key_result_state(
                name, draw(progress), draw(st.sampled_from(["unknown", "met"])), draw(words), draw(instants)
            )
            for name in draw(ids)
        ),
        initiatives=tuple(
            initiative_state(name, draw(progress), draw(st.sampled_from(["unknown", "done"])), draw(words))
            for name in draw(ids)
        ),
    )


@given(snapshots())
def test_nothing_differs_from_itself(snapshot: Snapshot) -> None:
    assert changes(snapshot, snapshot) == ()


@given(snapshots(), snapshots())
def test_the_changes_made_to_the_first_give_the_second(before: Snapshot, after: Snapshot) -> None:
    made = changes(before, after)
    assert without_volatile(apply(before, made)) == without_volatile(after)
    assert apply(before, made[::-1]) == apply(before, made)
    assert changes(apply(before, made), after) == ()
    assert bool(made) is (without_volatile(before) != without_volatile(after))


@given(snapshots())
def test_without_a_before_everything_came(after: Snapshot) -> None:
    made = changes(None, after)
    assert {change.mark for change in made} <= {"+"}
    assert apply(Snapshot(at=after.at), made) == after


def judged(value: float | None, days: int = 50) -> Snapshot:
    held = book(key_result(Change("m", 0, target=1), "nps"), initiatives=(initiative(),))
    facts = MetricFacts() if value is None else readings(value)
    now = START + timedelta(days=days)
    return evaluate(held, history(now, facts, (scope("i/1", items(done=1)),)), now)


def test_the_mere_passing_of_time_changes_nothing_until_a_status_does() -> None:
    assert changes(judged(0.5), judged(0.5, 51)) == ()
    made = changes(judged(0.5), judged(0.5, 70))
    assert [change.id for change in made] == ["o", "nps"]
    assert [field.name for field in made[1].fields] == ["status"]


def test_a_change_is_told_in_one_line() -> None:
    (objective, key_result) = changes(judged(0.4), judged(0.55))
    assert describe(key_result) == "~ nps  value 0.4 → 0.55, progress 0.40 → 0.55, status at_risk → on_track"
    assert describe(objective) == "~ o  progress 0.40 → 0.55, status at_risk → on_track"


def test_what_came_and_went_is_told_in_one_line() -> None:
    came = changes(None, judged(0.4))
    assert [describe(change) for change in came] == [
        "+ o  objective, progress 0.40, status at_risk",
        "+ nps  key result, progress 0.40, status at_risk",
        "+ i  initiative, progress 1.00, done",
    ]
    went = changes(judged(None), Snapshot(at=HALF))
    assert [describe(change) for change in went] == [
        "- o  objective, progress unknown, status unknown",
        "- nps  key result, progress unknown, status unknown",
        "- i  initiative, progress 1.00, done",
    ]


def test_quiet_fields_are_told_when_nothing_else_changed() -> None:
    state = judged(0.4).key_results[0]
    before = Snapshot(at=HALF, key_results=(state,))
    after = Snapshot(at=HALF, key_results=(replace(state, formula="", start=HALF, stale=True, score=None),))
    (change,) = changes(before, after)
    assert describe(change) == "~ nps  start 2026-01-01 00:00 UTC → 2026-02-20 00:00 UTC, stale no → yes"
    renamed = Snapshot(at=HALF, key_results=(replace(state, title="New", score=None),))
    (change,) = changes(before, renamed)
    assert describe(change) == "~ nps  title Title of nps → New, score 0.40 → unknown"


def test_lists_and_counts_are_told() -> None:
    plain = initiative_state("i", 0.5, "done", "")
    before = Snapshot(at=HALF, initiatives=(plain,))
    after = Snapshot(at=HALF, initiatives=(replace(plain, key_results=("a", "b"), total=3, owner="ana"),))
    (change,) = changes(before, after)
    assert describe(change) == "~ i  owner unknown → ana, key_results none → a, b, total unknown → 3"


def test_a_new_reason_for_the_unknown_is_a_change() -> None:
    first, second = (
        Snapshot(at=HALF, key_results=(key_result_state("a", None, "unknown", why, None),)) for why in ("x", "")
    )
    (change,) = changes(first, second)
    assert change.fields == (FieldChange("reason", "x", ""),)
    assert describe(change) == "~ a  reason x → none"


def test_a_new_order_is_a_change() -> None:
    states = [objective_state(name, 0.5) for name in "abc"]
    before, after = Snapshot(at=HALF, objectives=tuple(states)), Snapshot(at=HALF, objectives=tuple(states[::-1]))
    made = changes(before, after)
    assert [describe(change) for change in made] == ["~ c  position 2 → 0", "~ a  position 0 → 2"]
    assert apply(before, made) == after


def test_every_state_has_a_mark() -> None:
    made = changes(judged(0.4), judged(0.55))
    assert (mark(made, "key_result", "nps"), mark(made, "initiative", "i")) == ("~", "=")


def test_a_change_without_states_is_told_by_its_id() -> None:
    (change,) = changes(None, Snapshot(at=HALF, objectives=(objective_state("a", 0.5),)))
    assert describe(replace(change, after=None)) == "+ a  "


def test_going_stale_is_a_change_of_status() -> None:
    held = book(key_result(Delivery(("i",))), initiatives=(initiative(),))
    scopes = (scope("i/1", items(done=1, todo=1)),)
    good = evaluate(held, history(HALF, None, scopes), HALF)
    bad = evaluate(held, history(HALF, None, scopes, fresh(START, "tracker")), HALF)
    assert [describe(change) for change in changes(good, bad)] == [
        "~ o  status on_track → stale",
        "~ kr  status on_track → stale, stale no → yes",
        "~ i  stale no → yes",
    ]
