"""GitHub's rate limits: hourly windows for REST and GraphQL, and secondary limits on demand."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from okr_sync.sandbox.server import Response

__all__ = ["Limits", "Resource", "Window"]

Resource: TypeAlias = Literal["core", "graphql"]

_WINDOW = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class Window:
    """The points of one resource in the present hour; `reset` is when the hour ends."""

    limit: int
    used: int = 0
    reset: datetime | None = None

    @property
    def remaining(self) -> int:
        """Points left, never below 0."""
        return max(0, self.limit - self.used)


@dataclass(slots=True)
class Limits:
    """The windows of one token; an hour begins with the first request after the last one ended.

    `a_minute`: how many requests are borne in any minute; what is not there is not looked at.
    """

    windows: dict[Resource, Window]
    a_minute: Mapping[Resource, int] = field(default_factory=dict)
    _lately: dict[Resource, deque[datetime]] = field(default_factory=dict)
    _secondary: list[tuple[int, int | None]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def charge(self, resource: Resource, points: int, now: datetime) -> bool:
        """Take `points`; returns False, and takes nothing, when fewer are left."""
        with self._lock:
            window = self._window(resource, now)
            if window.remaining < max(points, 1):
                return False
            window.used += points
            return True

    def refund(self, resource: Resource, points: int) -> None:
        """Give points back: an unchanged answer is free."""
        with self._lock:
            self.windows[resource].used -= points

    def exhaust(self, resource: Resource, now: datetime) -> None:
        """Use up the present window."""
        with self._lock:
            window = self._window(resource, now)
            window.used = window.limit

    def limit_secondary(self, *, times: int, status: Literal[403, 429], retry_after: int | None) -> None:
        """Refuse the next `times` requests; `retry_after` in seconds, None leaves the header out."""
        with self._lock:
            self._secondary += [(status, retry_after)] * times

    def refusal(self, resource: Resource, now: datetime) -> Response | None:
        """Return the answer of a secondary limit that is due, and count it down; None when none is."""
        with self._lock:
            if self._is_hasty(resource, now):
                self._secondary.append((403, 60))
            if not self._secondary:
                return None
            status, retry_after = self._secondary.pop(0)
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        link = (
            "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"
        )
        return Response.of({"message": message, "documentation_url": link}, status, headers)

    def shown(self, resource: Resource, now: datetime) -> dict[str, int]:
        """Return limit, used, remaining and reset (epoch seconds)."""
        with self._lock:
            window = self._window(resource, now)
            reset = int((window.reset or now + _WINDOW).timestamp())
            return {"limit": window.limit, "used": window.used, "remaining": window.remaining, "reset": reset}

    def headers(self, resource: Resource, now: datetime) -> dict[str, str]:
        """Return the X-RateLimit headers."""
        shown = {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in self.shown(resource, now).items()}
        return {**shown, "X-RateLimit-Resource": resource}

    def _is_hasty(self, resource: Resource, now: datetime) -> bool:
        """Count a request; return whether there were too many in the last minute."""
        if resource not in self.a_minute:
            return False
        lately = self._lately.setdefault(resource, deque())
        while lately and lately[0] <= now - _MINUTE:
            lately.popleft()
        if len(lately) >= self.a_minute[resource]:
            return True
        lately.append(now)
        return False

    def _window(self, resource: Resource, now: datetime) -> Window:
        window = self.windows[resource]
        if window.reset is None or now >= window.reset:
            window.used, window.reset = 0, now + _WINDOW
        return window
