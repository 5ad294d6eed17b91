"""Decides request by request whether a source may be sent one more in this run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from okr_sync.errors import BudgetError, SourceError, TransientError, UnauthorizedError

__all__ = ["Restraint"]

AFTER_REFUSAL = 1  # requests after a refused credential: one that renews it, or tries it again
A_FEW = 5  # requests of a run that are repeated however few it sends
A_SHARE = 0.2  # of its requests, beyond those few
IN_A_ROW = 5  # requests repeated without an answer in between, over all threads; twice those at once after an answer


class Restraint:
    """The rules that hold for all requests to one source in one run; safe in many threads.

    * Not more than `concurrency` are under way at once, whoever asks: while an answer is read on, others may be asked.
    * Until the source has answered, and again after it refused the credential, requests go one by one.
    * After a refusal one more is sent; if it is refused, too, nothing more is. With `probing`, nothing is at once.
    * Not more than `budget` requests are sent, those `sent_before` in this run, `repeated_before` of them, included.
    * A few are repeated, and beyond that a share of them: a source in trouble costs little more than a healthy one.
    * None is sent after `seconds`, and none once `stop` is set.
    * After a wait that the source asked for and there is no time for, nothing more is sent.

    `requests` counts what was sent, `answered` what was not refused and no passing failure.
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
        elapsed: Callable[[], float] = time.monotonic,
        stop: threading.Event | None = None,
    ) -> None:
        self.requests = 0
        self.answered = 0
        self.spent = False
        self._seconds = seconds
        self._budget = budget
        self._sent_before = sent_before
        self._probing = probing
        self._elapsed = elapsed
        self._end = elapsed() + seconds
        self._stop = stop or threading.Event()
        self._in_a_row = max(IN_A_ROW, 2 * concurrency)
        self._lock = threading.Lock()
        self._alone = threading.RLock()  # the same thread may ask inside of an asking
        self._side_by_side = threading.BoundedSemaphore(concurrency)
        self._asking = threading.local()  # `now`: whether this thread is in an asking
        self._trusted = False
        self._refusal: UnauthorizedError | None = None
        self._refusals = 0
        self._left = 0
        self._repeated = 0  # in a row
        self._repeated_at_all = repeated_before
        self._until: float | None = None
        self._asked_to_wait: TransientError | None = None
        self._ended = False

    @property
    def refused(self) -> bool:
        """Whether the credential was refused and nothing was answered since."""
        return self._refusal is not None

    @property
    def trouble(self) -> SourceError | None:
        """The error with which the credential was refused, else the one that asked for a wait; None: there is none."""
        return self._refusal or self._asked_to_wait

    @property
    def wish(self) -> float | None:
        """Seconds from now for which the source asked to be left alone; None: it did not, or they are over."""
        left = None if self._until is None else self._until - self._elapsed()
        return left if left is not None and left > 0 else None

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline, ≥ 0."""
        return max(0.0, self._end - self._elapsed())

    def is_trusted(self) -> bool:
        """Return whether the source has answered, and refused nothing since: until then requests go one by one."""
        return self._trusted

    @contextmanager
    def turn(self) -> Iterator[int]:
        """Wait until a request may be sent, give its number, and note how the block ends.

        Raises SourceError when it may not be sent.
        """
        alone = self._enter()
        try:
            with self._one_of_few():
                number, refusals = self._begin()
                try:
                    yield number
                except SourceError as error:
                    self._heard(error, refusals)
                    raise
                self._heard(None, refusals)
        finally:
            if alone:
                self._alone.release()

    def may_repeat(self, error: SourceError | None, wait: float) -> bool:
        """Return whether a request that failed so may be sent again after `wait` seconds; counts it if so."""
        with self._lock:
            past_the_end = self._elapsed() + wait > self._end
            most = self._in_a_row if self._trusted else IN_A_ROW
            given_up = self._stop.is_set() or self._repeated >= most or (self._probing and not self._trusted)
            if not (past_the_end or given_up or self._has_repeated_enough()):
                self._repeated += 1
                self._repeated_at_all += 1
                return True
        self.give_up(error, final=past_the_end)
        return False

    def _has_repeated_enough(self) -> bool:
        """Return whether one more would be beyond A_FEW + A_SHARE × what was asked, each question counted once."""
        asked = self._sent_before + self.requests - self._repeated_at_all
        return self._repeated_at_all >= A_FEW + int(A_SHARE * asked)

    def give_up(self, error: BaseException | None, *, final: bool = False) -> None:
        """Keep the wait that the source asked for; `final`: nothing more is sent in this run."""
        if isinstance(error, TransientError) and error.retry_after is not None:
            with self._lock:
                until = self._elapsed() + error.retry_after
                if self._until is None or until > self._until:
                    self._until, self._asked_to_wait = until, error
                self._ended = self._ended or final

    def _enter(self) -> bool:
        """Wait until this thread may send; return whether it is the only one that may."""
        if self.is_trusted():
            return False
        self._alone.acquire()
        if self.is_trusted():  # another thread was answered meanwhile
            self._alone.release()
            return False
        return True

    @contextmanager
    def _one_of_few(self) -> Iterator[None]:
        """Wait for one of the places side by side; an asking inside of an asking of this thread has that one's."""
        if getattr(self._asking, "now", False):
            yield
            return
        if not self._side_by_side.acquire(timeout=min(self.seconds_left, threading.TIMEOUT_MAX)):
            raise self._too_late()
        self._asking.now = True
        try:
            yield
        finally:
            self._asking.now = False
            self._side_by_side.release()

    def _begin(self) -> tuple[int, int]:
        """Count a request; return its number and the refusals before it. Raises SourceError when it may not be."""
        with self._lock:
            self._require_time()
            if self._ended and self._asked_to_wait is not None:
                raise TransientError(str(self._asked_to_wait), fix=self._asked_to_wait.fix, retry_after=self.wish)
            if self._refusal is not None and self._left == 0:
                raise UnauthorizedError(str(self._refusal), fix=self._refusal.fix)
            if self._budget is not None and self._sent_before + self.requests >= self._budget:
                self.spent = True
                raise BudgetError(
                    f"the budget of {self._budget} requests in a run is spent",
                    fix="raise `budget` of this source, or map less to it",
                )
            self._left -= self._refusal is not None
            self.requests += 1
            return self.requests, self._refusals

    def _require_time(self) -> None:
        if self._stop.is_set():
            raise TransientError("the run was stopped", fix="run it again")
        if self._elapsed() >= self._end:
            raise self._too_late()

    def _too_late(self) -> TransientError:
        return TransientError(
            f"the source's deadline of {self._seconds:g} s has passed",
            fix="raise `deadline` of this source, or map less to it",
        )

    def _heard(self, error: SourceError | None, refusals: int) -> None:
        with self._lock:
            newer = refusals == self._refusals  # else it was sent before a refusal, and proves nothing
            if isinstance(error, UnauthorizedError):
                if newer:
                    self._left = self._tries_left() if self._refusal is None else 0
                    self._refusals, self._refusal, self._trusted = refusals + 1, error, False
            elif not isinstance(error, TransientError):
                self.answered += 1
                self._repeated = 0
                if newer:
                    self._refusal, self._trusted = None, True

    def _tries_left(self) -> int:
        return 0 if self._probing and not self.answered else AFTER_REFUSAL
