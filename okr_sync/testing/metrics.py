"""The laws that every metric source must keep, as a pytest class to subclass with one fixture, `world`.

    class TestMine(MetricSourceContract):
        @pytest.fixture
        def world(self, tmp_path): return MyWorld(tmp_path)

A `MetricWorld` is the source in a known state, and the hands to change it and to break it. What it can't do it says
by leaving a mapping empty; no law is skipped by name.
"""
# ruff: noqa: S101 -- laws are assertions

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from okr_sync.connector import (
    Answer,
    Ask,
    Caller,
    Continued,
    MetricSource,
    Miss,
    Outcome,
    Reading,
    SourceError,
    Unchanged,
)
from okr_sync.testing.metric_history import MetricHistoryLaws

T = TypeVar("T")


class CountingCaller(Caller):
    """Counts what a connector asks; asks each thing once."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = Lock()

    def call(self, ask: Callable[[], T]) -> T:
        """Return `ask()`."""
        with self._lock:
            self.count += 1
        return ask()


@dataclass(frozen=True, slots=True)
class BadQuestion:
    """A question that a source can read but not answer, and a word that its Miss must say."""

    query: Mapping[str, Any]
    says: str


@dataclass(frozen=True, slots=True)
class Breakage:
    """A way to break the whole source, and the error that must come of it; `says` stands in its text."""

    happen: Callable[[], None]
    error: type[SourceError]
    says: str = ""


@dataclass(slots=True)
class MetricWorld(ABC):
    """A source in a known state. `requests` is what one batch may cost at most, however many questions it has."""

    start: datetime
    now: datetime
    requests: int
    bad: Mapping[str, BadQuestion] = field(default_factory=dict)
    breakages: Mapping[str, Breakage] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    moments: Mapping[str, Mapping[datetime, float]] = field(default_factory=dict)
    """Of a source with HISTORY: question → instant → the value then, as of the oldest instant; none changes."""

    @abstractmethod
    def connect(self, caller: Caller) -> MetricSource:
        """Return a new connector to this source."""

    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """Return valid settings as they stand in a file."""

    @abstractmethod
    def questions(self) -> Mapping[str, Mapping[str, Any]]:
        """Return at least two answerable questions as they stand in files: ref → query."""

    @abstractmethod
    def truth(self, ref: str) -> tuple[float, ...] | None:
        """Return the values that the question has now, oldest first; None: the source has nothing new."""

    @abstractmethod
    def change(self, ref: str) -> None:
        """Make the newest value of the question a different one."""

    def inbox(self) -> Mapping[str, tuple[Reading, ...]]:
        """Return what was sent to okr-sync: ref → values, oldest first; for a source that reads its `INBOX`."""
        return {}


class MetricSourceContract(MetricHistoryLaws):
    """The laws; each method is a test and takes the world that the subclass's fixture made."""

    def test_known_questions_have_known_answers(self, world: MetricWorld) -> None:
        """Every question gets the values that the source holds, oldest first."""
        _assert_true(world, _read(world))

    def test_every_ref_has_exactly_one_outcome(self, world: MetricWorld) -> None:
        """The answer names all refs that were asked, and no other."""
        queries = {**world.questions(), **{ref: bad.query for ref, bad in world.bad.items()}}
        answer = _read(world, queries)
        assert set(answer) == set(queries), f"asked {sorted(queries)}, answered {sorted(answer)}"
        assert all(_is_outcome(outcome) for outcome in answer.values()), f"not outcomes: {answer}"

    def test_the_order_of_questions_does_not_matter(self, world: MetricWorld) -> None:
        """Asked backwards, or alone, a question gets the same answer."""
        whole = _read(world)
        backwards = _read(world, dict(reversed(list(world.questions().items()))))
        alone = {ref: _read(world, {ref: query})[ref] for ref, query in world.questions().items()}
        assert backwards == whole
        assert alone == whole

    def test_answers_repeat(self, world: MetricWorld) -> None:
        """The same connector asked again answers the same."""
        source = world.connect(Caller())
        assert ask_all(source, world) == ask_all(source, world)

    def test_going_on_from_its_state_changes_nothing(self, world: MetricWorld) -> None:
        """A source that gives a state with its answer gives the same answer when it gets the state back."""
        source = world.connect(Caller())
        answer = ask_all(source, world)
        state = _state(answer)
        assert state is None or source.CONTINUES, "a state is given, but CONTINUES is False: nobody would keep it"
        again = dict(ask_all(world.connect(Caller()), world, state=state))
        assert again == dict(answer), f"with the state {state!r}: {again} instead of {dict(answer)}"

    def test_one_bad_question_leaves_the_others_alone(self, world: MetricWorld) -> None:
        """A question that can't be answered is a Miss that says why; the others are answered."""
        for ref, bad in world.bad.items():
            answer = _read(world, {ref: bad.query, **world.questions()})
            miss = answer.pop(ref)
            assert isinstance(miss, Miss), f"{ref} should be a Miss, is {miss}"
            assert bad.says in miss.message, f"{ref}: {miss.message!r} does not say {bad.says!r}"
            _assert_true(world, answer)

    def test_nothing_asked_nothing_sent(self, world: MetricWorld) -> None:
        """Without questions there are no requests."""
        caller = CountingCaller()
        assert dict(ask_all(world.connect(caller), world, {})) == {}
        assert caller.count == 0, f"{caller.count} requests for nothing"

    def test_a_full_batch_costs_no_more_than_promised(self, world: MetricWorld) -> None:
        """Fifty questions cost the requests that the source promises for any number."""
        caller = CountingCaller()
        known = world.questions()
        ask_all(world.connect(caller), world, {f"{ref}-{n}": query for n in range(25) for ref, query in known.items()})
        assert caller.count <= world.requests, f"{caller.count} requests, promised {world.requests}"

    def test_numbers_are_finite_and_times_aware_and_inside_the_window(self, world: MetricWorld) -> None:
        """No NaN, no naive time, nothing from the future or before the window; oldest first, one reading an instant.

        A reading without a time is of now, so that there can be but one.
        """
        for ref, outcome in _read(world).items():
            readings = outcome if isinstance(outcome, tuple) else ()
            assert all(math.isfinite(reading.value) for reading in readings), f"{ref}: {readings}"
            times = [world.now if reading.time is None else reading.time for reading in readings]
            assert all(time.utcoffset() is not None for time in times), f"{ref}: a time without zone in {times}"
            assert all(world.start <= time <= world.now for time in times), f"{ref}: {times} outside the window"
            assert times == sorted(set(times)), f"{ref}: {times} are not in order, or double"

    def test_an_earlier_now_hides_what_came_later(self, world: MetricWorld) -> None:
        """Asked as of the start of the window, a question shows nothing that was measured after it."""
        queries = {ref: _parse(world.connect(Caller()), query) for ref, query in world.questions().items()}
        answer = world.connect(Caller()).read(Ask(queries, world.start, world.start, inbox=world.inbox()))
        late = {
            ref: reading
            for ref, outcome in answer.items()
            if isinstance(outcome, tuple)
            for reading in outcome
            if reading.time and reading.time > world.start
        }
        assert not late, f"from the future: {late}"

    def test_a_broken_source_raises_a_typed_error_after_one_try(self, world: MetricWorld) -> None:
        """A source that fails as a whole says so with an error that tells what to do; it doesn't try again."""
        for name, breakage in world.breakages.items():
            breakage.happen()
            caller = CountingCaller()
            error = _failure(world.connect(caller), world)
            assert isinstance(error, breakage.error), f"{name}: {error!r} is no {breakage.error.__name__}"
            assert breakage.says in str(error), f"{name}: {str(error)!r} does not say {breakage.says!r}"
            assert error.fix, f"{name}: {error!r} tells no way out"
            assert caller.count <= world.requests, f"{name}: {caller.count} requests to a broken source"

    def test_no_secret_in_repr_or_messages(self, world: MetricWorld) -> None:
        """Neither the connector, its settings, its answers nor its probe show a secret."""
        source = world.connect(Caller())
        queries = {ref: bad.query for ref, bad in world.bad.items()}
        answers = f"{_read(world)} {_read(world, queries)} {_state(ask_all(source, world))}"
        shown = f"{source!r} {source.settings!r} {vars(source)} {source.probe()} {answers}"
        assert not [secret for secret in world.secrets if secret in shown], "a secret shows"

    def test_unknown_keys_are_refused(self, world: MetricWorld) -> None:
        """A key that neither settings nor questions have is a mistake, never ignored."""
        source = world.connect(Caller())
        assert _refuses_more(source.Settings, world.settings()), "settings take any key"
        for ref, query in world.questions().items():
            assert _refuses_more(source.Query, query), f"the question {ref} takes any key"

    def test_it_works_in_another_thread(self, world: MetricWorld) -> None:
        """A connector made in one thread answers in others, also at the same time."""
        source = world.connect(Caller())
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: ask_all(source, world), range(8)))
        for answer in answers:
            _assert_true(world, answer)

    def test_it_may_be_closed_twice(self, world: MetricWorld) -> None:
        """Closing is safe before, after and without reading."""
        world.connect(Caller()).close()
        source = world.connect(Caller())
        answer = ask_all(source, world)
        source.close()
        source.close()
        assert dict(ask_all(world.connect(Caller()), world)) == dict(answer), "closing one connector spoils the next"

    def test_the_same_connector_sees_a_change(self, world: MetricWorld) -> None:
        """Nothing is kept for ever: the next reading sees what changed at the source."""
        source = world.connect(Caller())
        ref = next(iter(world.questions()))
        before = ask_all(source, world)
        world.change(ref)
        after = ask_all(source, world)
        assert after[ref] != before[ref], f"{ref} changed at the source, the answer is still {before[ref]}"
        _assert_true(world, after)

    def test_the_probe_says_one_line(self, world: MetricWorld) -> None:
        """A probe of a working source is one line for people."""
        line = world.connect(Caller()).probe()
        assert line.strip()
        assert "\n" not in line


