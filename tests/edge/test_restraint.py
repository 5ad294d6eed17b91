"""What one run may send to a source: after a refused credential, within a budget, after a wait that is too long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.errors import (
    AccessError,
    BudgetError,
    ProtocolError,
    SourceError,
    TransientError,
    UnauthorizedError,
)
from okr_sync.sync.caller import RetryingCaller
from tests.edge.test_caller import FakeTime, failing

ANSWERS: dict[str, SourceError | None] = {
    "ok": None,
    "401": UnauthorizedError("status 401", fix="renew the token"),
    "403": AccessError("status 403"),
    "404": ProtocolError("status 404"),
    "503": TransientError("status 503"),
    "429": TransientError("status 429", retry_after=5.0),
    "429 for a day": TransientError("status 429", retry_after=86400.0),
}


def caller(
    *,
    budget: int | None = None,
    sent_before: int = 0,
    repeated_before: int = 0,
    probing: bool = False,
    concurrency: int = 1,
) -> RetryingCaller:
    time = FakeTime()
    return RetryingCaller(
        seconds=600,
        concurrency=concurrency,
        budget=budget,
        sent_before=sent_before,
        repeated_before=repeated_before,
        probing=probing,
        sleep=time.sleep,
        elapsed=time.elapsed,
    )


def saying(*answers: str) -> Callable[[], str]:
    """Return a question that is answered so, one after the other, the last one again and again."""
    left = list(answers)

    def ask() -> str:
        said = left.pop(0) if len(left) > 1 else left[0]
        error = ANSWERS[said]
        if error is not None:
            raise type(error)(str(error), fix=error.fix, **_wish(error))
        return said

    return ask


def _wish(error: SourceError) -> dict[str, float | None]:
    return {"retry_after": error.retry_after} if isinstance(error, TransientError) else {}


def stubborn(made: RetryingCaller, ask: Callable[[], str], times: int = 9) -> None:
    """Ask on and on, as a connector that makes misses of errors does."""
    for _ in range(times):
        with suppress(SourceError):
            made.call(ask)


def test_a_refused_credential_is_tried_once_more_and_then_no_more() -> None:
    """Red without the raise of the refusal in `Restraint._begin`: nine requests."""
    made = caller()
    stubborn(made, saying("401"))
    assert made.requests == 2
    assert made.restraint.refused
    with pytest.raises(UnauthorizedError, match="status 401"):
        made.call(saying("ok"))


def test_a_probe_that_is_refused_is_the_only_request() -> None:
    """Red when `_tries_left` does not look at `probing`: two requests."""
    made = caller(probing=True)
    stubborn(made, saying("401"))
    assert made.requests == 1


def test_a_credential_that_was_renewed_goes_on() -> None:
    made = caller()
    ask = saying("ok", "401", "ok", "ok", "401", "ok")
    stubborn(made, ask, times=6)
    assert made.requests == 6
    assert not made.restraint.refused


def test_a_probe_is_not_repeated_until_the_source_answered() -> None:
    made = caller(probing=True)
    with pytest.raises(TransientError):
        made.call(saying("503"))
    assert (made.requests, made.retries) == (1, 0)
    assert made.call(saying("ok")) == "ok"
    assert made.call(saying("503", "ok")) == "ok"
    assert made.retries == 1


@pytest.mark.parametrize(("probing", "requests"), [(True, 1), (False, 5)])
def test_of_many_questions_side_by_side_a_dead_source_hears_the_first_alone(probing: bool, requests: int) -> None:
    """Red without the look at trust in `RetryingCaller.map`: those that wait for their turn ask once each."""
    made = caller(probing=probing, concurrency=3)
    with pytest.raises(TransientError):
        list(made.map(lambda _: made.call(saying("503")), range(9)))
    assert made.requests == requests


@given(st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=30), st.integers(1, 12), st.booleans())
def test_no_budget_is_overrun_whatever_the_source_says(answers: list[str], budget: int, probing: bool) -> None:
    made = caller(budget=budget, probing=probing)
    stubborn(made, saying(*answers), times=20)
    assert made.requests <= budget


ANYTHING = st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=6)
AT_LAST = st.integers(0, 5).map(lambda failures: [*["503"] * failures, "ok"])


@given(st.lists(AT_LAST, max_size=40) | st.lists(ANYTHING | AT_LAST, max_size=60), st.integers(1, 10))
def test_a_run_in_trouble_costs_little_more_than_a_healthy_one(answers: list[list[str]], concurrency: int) -> None:
    """At most 1.2 × the requests of that, and five. Seen red without `_has_repeated_enough`."""
    made = caller(concurrency=concurrency)
    for said in answers:
        stubborn(made, saying(*said), times=1)
    assert made.requests <= 1.2 * len(answers) + 5


def test_what_was_repeated_before_in_the_run_counts() -> None:
    """Seen red without `repeated_before`: some more are repeated."""
    made = caller(sent_before=8, repeated_before=5)
    stubborn(made, saying("503"), times=1)
    assert (made.requests, made.retries) == (1, 0)


@given(st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=30))
def test_at_most_two_requests_follow_a_refusal_unless_one_is_answered(answers: list[str]) -> None:
    made, ask = caller(), saying(*answers)
    heard: list[SourceError | None] = []

    def noted() -> str:
        try:
            said = ask()
        except SourceError as error:
            heard.append(error)
            raise
        heard.append(None)
        return said

    stubborn(made, noted, times=20)
    refusals = [place for place, error in enumerate(heard) if isinstance(error, UnauthorizedError)]
    for place in refusals:
        after = heard[place + 1 :]
        answered = next((n for n, error in enumerate(after) if not isinstance(error, UnauthorizedError)), len(after))
        assert answered <= 2


def test_a_budget_that_is_spent_says_so_and_what_to_do() -> None:
    """Red without the check in `Restraint._begin`: ten requests."""
    made = caller(budget=3, sent_before=1)
    stubborn(made, saying("ok"), times=8)
    assert made.requests == 2
    assert made.restraint.spent
    with pytest.raises(BudgetError, match="budget of 3 requests in a run is spent") as raised:
        made.call(saying("ok"))
    assert "raise `budget`" in raised.value.fix


def test_a_wait_beyond_the_deadline_ends_all_requests_and_is_remembered() -> None:
    """Red when `give_up` does not end the run: nine requests."""
    made = caller()
    stubborn(made, saying("429 for a day", "ok"))
    assert made.requests == 1
    assert made.restraint.wish == 86400
    assert made.restraint.trouble is not None


def test_the_last_wait_that_could_not_be_kept_is_remembered_and_runs_out() -> None:
    time = FakeTime()
    made = RetryingCaller(seconds=600, sleep=time.sleep, elapsed=time.elapsed)
    with pytest.raises(TransientError):
        made.call(saying("429"))
    wishes = [made.restraint.wish]
    time.now += 5
    wishes.append(made.restraint.wish)
    assert wishes == [5, None]
    assert made.call(saying("ok")) == "ok"


def test_until_the_source_has_answered_requests_go_one_by_one() -> None:
    """A wrong password must not be tried by four threads at once. Red without the lock: more than one at a time."""
    made, under_way, most = caller(concurrency=4), [0], [0]
    lock, gate = threading.Lock(), threading.Event()

    def ask() -> str:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        gate.wait(0.05)
        with lock:
            under_way[0] -= 1
        raise UnauthorizedError("status 401")

    def tried(_: int) -> None:
        with suppress(UnauthorizedError):
            made.call(ask)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tried, range(4)))
    assert (most[0], made.requests) == (1, 2)


def test_once_the_source_has_answered_requests_go_side_by_side() -> None:
    made, meeting = caller(concurrency=3), threading.Barrier(3, timeout=10)
    made.call(saying("ok"))
    assert list(made.map(lambda _: made.call(meeting.wait), range(3))) != []


@pytest.mark.parametrize("concurrency", [1, 3])
def test_never_more_are_asked_at_once_than_the_config_says_whoever_asks(concurrency: int) -> None:
    """A connector that asks for many while it reads many has two pools of threads. Red without the places: six."""
    made, under_way, most, lock = caller(concurrency=concurrency), [0], [0], threading.Lock()
    made.call(saying("ok"))

    def ask() -> str:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        threading.Event().wait(0.02)
        with lock:
            under_way[0] -= 1
        return "ok"

    outer = made.map(lambda _: made.call(ask), range(12))
    for _ in range(3):
        next(outer)
        assert list(made.map(lambda _: made.call(ask), range(6))) == ["ok"] * 6
    assert len(list(outer)) == 9
    assert most[0] == concurrency


def test_whoever_gets_no_place_in_time_is_told_so() -> None:
    """Red where the wait has no end."""
    made = RetryingCaller(seconds=0.05, concurrency=1)
    made.call(saying("ok"))
    with ThreadPoolExecutor(1) as pool:

        def elsewhere() -> str:
            with pytest.raises(TransientError, match=r"deadline of 0\.05 s"):
                pool.submit(made.call, saying("ok")).result(10)
            return "ok"

        assert made.call(elsewhere) == "ok"


def test_refusals_of_requests_that_were_under_way_leave_room_to_renew_the_credential() -> None:
    """All threads hear at once that a token ended; one of them fetches the next. Red when old refusals count."""
    made, meeting = caller(concurrency=3), threading.Barrier(3, timeout=10)
    made.call(saying("ok"))

    def ended() -> str:
        meeting.wait()
        raise UnauthorizedError("status 401")

    def renewing(_: int) -> str:
        with suppress(UnauthorizedError):
            made.call(ended)
        meeting.wait()  # until all of them have heard it
        return made.call(saying("ok"))

    assert list(made.map(renewing, range(3))) == ["ok"] * 3
    assert not made.restraint.refused


def test_an_asking_inside_of_an_asking_does_not_wait_for_itself() -> None:
    made = caller()
    assert made.call(lambda: made.call(saying("ok"))) == "ok"


def test_threads_together_repeat_no_more_than_a_few_requests_of_a_dead_source() -> None:
    """Red without the bound over all threads: 20 requests."""
    made = caller(concurrency=4)

    def tried(_: int) -> None:
        with suppress(TransientError):
            made.call(failing(99, lambda: TransientError("status 503")))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tried, range(4)))
    assert made.requests <= 4 + 8
