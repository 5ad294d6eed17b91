"""What GitHub says in its headers about a token: its scopes, when it ends, and which permissions an answer takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from okr_sync.connector import Grant

CLASSIC = ("repo (for private repositories)",)
FINE_GRAINED = ("Issues: read", "Pull requests: read")


def read_grant(headers: Mapping[str, str]) -> Grant:
    """Return what the headers (names in lower case) of any answer say of the token that asked.

    Only classic tokens have scopes, maybe none. What a fine-grained one may do is not told, only what it may not.
    """
    scopes, expires = headers.get("x-oauth-scopes"), _end(headers.get("github-authentication-token-expiration", ""))
    if scopes is None:
        return Grant(FINE_GRAINED, expires=expires)
    return Grant(CLASSIC, tuple(sorted(filter(None, (each.strip() for each in scopes.split(","))))), expires=expires)


def accepted(headers: Mapping[str, str]) -> str:
    """Return " (needs issues=read)" when a refusal names the permissions that it takes, else nothing."""
    told = headers.get("x-accepted-github-permissions") or headers.get("x-accepted-oauth-scopes") or ""
    return f" (needs {told[:100]})" if told.strip() else ""


def _end(text: str) -> datetime | None:
    """Return the instant of "2026-12-01 09:00:00 UTC" or "… +0200"; None when there is none to read."""
    try:
        return datetime.strptime(text.replace("UTC", "+0000"), "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
    except ValueError:
        return None
