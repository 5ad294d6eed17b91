"""Who may ask a Jira site, and where it answers: credentials, scopes, and the gateway of scoped tokens."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from dataclasses import dataclass

from okr_sync.sandbox.jira_catalogue import Flavour
from okr_sync.sandbox.server import Request, Response

_GATEWAY = re.compile(r"/ex/jira/(?P<cloud_id>[^/]+)(?P<rest>/.*)")
_API = re.compile(r"/rest/api/(?P<version>2|3|latest)/(?P<rest>.+?)/?")
_HTML = {"Content-Type": "text/html;charset=UTF-8"}
WORK, USER = "read:jira-work", "read:jira-user"
FAILED = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
_DENIED = {**_HTML, **FAILED, "WWW-Authenticate": 'OAuth realm="jira"'}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a site accepts. Cloud: `email` with `token`, or, behind the gateway of `cloud_id` only, with `scoped_token`,
    or `oauth_token` as a bearer; both of these may do what `scopes` say. Data Center: `token` as a bearer.
    """

    email: str = "ana@example.com"
    token: str = "jira-token"  # noqa: S105 -- opens nothing but a sandbox
    scoped_token: str = ""
    cloud_id: str = "5cdaa1ba-9c24-4e4a-8b4f-2d8a3d1c0f00"
    oauth_token: str = ""
    scopes: frozenset[str] = frozenset({WORK, USER})


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
    """Return the 401 for a request without the right credentials or scope; None when they are right.

    `serverInfo` answers those who send none.
    """
    authorization = request.headers.get("authorization", "")
    if not authorization and address.path == "serverInfo":
        return None
    if flavour == "dc":
        return None if _same(authorization, f"Bearer {accepted.token}") else _dc_denied()
    if address.cloud_id is not None:
        return _refused_by_gateway(authorization, address, accepted)
    if _knows(authorization, accepted.email, accepted.token):
        return None
    return Response(401, b"Client must be authenticated to access this resource.", _DENIED)


def may_be_nobody(address: Address) -> bool:
    """Return whether Cloud's own site answers this to people whom it doesn't know, with what they may see: nothing."""
    return address.cloud_id is None and address.path not in ("myself", "changelog/bulkfetch")


def holds_oauth_token(authorization: str, accepted: Credentials) -> bool:
    """Return whether a request carries the OAuth 2 token."""
    return bool(accepted.oauth_token) and _same(authorization, f"Bearer {accepted.oauth_token}")


def _refused_by_gateway(authorization: str, address: Address, accepted: Credentials) -> Response | None:
    scoped = _knows(authorization, accepted.email, accepted.scoped_token) or holds_oauth_token(authorization, accepted)
    known = scoped or _knows(authorization, accepted.email, accepted.token)
    if not known or address.cloud_id != accepted.cloud_id:
        return Response.of({"code": 401, "message": "Unauthorized"}, 401)
    needed = {"serverInfo": None, "myself": USER}.get(address.path, WORK)
    if scoped and needed is not None and needed not in accepted.scopes:
        return Response.of({"code": 401, "message": "Unauthorized; scope does not match"}, 401)
    return None


def _knows(authorization: str, email: str, token: str) -> bool:
    scheme, _, pair = authorization.partition(" ")
    if scheme.lower() != "basic" or not token:
        return False
    try:
        plain = base64.b64decode(pair, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return _same(plain, f"{email}:{token}")


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


def _dc_denied() -> Response:
    page = b"<html><head><title>Unauthorized (401)</title></head><body>Encountered a 401 error.</body></html>"
    return Response(401, page, _DENIED)
