"""When the answers of a pull go to the store, and which failures leave them there."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from okr_sync.errors import AccessError, BudgetError, ProtocolError, StoreError, TransientError
from okr_sync.store.stages import StageRecord
from okr_sync.sync.caller import RetryingCaller
from okr_sync.sync.staging import EVERY, FIRST, LEAST, LIFE, MOST, Stage, complete
from tests.edge.sync_play import START

MINUTE = timedelta(minutes=1)


class Shelf:
    """Keeps in memory, and counts the times at which anything is put there."""

    first = FIRST

    def __init__(self) -> None:
        self.stage: StageRecord | None = None
        self.answers: dict[str, bytes] = {}
        self.saved: list[int] = []

    def load(self) -> tuple[StageRecord | None, frozenset[str]]:
        return self.stage, frozenset(self.answers)

    def answer(self, question: str) -> bytes | None:
        return self.answers.get(question)

    def save(self, stage: StageRecord, answers: dict[str, bytes]) -> None:
        if stage != self.stage:
            self.answers.clear()
        self.stage = stage
        self.answers.update(answers)
        self.saved.append(len(answers))

    def drop(self) -> None:
        self.stage = None
        self.answers.clear()


class Watch:
    """A clock that is set."""

    at = 0.0

    def __call__(self) -> float:
        return self.at


def fill(stage: Stage, count: int, begin: int = 0) -> None:
    for number in range(begin, begin + count):
        stage.keep(f"question {number}", {"answer": number})


def test_a_pull_puts_nothing_into_the_store_before_it_takes_long() -> None:
    """Red without the clock: each answer is a transaction of its own."""
    shelf, watch = Shelf(), Watch()
    stage = Stage.open(shelf, "asked", START, elapsed=watch)
    fill(stage, 40)
    assert shelf.saved == []
    watch.at = FIRST
    fill(stage, 1, 40)
    watch.at += EVERY / 2
    fill(stage, 20, 41)
    assert shelf.saved == [41]
    watch.at += EVERY
    fill(stage, 1, 61)
    assert shelf.saved == [41, 21]


def test_what_waits_in_memory_is_bounded() -> None:
    shelf = Shelf()
    stage = Stage.open(shelf, "asked", START, elapsed=Watch())
    noise = Random(1).randbytes(MOST // LEAST).hex()
    for number in range(LEAST + 2):
        stage.keep(f"question {number}", noise)
    assert shelf.saved == [LEAST]


def test_few_answers_are_not_worth_keeping() -> None:
    shelf = Shelf()
    stage = Stage.open(shelf, "asked", START)
    fill(stage, LEAST - 1)
    stage.save()
    assert shelf.saved == []
    fill(stage, 1, LEAST)
    stage.save()
    assert shelf.saved == [LEAST]


def test_a_question_of_this_part_is_asked_again_and_one_of_an_earlier_part_is_not() -> None:
    """Who asks twice in one pull wants to know whether it changed. Red when `kept` looks at what this part kept."""
    shelf = Shelf()
    first = Stage.open(shelf, "asked", START)
    fill(first, LEAST)
    first.save()
    assert (first.kept("question 1"), first.goes_on) == (None, False)
    second = Stage.open(shelf, "asked", START + MINUTE)
    assert (second.kept("question 1"), second.goes_on, second.begun) == ({"answer": 1}, True, START)
    assert (second.kept("another"), second.used, second.count) == (None, 1, LEAST)
    second.keep("question 1", {"answer": "other"})
    assert second.kept("question 1") == {"answer": 1}


@pytest.mark.parametrize(
    ("asked", "later", "goes_on"),
    [
        ("asked", timedelta(0), True),
        ("asked", LIFE - timedelta(microseconds=1), True),
        ("asked", LIFE, False),
        ("asked", -timedelta(microseconds=1), False),
        ("other", MINUTE, False),
    ],
)
def test_only_the_same_pull_goes_on_and_for_a_day(asked: str, later: timedelta, goes_on: bool) -> None:
    shelf = Shelf()
    first = Stage.open(shelf, "asked", START)
    fill(first, LEAST)
    first.save()
    then = Stage.open(shelf, asked, START + later)
    assert then.goes_on is goes_on
    assert then.begun == (START if goes_on else START + later)


@pytest.mark.parametrize("answer", ["\ud83d", {"a": [1, 2.5, None, True, "ü", 2**70]}, [], "", 0, False])
def test_every_json_comes_back_as_it_was(answer: Any) -> None:
    """Also half a surrogate pair, to which a tracker may cut a title, and numbers beyond 64 bits."""
    shelf = Shelf()
    first = Stage.open(shelf, "asked", START)
    fill(first, LEAST)
    first.keep("\udc00?", answer)
    first.save()
    assert Stage.open(shelf, "asked", START).kept("\udc00?") == answer


class Pulls:
    """Fails in the given ways one after the other, then answers; `begun` are the instants it was asked with."""

    def __init__(self, caller: RetryingCaller, *errors: Exception, by_request: bool = True) -> None:
        self.caller = caller
        self.errors = list(errors)
        self.by_request = by_request
        self.begun: list[Any] = []

    def __call__(self, begun: Any) -> str:
        self.begun.append(begun)
        for number in range(LEAST):
            if self.caller.kept(f"question {number}") is None:
                self.caller.keep(f"question {number}", number + 1)
        if self.errors:
            self._fail(self.errors.pop(0))
        return "all of it"

    def _fail(self, error: Exception) -> None:
        def fail() -> None:
            raise error

        self.caller.call(fail) if self.by_request else fail()


def caller() -> RetryingCaller:
    return RetryingCaller(seconds=1000.0, sleep=lambda _: None)


@pytest.mark.parametrize("error", [TransientError("broke"), BudgetError("spent")])
def test_a_failure_that_passes_leaves_the_answers(error: Exception) -> None:
    shelf, line = Shelf(), caller()
    with pytest.raises(type(error)):
        complete(Pulls(line, *[error] * 9), line, Stage.open(shelf, "asked", START), START)
    assert len(shelf.answers) == LEAST
    line = caller()
    pulls = Pulls(line)
    later = START + MINUTE
    assert complete(pulls, line, Stage.open(shelf, "asked", later), later) == "all of it"
    assert pulls.begun == [START]
    assert line.stage is not None
    assert line.stage.used == LEAST


@pytest.mark.parametrize(
    ("error", "by_request"),
    [
        (ProtocolError("refused"), True),
        (AccessError("refused"), True),
        (TransientError("the list became shorter"), False),
        (ValueError("a bug"), False),
    ],
)
def test_any_other_failure_forgets_them(error: Exception, by_request: bool) -> None:
    """What the connector made of the answers may lie in them. Red when all that is transient counts as passing."""
    shelf, line = Shelf(), caller()
    first = Stage.open(shelf, "asked", START)
    fill(first, LEAST)
    first.save()
    later = START + MINUTE
    pulls = Pulls(line, error, by_request=by_request)
    if isinstance(error, ValueError):
        with pytest.raises(ValueError, match="a bug"):
            complete(pulls, line, Stage.open(shelf, "asked", later), later)
    else:
        assert complete(pulls, line, Stage.open(shelf, "asked", later), later) == "all of it"
        assert pulls.begun == [START, later]
        assert line.stage is not None
        assert not line.stage.goes_on
    assert shelf.answers == {}


def test_a_pull_that_fails_anew_fails() -> None:
    """Only once: a tracker that always refuses is not asked for ever."""
    shelf, line = Shelf(), caller()
    first = Stage.open(shelf, "asked", START)
    fill(first, LEAST)
    first.save()
    pulls = Pulls(line, *[ProtocolError("refused")] * 9)
    with pytest.raises(ProtocolError):
        complete(pulls, line, Stage.open(shelf, "asked", START), START)
    assert len(pulls.begun) == 2
    assert shelf.answers == {}


def test_a_store_that_fails_ends_the_run() -> None:
    class Full(Shelf):
        def save(self, stage: StageRecord, answers: dict[str, bytes]) -> None:
            raise StoreError("the disk is full")

    line = caller()
    with pytest.raises(StoreError):
        complete(Pulls(line, *[TransientError("broke")] * 9), line, Stage.open(Full(), "asked", START), START)
