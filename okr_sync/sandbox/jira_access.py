"""Who may ask a Jira site, and where it answers: credentials, the gateway of scoped tokens, and limits of rate."""

from __future__ import annotations

import base64
import binascii
import hmac
import math
import re
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from okr_sync.sandbox.jira_catalogue import Flavour
from okr_sync.sandbox.server import Request, Response

_GATEWAY = re.compile(r"/ex/jira/(?P<cloud_id>[^/]+)(?P<rest>/.*)")
_API = re.compile(r"/rest/api/(?P<version>2|3|latest)/(?P<rest>.+?)/?")
_HTML = {"Content-Type": "text/html;charset=UTF-8"}
_DENIED = {**_HTML, "X-Seraph-LoginReason": "AUTHENTICATED_FAILED", "WWW-Authenticate": 'OAuth realm="jira"'}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a site accepts. Cloud: `email` with `token`, or with `scoped_token` behind the gateway of `cloud_id` only.
    Data Center: `token` as a bearer.
    """

    email: str = "ana@example.com"
    token: str = "jira-token"  # noqa: S105 -- opens nothing but a sandbox
    scoped_token: str = ""
    cloud_id: str = "5cdaa1ba-9c24-4e4a-8b4f-2d8a3d1c0f00"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a request goes: `api` is the base of links, `path` what follows it, `site` the base for people."""

    site: str
    api: str
    path: str
    cloud_id: str | None
    """Set when the request came by the gateway."""


def locate(request: Request, flavour: Flavour) -> Address | None:
    """Return where a request goes; None when the site has no API there."""
    host = f"http://{request.headers.get('host', 'localhost')}"
    gateway = _GATEWAY.fullmatch(request.path) if flavour == "cloud" else None
    match = _API.fullmatch(gateway["rest"] if gateway else request.path)
    if match is None or (flavour == "dc" and match["version"] == "3"):
        return None
    base = f"{host}/ex/jira/{gateway['cloud_id']}" if gateway else host
    return Address(host, f"{base}/rest/api/{match['version']}", match["rest"], gateway["cloud_id"] if gateway else None)


def refusal(request: Request, address: Address, flavour: Flavour, accepted: Credentials) -> Response | None:
    """Return the 401 for a request without the right credentials; None when they are right.

    `serverInfo` answers those who send none.
    """
    authorization = request.headers.get("authorization", "")
    if not authorization and address.path == "serverInfo":
        return None
    if flavour == "dc":
        return None if _same(authorization, f"Bearer {accepted.token}") else _dc_denied()
    if address.cloud_id is not None:
        tokens = [accepted.token, accepted.scoped_token] if address.cloud_id == accepted.cloud_id else []
        if _knows(authorization, accepted.email, tokens):
            return None
        return Response.of({"code": 401, "message": "Unauthorized"}, 401)
    if _knows(authorization, accepted.email, [accepted.token]):
        return None
    return Response(401, b"Client must be authenticated to access this resource.", _DENIED)


def _knows(authorization: str, email: str, tokens: list[str]) -> bool:
    scheme, _, pair = authorization.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        plain = base64.b64decode(pair, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return any(_same(plain, f"{email}:{token}") for token in tokens if token)


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


def _dc_denied() -> Response:
    page = b"<html><head><title>Unauthorized (401)</title></head><body>Encountered a 401 error.</body></html>"
    return Response(401, page, _DENIED)


class RateLimit:
    """Lets `after` requests through in each window of `window`, by the site's clock; no limit when `after` is None."""

    def __init__(self, window: timedelta) -> None:
        self.window = window
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
        seconds = str(max(1, math.ceil(left.total_seconds())))
        headers = {"Retry-After": seconds, "X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": "0"}
        if flavour == "dc":
            headers |= {"X-RateLimit-FillRate": str(limit), **_HTML}
            headers["X-RateLimit-Interval-Seconds"] = str(int(self.window.total_seconds()))
            return Response(429, b"<html><body><h1>HTTP Status 429</h1>Too many requests</body></html>", headers)
        headers["X-RateLimit-Reset"] = (now + left).strftime("%Y-%m-%dT%H:%MZ")
        headers["RateLimit-Reason"] = "jira-burst-based"
        return Response.of({"errorMessages": ["Rate limit exceeded."], "errors": {}}, 429, headers)
