"""The ways in which a service on the web breaks, and what a connector must make of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime, formatdate, parsedate_to_datetime

from okr_sync.connector import AccessError, ProtocolError, SourceError, TransientError
from okr_sync.testing.server import Fault, Response

BODY = "planted-body-e81c"  # in every body of an error: it must come out nowhere
COOKIE = "planted-cookie-55d0"
ALWAYS = 1_000  # times: more often than any test asks
WISH = 90.0  # seconds that the server wishes for as a date


@dataclass(frozen=True, slots=True)
class Way:
    """One way to break: the fault, and the error that must come of it. `wish` is its `retry_after`."""

    fault: Callable[[], Fault]
    error: type[SourceError] | tuple[type[SourceError], ...]
    wish: float | None = None
    impatient: bool = False
    """Only a connector with a short time-out shows it in time."""
    huge: bool = False
    """Only a connector that takes little at once shows it cheaply."""


def _status(status: int, headers: Mapping[str, str] | None = None) -> Callable[[], Fault]:
    text = {"Content-Type": "text/html", "Set-Cookie": f"session={COOKIE}", **(headers or {})}
    return _reply(Response(status, f"<html>{BODY}</html>".encode(), text))


def _reply(response: Response) -> Callable[[], Fault]:
    return lambda: Fault("response", response, times=ALWAYS)


def _until_a_date() -> Fault:
    now: datetime = parsedate_to_datetime(formatdate(usegmt=True))
    return _status(429, {"Retry-After": format_datetime(now + timedelta(seconds=WISH), usegmt=True)})()


def _sized(largest: int) -> Mapping[str, Way]:
    return {
        "a gzip bomb": Way(lambda: Fault("bomb", times=ALWAYS, size=largest + 1), ProtocolError, huge=True),
        "a huge answer": Way(lambda: Fault("flood", times=ALWAYS, size=largest + 1), ProtocolError, huge=True),
    }


_LATER = {f"status {status}": Way(_status(status), TransientError) for status in (500, 502, 503, 504)}
_NEVER = {
    "status 401": Way(_status(401), AccessError),
    "status 403": Way(_status(403), AccessError),
    "status 400": Way(_status(400), SourceError),
    "status 404": Way(_status(404), SourceError),
    "status 410": Way(_status(410), SourceError),
}
_LIMITED = {
    "status 429": Way(_status(429), TransientError),
    "status 429 for seconds": Way(_status(429, {"Retry-After": "7"}), TransientError, wish=7.0),
    "status 429 until a date": Way(_until_a_date, TransientError, wish=WISH),
    "status 429 with nonsense": Way(_status(429, {"Retry-After": "soon"}), TransientError),
    "status 503 for seconds": Way(_status(503, {"Retry-After": "120"}), TransientError, wish=120.0),
}
_BROKEN = {
    "a page for people": Way(_status(200), (ProtocolError, AccessError)),
    "an empty answer": Way(_reply(Response(200, b"")), ProtocolError),
    "half an object": Way(_reply(Response(200, b'{"data": {"')), ProtocolError),
    "no text": Way(_reply(Response(200, b"\xff\xfe\xfd")), ProtocolError),
    "nested without end": Way(_reply(Response(200, b"[" * 100_000)), ProtocolError),
    "nothing": Way(_reply(Response(200, b"null")), ProtocolError),
}
_CUT = {
    "a body cut short": Way(lambda: Fault("truncate", times=ALWAYS), TransientError),
    "a connection that ends": Way(lambda: Fault("drop", times=ALWAYS), TransientError),
    "silence": Way(lambda: Fault("silence", times=ALWAYS, seconds=1.5), TransientError, impatient=True),
    "a drip": Way(lambda: Fault("drip", times=ALWAYS, seconds=5), TransientError, impatient=True),
}

SIZES = ("a gzip bomb", "a huge answer")
WAYS = (*_NEVER, *_LIMITED, *_LATER, *_BROKEN, *_CUT, *SIZES)
"""The names of all ways."""


def way(name: str, largest: int) -> Way:
    """Return the way of this name for a connector that takes answers of at most `largest` bytes."""
    return {**_NEVER, **_LIMITED, **_LATER, **_BROKEN, **_CUT, **_sized(largest)}[name]
