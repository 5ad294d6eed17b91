"""Keeps requests below what a source allows in a minute, so that it need not refuse any."""

from __future__ import annotations

import threading
from collections import defaultdict, deque

__all__ = ["Pacing"]

MINUTE = 60.0  # seconds


class Pacing:
    """The requests of the last minute, and those that are to come, by the name of their limit; safe in many threads."""

    def __init__(self) -> None:
        self._sent: defaultdict[str, deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def reserve(self, limit: str, a_minute: int, now: float, end: float) -> float:
        """Return the seconds, ≥ 0, after which one more request keeps `limit`: no more than `a_minute` in any minute.

        Its place is taken if that is not after `end`. `now` and `end` are seconds of a clock that never goes back.
        """
        with self._lock:
            sent = self._sent[limit]
            while sent and sent[0] <= now - MINUTE:
                sent.popleft()
            at = now if len(sent) < a_minute else max(now, sent[-a_minute] + MINUTE)
            if at <= end:
                sent.append(at)
            return at - now
