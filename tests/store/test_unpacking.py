"""Laws of reading states: a body says what validating it would, and other bodies are validated."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okr_sync.core.facts import Baseline, SourceState
from okr_sync.core.freshness import refresh
from okr_sync.core.snapshot import (
    DeliveryForecast,
    Forecast,
    InitiativeState,
    Input,
    KeyResultState,
    ObjectiveState,
    Overridden,
    Snapshot,
)
from okr_sync.store import bodies
from okr_sync.store.unpacking import Unpacking
from tests.examples import EXAMPLES
from tests.store.builders import HOUR, NOW
from tests.store.states import INITIATIVES, KEY_RESULTS, OBJECTIVES

NUMBERS = st.floats(-1e9, 1e9)
FORECASTS = st.builds(Forecast, slope=st.none() | NUMBERS, value=st.none() | NUMBERS, readings=st.integers(0, 99))
DATES = st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1))
PACES = st.builds(DeliveryForecast, likely=DATES, latest=DATES, due=DATES, remaining=st.integers(0, 99))
OVERRIDES = st.builds(
    Overridden, st.just("met"), st.text(max_size=5), st.just(NOW + HOUR), st.just("at_risk"), st.text(max_size=5)
)
BASELINE = Baseline("kr", "nps", 31.0, "mean", NOW, 3, "survey.csv, line 2", "q", start=NOW, at=NOW)
CAPTURED = st.lists(st.just(BASELINE), max_size=2)
WHOLE_KEY_RESULTS = st.builds(
    replace,
    KEY_RESULTS,
    forecast=st.none() | FORECASTS,
    override=st.none() | OVERRIDES,
    captured=CAPTURED.map(tuple),
    expected_line=st.lists(st.tuples(NUMBERS, NUMBERS), max_size=2).map(tuple),
    bounds=st.none() | st.tuples(NUMBERS, NUMBERS),
)
WHOLE_INITIATIVES = st.builds(replace, INITIATIVES, forecast=st.none() | PACES)
TIMES = st.none() | st.integers(-9, 9).map(lambda hours: NOW + hours * HOUR)
MANY = settings(max_examples=EXAMPLES, deadline=None)


@MANY
@given(WHOLE_KEY_RESULTS)
def test_a_key_result_is_read_as_validating_it_would_say(state: KeyResultState) -> None:
    text = bodies.key_result_body(state)
    (read,) = bodies.read_key_results([text], {})
    assert (type(read), repr(read)) == (KeyResultState, _plain(bodies.KEY_RESULT.validate_json(text)))
    assert hash(read.id) == hash(state.id)
    with pytest.raises(dataclasses.FrozenInstanceError):
        read.status = "met"  # type: ignore[misc] # it must be refused


@MANY
@given(WHOLE_INITIATIVES)
def test_an_initiative_is_read_as_validating_it_would_say(state: InitiativeState) -> None:
    text = bodies.initiative_body(state)
    (read,) = bodies.read_initiatives([text], {})
    assert (type(read), repr(read)) == (InitiativeState, _plain(bodies.INITIATIVE.validate_json(text)))


@MANY
@given(OBJECTIVES)
def test_an_objective_is_read_as_validating_it_would_say(state: ObjectiveState) -> None:
    text = bodies.objective_body(state)
    (read,) = bodies.read_objectives([text])
    assert (type(read), repr(read)) == (ObjectiveState, _plain(bodies.OBJECTIVE.validate_json(text)))


def _plain(state: Any) -> str:
    """Return how it is printed, in whatever way its time zone says that it is UTC."""
    return repr(state).replace("TzInfo(0)", "datetime.timezone.utc").replace("TzInfo(UTC)", "datetime.timezone.utc")


@MANY
@given(WHOLE_KEY_RESULTS, st.integers(0, 48))
def test_a_state_that_knows_its_age_is_refreshed_to_the_same(state: KeyResultState, hours: int) -> None:
    sources = {name: SourceState(name, NOW - HOUR, 24 * HOUR, None, None) for name in "ab"}
    text, now = bodies.key_result_body(state), NOW + hours * HOUR
    dated, plain = bodies.read_key_results([text], sources), bodies.read_key_results([text], {})
    assert refresh(Snapshot(NOW, (), dated), sources, now) == refresh(Snapshot(NOW, (), plain), sources, now)


@MANY
@given(st.lists(st.tuples(WHOLE_KEY_RESULTS, st.booleans()), max_size=6))
def test_many_bodies_are_read_in_their_order_those_of_earlier_versions_too(
    told: list[tuple[KeyResultState, bool]],
) -> None:
    """Red where the built ones come first: states stand at other places."""
    texts = [json.dumps(_earlier(state)) if older else bodies.key_result_body(state) for state, older in told]
    expected = tuple(bodies.KEY_RESULT.validate_json(text) for text in texts)
    assert bodies.read_key_results(texts, {}) == expected


def _earlier(state: KeyResultState) -> dict[str, Any]:
    """Return a body as an earlier version wrote it: in full, but for the last field of the state and of its parts."""
    body: dict[str, Any] = bodies.KEY_RESULT.dump_python(state, mode="json", exclude=set(bodies.VOLATILE))
    body.pop("withheld")
    for each in body["inputs"]:
        each.pop("basis")
    return body


@MANY
@given(st.lists(TIMES, max_size=4), st.booleans())
def test_parts_of_earlier_versions_stand_among_those_of_now(times: list[datetime | None], older: bool) -> None:
    """Red where `build` gets the parts that it does not know: KeyError, or values in the wrong fields."""
    inputs = tuple(Input("survey", f"m{place}", time) for place, time in enumerate(times))
    state = KeyResultState("kr", "o", "KR", "change", None, 1.0, "%", NOW, NOW + HOUR, "d", inputs=inputs)
    body = _earlier(state)
    for each in body["inputs"][1 :: 1 if older else 2]:
        each["basis"] = ""
    assert bodies.read_key_results([json.dumps(body)], {}) == (state,)


@MANY
@given(WHOLE_KEY_RESULTS)
def test_what_has_its_default_is_left_out_and_a_body_that_says_it_is_read_the_same(state: KeyResultState) -> None:
    """As earlier versions wrote it. Red with every field written, and with None for what is left out."""
    text = bodies.key_result_body(state)
    said = bodies.KEY_RESULT.dump_python(state, mode="json", exclude=set(bodies.VOLATILE))
    assert all(said[name] == value for name, value in json.loads(text).items() if not isinstance(value, list | dict))
    defaults = {each.name: each.default for each in dataclasses.fields(KeyResultState)}
    assert {name for name in said if getattr(state, name) != defaults[name]} == set(json.loads(text))
    assert bodies.read_key_results([text, json.dumps(said)], {}) == bodies.read_key_results([text, text], {})


@pytest.mark.parametrize("place", [0, -1])
def test_a_body_with_more_than_is_asked_for_is_read_without_it(place: int) -> None:
    """As an earlier version wrote it. Red where values go by place: they stand in the wrong fields."""
    state = KeyResultState("kr", "o", "KR", "change", None, 1.0, "%", NOW, NOW + HOUR, "d", stale=True)
    told = list(json.loads(bodies.key_result_body(state)).items())
    told.insert(place, ("gone", 1))
    assert bodies.read_key_results([json.dumps(dict(told))], {}) == (state,)


def test_a_body_that_lacks_what_every_state_has_is_refused() -> None:
    """Red with `knows` always true: a state without an id."""
    state = KeyResultState("kr", "o", "KR", "change", None, 1.0, "%", NOW, NOW + HOUR, "d")
    body = json.loads(bodies.key_result_body(state))
    del body["id"]
    with pytest.raises(ValueError, match="id"):
        bodies.read_key_results([json.dumps(body)], {})


def test_numbers_without_a_fraction_are_floats() -> None:
    """Red without the turn of floats: 1 is printed for 1.0."""
    state = KeyResultState("kr", "o", "KR", "change", None, 1.0, "%", NOW, NOW, "d", value=2.0)
    text = bodies.key_result_body(state).replace("1.0", "1").replace("2.0", "2")
    (read,) = bodies.read_key_results([text], {})
    assert (str(read.weight), str(read.value)) == ("1.0", "2.0")


@dataclass(frozen=True, slots=True)
class _Unclear:
    either: int | datetime


def test_a_field_of_two_kinds_is_refused_when_the_first_state_is_read() -> None:
    with pytest.raises(TypeError, match="may be any of"):
        Unpacking(_Unclear)


def test_instants_come_in_utc() -> None:
    state = KeyResultState("kr", "o", "KR", "change", None, 1.0, "%", NOW, NOW, "d")
    assert bodies.read_key_results([bodies.key_result_body(state)], {})[0].start.tzinfo is UTC