def _read(world: MetricWorld, queries: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Outcome]:
    return dict(ask_all(world.connect(Caller()), world, queries))


def ask_all(
    source: MetricSource,
    world: MetricWorld,
    queries: Mapping[str, Mapping[str, Any]] | None = None,
    state: str | None = None,
) -> Answer:
    """Return the answer to `queries` as they stand in files, or to all of the world's."""
    asked = world.questions() if queries is None else queries
    parsed = {ref: _parse(source, query) for ref, query in asked.items()}
    return source.read(Ask(parsed, world.start, world.now, state=state, inbox=world.inbox()))


def _state(answer: Answer) -> str | None:
    return answer.state if isinstance(answer, Continued) else None


def _parse(source: MetricSource, query: Mapping[str, Any]) -> Any:
    return source.Query.model_validate(query)


def _failure(source: MetricSource, world: MetricWorld) -> SourceError | None:
    try:
        ask_all(source, world)
    except SourceError as error:
        return error
    return None


def _refuses_more(model: type[BaseModel], given: Mapping[str, Any]) -> bool:
    model.model_validate(given)
    try:
        model.model_validate({**given, "colunm": "a typing error"})
    except ValidationError:
        return True
    return False


def _is_outcome(outcome: object) -> bool:
    whole = isinstance(outcome, tuple) and bool(outcome) and all(isinstance(each, Reading) for each in outcome)
    return whole or isinstance(outcome, Miss | Unchanged)


def _assert_true(world: MetricWorld, answer: Mapping[str, Outcome]) -> None:
    for ref, outcome in answer.items():
        truth = world.truth(ref)
        if truth is None:
            assert outcome == Unchanged(), f"{ref} should be unchanged, is {outcome}"
            continue
        assert isinstance(outcome, tuple), f"{ref} should be read as {truth}, is {outcome}"
        values = tuple(reading.value for reading in outcome)
        assert len(values) == len(truth), f"{ref} should be read as {truth}, is {values}"
        assert all(map(math.isclose, values, truth)), f"{ref} should be read as {truth}, is {values}"
