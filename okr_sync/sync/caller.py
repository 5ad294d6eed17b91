"""The program's one retry loop: sends a source's requests, counts them, waits as told, and keeps the deadline."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from okr_sync.connector import Caller, Remembered
from okr_sync.errors import SourceError, TransientError
from okr_sync.outbound.metering import Meter, metering
from okr_sync.sync.pacing import Pacing
from okr_sync.sync.remembering import Recollection
from okr_sync.sync.restraint import Restraint
from okr_sync.sync.staging import Stage

T = TypeVar("T")
R = TypeVar("R")

ATTEMPTS = 5  # tries of one request, the first included
FIRST_WAIT = 1.0  # seconds before the second try when the server names no time
AHEAD = 3  # questions waiting or answered a request that may be under way
REMEMBERED = 1_000  # errors of requests, the newest
LONGEST_WAIT = 30.0  # seconds, for waits that we choose ourselves


class RetryingCaller(Caller):
    """Calls with retries after `TransientError`, never beyond `seconds` from its making.

    Never more than `budget` requests, with those `sent_before` in the same run (`repeated_before` of them again). A
    wait that the server asks for is kept to the second; one that would pass the deadline is not begun: the error goes
    up at once, and nothing more is sent, as once `stop` is set. `requests` and `retries` count what was sent, `meter`
    what the answers cost; safe to use from many threads. `probing`: until the source has answered, nothing is repeated.
    """

    def __init__(
        self,
        *,
        seconds: float,
        concurrency: int = 1,
        budget: int | None = None,
        sent_before: int = 0,
        repeated_before: int = 0,
        probing: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        elapsed: Callable[[], float] = time.monotonic,
        watch: Callable[[int], None] | None = None,
        stop: threading.Event | None = None,
        recollection: Recollection | None = None,
    ) -> None:
        self.retries = 0
        self.stage: Stage | None = None  # of the pull under way, if its answers are kept
        self.meter = Meter()
        self._recollection = recollection
        self.restraint = Restraint(
            seconds=seconds,
            concurrency=concurrency,
            budget=budget,
            sent_before=sent_before,
            repeated_before=repeated_before,
            probing=probing,
            elapsed=elapsed,
            stop=stop,
        )
        self._concurrency = concurrency
        self._pacing = Pacing()
        self._elapsed = elapsed
        self._sleep = sleep
        self._watch = watch
        # One for all calls of all threads: each is a cycle of objects, and a site may be asked ten thousand times.
        self._retrying = Retrying(
            retry=retry_if_exception_type(TransientError),
            stop=self._must_stop,
            wait=_wait,
            sleep=sleep,
            reraise=True,
        )
        self._lock = threading.Lock()
        self._raised: deque[SourceError] = deque(maxlen=REMEMBERED)

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self.restraint.requests

    def call(self, ask: Callable[[], T]) -> T:
        """Return `ask()`, asked again after transient errors. Raises what the last try raised."""
        try:
            answer: T = self._retrying(self._send, ask)
        except SourceError as error:
            self._raised.append(error)
            raise
        return answer

    def passed_on(self, error: BaseException) -> bool:
        """Return whether `error`, or what it was raised from, came out of `call` and not from the connector."""
        chain: BaseException | None = error
        while chain is not None and not any(chain is each for each in self._raised):
            chain = chain.__cause__
        return chain is not None

    @property
    def goes_on(self) -> bool:
        """Whether this pull goes on where an earlier one was interrupted."""
        return self.stage is not None and self.stage.goes_on

    def kept(self, question: str) -> Any | None:
        """Return the answer to `question` that was kept when the pull was interrupted; None: ask."""
        return None if self.stage is None else self.stage.kept(question)

    def keep(self, question: str, answer: Any) -> None:
        """Keep an answer in case the pull is interrupted. Raises StoreError."""
        if self.stage is not None:
            self.stage.keep(question, answer)

    def map(self, ask: Callable[[T], R], many: Iterable[T]) -> Iterator[R]:
        """Yield `ask(each)` in order, up to `concurrency` at a time; the first error ends the rest.

        While requests go one by one, so do the questions: of a source that is down no more is asked than the first.

        `many` is read a few ahead of what is yielded, so that neither questions nor answers pile up. There are more
        threads than requests that may be under way: while some read what they were answered, others ask.
        """
        ahead: deque[Future[R]] = deque()
        with ThreadPoolExecutor(_threads(self._concurrency), thread_name_prefix="okr-sync-request") as pool:
            try:
                for each in many:
                    ahead.append(pool.submit(ask, each))
                    if len(ahead) > AHEAD * self._concurrency or not self.restraint.is_trusted():
                        yield ahead.popleft().result()
                while ahead:
                    yield ahead.popleft().result()
            finally:
                for future in ahead:
                    future.cancel()

    def pace(self, limit: str, a_minute: int) -> None:
        """Wait until one request more keeps the limit. Raises TransientError where that is after the deadline."""
        left = self.restraint.seconds_left
        wait = self._pacing.reserve(limit, a_minute, self._elapsed(), self._elapsed() + left)
        if wait > left:
            said = f"{limit}: more requests than the {a_minute} a minute that the source bears"
            raise TransientError(said, fix="raise `deadline` of this source, or map less to it", retry_after=wait)
        if wait > 0:
            self._sleep(wait)

    def spend(self, points: int) -> None:
        """Count points of the source's rate limit."""
        self.meter.spend(points)

    def remembered(self, address: str, credential: str) -> Remembered | None:
        """Return what an earlier run was answered; None where the source has no recollection."""
        return self._recollection.remembered(address, credential) if self._recollection else None

    def remember(self, address: str, credential: str, answer: Remembered) -> None:
        """Remember an answer, where the source has a recollection."""
        if self._recollection:
            self._recollection.remember(address, credential, answer)

    def _send(self, ask: Callable[[], T]) -> T:
        with self.restraint.turn() as number, metering(self.meter):
            if self._watch:
                self._watch(number)
            return ask()

    def _must_stop(self, state: RetryCallState) -> bool:
        error = _error(state)
        if stop_after_attempt(ATTEMPTS)(state):
            self.restraint.give_up(error)
            return True
        goes_on = self.restraint.may_repeat(error, state.upcoming_sleep)
        if goes_on:
            with self._lock:
                self.retries += 1
        return not goes_on


def _threads(concurrency: int) -> int:
    """Return how many threads keep so many requests under way; a source that bears one is asked in order."""
    return concurrency + concurrency // 2


def _error(state: RetryCallState) -> SourceError | None:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, SourceError) else None


def _wait(state: RetryCallState) -> float:
    """Return seconds to wait: the server's wish, else 1, 2, 4, … up to `LONGEST_WAIT`."""
    error = _error(state)
    wish = error.retry_after if isinstance(error, TransientError) else None
    if wish is not None:
        return max(0.0, wish)
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (state.attempt_number - 1))
