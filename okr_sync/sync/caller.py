"""The program's one retry loop: sends a source's requests, counts them, waits as told, and keeps the deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from okr_sync.connector import Caller
from okr_sync.errors import TransientError

T = TypeVar("T")
R = TypeVar("R")

ATTEMPTS = 5  # tries of one request, the first included
FIRST_WAIT = 1.0  # seconds before the second try when the server names no time
LONGEST_WAIT = 30.0  # seconds, for waits that we choose ourselves


class RetryingCaller(Caller):
    """Calls with retries after `TransientError`, never beyond `seconds` from its making.

    A wait that the server asks for is kept to the second; one that would pass the deadline is not begun: the error
    goes up at once. Once `stop` is set nothing more is sent. `requests` and `retries` count what was sent; safe to use
    from many threads.
    """

    def __init__(
        self,
        *,
        seconds: float,
        concurrency: int = 1,
        sleep: Callable[[float], None] = time.sleep,
        elapsed: Callable[[], float] = time.monotonic,
        watch: Callable[[int], None] | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self.requests = 0
        self.retries = 0
        self._seconds = seconds
        self._concurrency = concurrency
        self._sleep = sleep
        self._elapsed = elapsed
        self._end = elapsed() + seconds
        self._watch = watch
        self._stop = stop or threading.Event()
        self._lock = threading.Lock()

    def call(self, ask: Callable[[], T]) -> T:
        """Return `ask()`, asked again after transient errors. Raises what the last try raised."""
        retrying = Retrying(
            retry=retry_if_exception_type(TransientError),
            stop=self._must_stop,
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        answer: T = retrying(self._send, ask)
        return answer

    def map(self, ask: Callable[[T], R], many: Iterable[T]) -> Iterator[R]:
        """Yield `ask(each)` in order, up to `concurrency` at a time; the first error ends the rest."""
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="okr-sync-request") as pool:
            futures = [pool.submit(ask, each) for each in many]
            try:
                for future in futures:
                    yield future.result()
            finally:
                for future in futures:
                    future.cancel()

    def _send(self, ask: Callable[[], T]) -> T:
        if self._stop.is_set():
            raise TransientError("the run was stopped", fix="run it again")
        if self._elapsed() >= self._end:
            raise TransientError(
                f"the source's deadline of {self._seconds:g} s has passed",
                fix="raise `deadline` of this source, or map less to it",
            )
        with self._lock:
            self.requests += 1
            count = self.requests
        if self._watch:
            self._watch(count)
        return ask()

    def _must_stop(self, state: RetryCallState) -> bool:
        waits_past_the_end = self._elapsed() + state.upcoming_sleep > self._end
        stops = stop_after_attempt(ATTEMPTS)(state) or waits_past_the_end or self._stop.is_set()
        if not stops:
            with self._lock:
                self.retries += 1
        return stops


def _wait(state: RetryCallState) -> float:
    """Return seconds to wait: the server's wish, else 1, 2, 4, … up to `LONGEST_WAIT`."""
    error = state.outcome.exception() if state.outcome else None
    wish = error.retry_after if isinstance(error, TransientError) else None
    if wish is not None:
        return max(0.0, wish)
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (state.attempt_number - 1))
