"""When a source in trouble may be asked again: a state machine a source, without a clock of its own.

Closed (None) is a source that answered last. A refused credential opens it at once, other failures after `PATIENCE`
runs in a row; then one request is the probe that closes it, or keeps it open for another pause.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from okr_sync.core.numbers import show_instant

__all__ = ["Breaker", "Ended", "How", "Leave", "Trouble", "advice", "holds_back", "may_ask", "sentence", "settle"]

Trouble: TypeAlias = Literal["refused", "failing", "waiting"]
"""refused: the credential; failing: in any other way; waiting: the source itself asked to be left alone."""
Leave: TypeAlias = Literal["ask", "probe", "wait"]
"""ask: as usual; probe: the first request is sent once, and all depends on it; wait: nothing is sent."""
How: TypeAlias = Literal["answered", "refused", "failed"]

REFUSED_PAUSE = timedelta(hours=1)  # a refused credential may be locked for good by more tries
PATIENCE = 3  # failed runs in a row before a source is only probed
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=10)  # shorter than a usual interval, so that the slot after an outage succeeds
LONGEST_WISH = timedelta(days=1)  # a server that asks for more is asked after a day all the same


@dataclass(frozen=True, slots=True)
class Breaker:
    """A source in trouble `since` an instant, after so many `failures` in a row, the last of them at `at`.

    Nothing is sent before `next_try` (exclusive; None: the next run may ask). `fingerprint` tells the settings with
    which it was asked: with others all of this counts no more. `error` and `fix` are those of the last failure.
    """

    fingerprint: str
    trouble: Trouble
    since: datetime
    at: datetime
    failures: int = 0
    next_try: datetime | None = None
    error: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """How asking a source ended that began at the instant `at`.

    `wish`: seconds from then on for which it asks to be left alone; None: it does not ask.
    """

    how: How
    at: datetime
    error: str = ""
    fix: str = ""
    wish: float | None = None


def holds_back(breaker: Breaker | None, now: datetime) -> bool:
    """Return whether nothing is sent at `now`. A clock that went back behind the last try holds nothing back."""
    return breaker is not None and breaker.next_try is not None and breaker.at <= now < breaker.next_try


def may_ask(breaker: Breaker | None, fingerprint: str, now: datetime) -> Leave:
    """Return how a source with these settings may be asked at `now`."""
    if breaker is None or breaker.fingerprint != fingerprint:
        return "ask"
    if holds_back(breaker, now):
        return "wait"
    return "probe" if breaker.trouble == "refused" or breaker.failures >= PATIENCE else "ask"


def settle(breaker: Breaker | None, fingerprint: str, ended: Ended) -> Breaker | None:
    """Return the state after asking ended so; None: all is well.

    The pause is an hour after a refused credential; else none for the first failures, then 1, 2, 4, … minutes up to
    `LONGEST_PAUSE`. A longer wish of the source, up to a day, goes before it.
    """
    before = breaker if breaker is not None and breaker.fingerprint == fingerprint else None
    wish = None if ended.wish is None else _bounded(ended.wish)
    if ended.how == "answered" and wish is None:
        return None
    failures = 0 if ended.how == "answered" else 1 + (before.failures if before else 0)
    trouble: Trouble = "refused" if ended.how == "refused" else "failing" if wish is None else "waiting"
    pauses = [pause for pause in (_pause(ended.how, failures), wish) if pause is not None]
    return Breaker(
        fingerprint=fingerprint,
        trouble=trouble,
        since=before.since if before and (before.trouble == "refused") == (trouble == "refused") else ended.at,
        at=ended.at,
        failures=failures,
        next_try=ended.at + max(pauses) if pauses else None,
        error=ended.error,
        fix=ended.fix,
    )


def sentence(breaker: Breaker) -> str:
    """Return what is wrong since when, and when the next try is."""
    since = show_instant(breaker.since)
    told = {
        "refused": f"credential refused since {since}",
        "failing": f"{breaker.failures} failed run{'s' * (breaker.failures != 1)} in a row since {since}",
        "waiting": f"asked since {since} to be left alone",
    }[breaker.trouble]
    return told if breaker.next_try is None else f"{told}; next try {show_instant(breaker.next_try)}"


def advice(breaker: Breaker) -> str:
    """Return what a person can do while nothing is sent."""
    own = breaker.fix.rstrip(".")
    sooner = "changed settings are tried at once, and so is everything by `okr-sync sync --retry`"
    return f"{own}; {sooner}" if own else sooner


def _pause(how: How, failures: int) -> timedelta | None:
    if how == "refused":
        return REFUSED_PAUSE
    if failures < PATIENCE:
        return None
    doublings = min(failures - PATIENCE, 10)
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << doublings))


def _bounded(wish: float) -> timedelta:
    """Return the wish, at least 0 and at most a day, which NaN and infinity are, too."""
    longest = LONGEST_WISH.total_seconds()
    return timedelta(seconds=max(0.0, wish)) if wish < longest else LONGEST_WISH
