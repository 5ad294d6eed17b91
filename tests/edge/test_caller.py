"""The one retry loop: what it repeats, how long it waits, when it gives up, what it counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.errors import AccessError, SourceError, TransientError
from okr_sync.sync.caller import AHEAD, ATTEMPTS, RetryingCaller


class FakeTime:
    """A clock that moves only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def elapsed(self) -> float:
        return self.now


def caller(time: FakeTime, *, seconds: float = 600, concurrency: int = 1) -> RetryingCaller:
    return RetryingCaller(seconds=seconds, concurrency=concurrency, sleep=time.sleep, elapsed=time.elapsed)


def failing(times: int, error: Callable[[], SourceError]) -> Callable[[], str]:
    """Return a question that fails `times` times and then answers."""
    left = [times]

    def ask() -> str:
        if left[0]:
            left[0] -= 1
            raise error()
        return "answer"

    return ask


def test_what_may_pass_is_asked_again() -> None:
    time = FakeTime()
    made = caller(time)
    assert made.call(failing(2, lambda: TransientError("503"))) == "answer"
    assert (made.requests, made.retries, time.slept) == (3, 2, [1.0, 2.0])


def test_what_cannot_succeed_is_asked_once() -> None:
    time = FakeTime()
    made = caller(time)
    with pytest.raises(AccessError, match="401"):
        made.call(failing(9, lambda: AccessError("401")))
    assert (made.requests, made.retries, time.slept) == (1, 0, [])


def test_after_the_last_attempt_the_error_itself_goes_up() -> None:
    time = FakeTime()
    made = caller(time)
    with pytest.raises(TransientError, match="always"):
        made.call(failing(99, lambda: TransientError("always")))
    assert (made.requests, made.retries) == (ATTEMPTS, ATTEMPTS - 1)


@given(wish=st.floats(0, 500))
def test_the_server_names_the_wait_and_gets_it_to_the_second(wish: float) -> None:
    time = FakeTime()
    caller(time).call(failing(1, lambda: TransientError("429", retry_after=wish)))
    assert time.slept == [wish]


def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    time = FakeTime()
    made = caller(time, seconds=60)
    with pytest.raises(TransientError, match="come back in a day"):
        made.call(failing(9, lambda: TransientError("come back in a day", retry_after=86400)))
    assert (made.requests, time.slept) == (1, [])


def test_after_the_deadline_nothing_is_sent() -> None:
    time = FakeTime()
    made = caller(time, seconds=60)
    time.now = 60
    with pytest.raises(TransientError, match="deadline of 60 s"):
        made.call(lambda: "answer")
    assert made.requests == 0


@given(failures=st.integers(0, 30), seconds=st.floats(0.5, 120))
def test_no_deadline_is_overrun_by_waiting(failures: int, seconds: float) -> None:
    time = FakeTime()
    made = caller(time, seconds=seconds)
    try:
        made.call(failing(failures, lambda: TransientError("again")))
    except TransientError:
        assert failures > 0
    assert time.now <= seconds
    assert made.requests <= ATTEMPTS


def test_many_are_asked_side_by_side_and_answered_in_order() -> None:
    meeting = threading.Barrier(3, timeout=10)

    def ask(number: int) -> int:
        meeting.wait()
        return number * number

    made = caller(FakeTime(), concurrency=3)
    made.call(lambda: "answer")  # until the source has answered, they are asked one by one
    assert list(made.map(ask, [3, 1, 2])) == [9, 1, 4]


def test_the_first_error_of_many_ends_the_rest() -> None:
    asked: list[int] = []

    def ask(number: int) -> int:
        asked.append(number)
        if number == 2:
            raise AccessError("no")
        time.sleep(0.02)
        return number

    with pytest.raises(AccessError, match="no"):
        list(caller(FakeTime()).map(ask, range(1, 100)))
    assert len(asked) < 99


def test_whoever_watches_is_told_each_request() -> None:
    told: list[int] = []
    made = RetryingCaller(seconds=60, watch=told.append)
    made.call(lambda: "answer")
    made.call(lambda: "answer")
    assert told == [1, 2]


def test_many_questions_are_taken_only_a_few_ahead_of_the_answers() -> None:
    """Neither a million questions nor their answers pile up; red when all are submitted at once."""
    caller = RetryingCaller(seconds=60, concurrency=2)
    taken = 0

    def count() -> Iterator[int]:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield number

    answers = caller.map(lambda number: number * 2, count())
    assert [next(answers) for _ in range(10)] == [number * 2 for number in range(10)]
    assert taken <= 10 + (AHEAD + 1) * 2
    assert list(answers) == [number * 2 for number in range(10, 1000)]
