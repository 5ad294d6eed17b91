"""How many requests a Jira site lets through, and the headers with which it refuses the others."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Literal, TypeAlias

from okr_sync.sandbox.jira_catalogue import Flavour
from okr_sync.sandbox.server import Response

Reason: TypeAlias = Literal["jira-burst-based", "jira-quota-global-based", "jira-per-issue-on-write"]
"""Which of Cloud's three limits was passed."""


@dataclass(slots=True)
class LimitWords:
    """How a site tells a limit: Cloud's `reason`, and the wait in seconds, as a date, or only as an instant of reset
    (on Data Center: only as the interval of its bucket).
    """

    reason: Reason = "jira-burst-based"
    wait: Literal["seconds", "date", "reset"] = "seconds"


class RateLimit:
    """Lets `after` requests through in each window of `window`, by the site's clock; no limit when `after` is None."""

    def __init__(self, window: timedelta, words: LimitWords) -> None:
        self.window = window
        self._words = words
        self.after: int | None = None
        self._lock = threading.Lock()
        self._opened: datetime | None = None
        self._used = 0

    def refusal(self, now: datetime, flavour: Flavour) -> Response | None:
        """Count a request; return the 429 when it is one too many, with Retry-After in whole seconds."""
        with self._lock:
            if self.after is None:
                self._opened, self._used = None, 0
                return None
            if self._opened is None or now - self._opened >= self.window:
                self._opened, self._used = now, 0
            self._used += 1
            if self._used <= self.after:
                return None
            return self._too_many(self._opened + self.window - now, self.after, now, flavour)

    def _too_many(self, left: timedelta, limit: int, now: datetime, flavour: Flavour) -> Response:
        headers = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": "0", **self._wait(left, now)}
        if flavour == "dc":
            headers |= {"X-RateLimit-FillRate": str(limit), "Content-Type": "text/html;charset=UTF-8"}
            headers["X-RateLimit-Interval-Seconds"] = str(int(self.window.total_seconds()))
            return Response(429, b"<html><body><h1>HTTP Status 429</h1>Too many requests</body></html>", headers)
        headers["X-RateLimit-Reset"] = (now + left).strftime("%Y-%m-%dT%H:%MZ")
        headers["RateLimit-Reason"] = self._words.reason
        return Response.of({"errorMessages": ["Rate limit exceeded."], "errors": {}}, 429, headers)

    def _wait(self, left: timedelta, now: datetime) -> dict[str, str]:
        if self._words.wait == "seconds":
            return {"Retry-After": str(max(1, math.ceil(left.total_seconds())))}
        date = {"Date": format_datetime(now, usegmt=True)}
        until = now + left
        return date if self._words.wait == "reset" else date | {"Retry-After": format_datetime(until, usegmt=True)}
