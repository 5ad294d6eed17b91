"""Turns every way in which a request to Jira can fail into a typed error that says what to do."""

from __future__ import annotations

import json
from typing import Any, NoReturn
from urllib.parse import urlsplit

import orjson
import requests

from connectors.jira_limits import reason_of, seconds_to_wait
from okr_sync.connector import AccessError, ProtocolError, SourceError, TransientError, UnauthorizedError

_LONGEST = 300  # characters of Jira's own words in a message
_WAIT = "nothing to do unless it lasts: the next run asks again"
_SIGN_IN = (
    "check the token and whether it expired; Jira Cloud wants `email` and an API token, Data Center a personal access "
    "token alone; an API token with scopes needs `sign_in: scoped_token`, an OAuth 2 token `sign_in: oauth2`"
)
_ALLOW = "give the account the permission to browse the mapped projects"
_SCOPES = "make a token with the scopes read:jira-work and read:jira-user"
_REMOVED = "Jira has removed what this version of okr-sync asks: update okr-sync; else check `url` and `deployment`"
_URL = "check `url` (with its context path, without /rest) and `deployment`"


class RefusedError(ProtocolError):
    """Jira answered 400; the message holds its words."""


class AbsentError(ProtocolError):
    """Jira answered 404."""


def broken(error: requests.RequestException, place: str) -> SourceError:
    """Return what a failure below HTTP means: try again, unless it is one that stays."""
    name = type(error).__name__
    if isinstance(error, requests.exceptions.SSLError):
        fix = "check `url`; name the authority's certificate in `ca_file`"
        return ProtocolError(f"{place}: no trusted TLS connection ({name})", fix=fix)
    passing = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    if isinstance(error, passing):
        return TransientError(f"{place}: no whole answer ({name})", fix=f"check `url`; else {_WAIT}")
    return ProtocolError(f"{place}: the answer can't be read ({name})", fix=_URL)


def refuse(response: requests.Response | None, place: str) -> NoReturn:
    """Raise what a status of 400 and above means."""
    if response is None:
        raise ProtocolError(f"{place}: no answer", fix=_URL) from None
    status, said = response.status_code, f"{place}: status {response.status_code}{_words(response)}"
    if status == 401 and "scope" in said.rpartition(": ")[2]:  # the gateway's word for a token that lacks one
        raise AccessError(said, fix=_SCOPES) from None
    _check_login(response, place)
    if status == 401:
        raise UnauthorizedError(said, fix=_SIGN_IN) from None
    if status == 403:
        raise AccessError(said, fix=f"{_ALLOW}; or {_SIGN_IN}") from None
    if status in (408, 425, 429) or status >= 500:
        wish = seconds_to_wait(response.headers)
        raise TransientError(f"{said}{reason_of(response.headers)}", fix=_WAIT, retry_after=wish) from None
    kinds: dict[int, type[ProtocolError]] = {400: RefusedError, 404: AbsentError}
    raise kinds.get(status, ProtocolError)(said, fix=_REMOVED if status == 410 else _URL) from None


def _words(response: requests.Response) -> str:
    try:
        said = json.loads(response.content)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(said, dict):
        return ""
    messages, errors, message = said.get("errorMessages"), said.get("errors"), said.get("message")
    words = [*(messages if isinstance(messages, list) else []), *(errors.values() if isinstance(errors, dict) else [])]
    if said.get("code") == response.status_code and isinstance(message, str):  # the gateway's own form
        words.append(message)
    text = "; ".join(str(word) for word in words)
    return f": {text[:_LONGEST]}" if text else ""


def _check_login(response: requests.Response, place: str) -> None:
    """Raise when Jira did not let us in, whatever the status: it may answer whom it refused as if they were nobody."""
    reason = response.headers.get("X-Seraph-LoginReason", "")
    captcha = "CAPTCHA" in response.headers.get("X-Authentication-Denied-Reason", "")
    if captcha or "DENIED" in reason or "FAILED" in reason:
        fix = "sign in once in a browser to answer the CAPTCHA; then " if captcha or "DENIED" in reason else ""
        raise UnauthorizedError(
            f"{place}: Jira refused to sign us in ({reason or 'CAPTCHA'})", fix=fix + _SIGN_IN
        ) from None


def read(response: requests.Response, place: str) -> Any:
    """Return the JSON of an answer below status 400; raises what stands in its place: a redirect, a login page."""
    _check_login(response, place)
    if response.is_redirect or 300 <= response.status_code < 400:
        _refuse_redirect(response, place)
    try:
        return _parsed(response.content)
    except (ValueError, RecursionError):
        page = response.content[:100_000].lower()
    if b"<html" in page and any(word in page for word in (b"login", b"log in", b"sign in", b"saml")):
        raise UnauthorizedError(f"{place}: a login page came instead of JSON", fix=_SIGN_IN)
    raise ProtocolError(f"{place}: status {response.status_code}, but the body is no JSON", fix=_URL)


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # It refuses half a surrogate pair, which Jira may cut a title to; what else it refuses is refused here, too.
        return json.loads(body, parse_constant=_no_number)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _refuse_redirect(response: requests.Response, place: str) -> NoReturn:
    target = urlsplit(response.headers.get("Location", ""))
    where = f"{target.scheme}://{target.hostname}{target.path}" if target.hostname else target.path
    said = f"{place}: redirected to {where or 'nowhere'}, which is not followed"
    if any(word in where.casefold() for word in ("login", "auth", "saml", "id.atlassian.com")):
        raise UnauthorizedError(said, fix=_SIGN_IN)
    raise ProtocolError(said, fix="set `url` to the address that Jira calls its own")
