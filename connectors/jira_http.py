"""Sends single requests to Jira through the pycontribs client, and turns every failure into a typed error."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
from jira import JIRA, JIRAError
from requests.adapters import HTTPAdapter

from okr_sync.connector import AccessError, Caller, ProtocolError, SourceError, TransientError

_CONNECT = 5.0  # seconds
_LARGEST = 64 * 1024 * 1024  # bytes of one answer, unpacked
_LONGEST = 300  # characters of Jira's own words in a message
_WAIT = "nothing to do unless it lasts: the next run asks again"
_SIGN_IN = (
    "check the token and whether it expired; Jira Cloud wants `email` and an API token, Data Center a personal access "
    "token alone; tokens with scopes need the url https://api.atlassian.com/ex/jira/<cloud id>"
)
_URL = "check `url` (with its context path, without /rest) and `deployment`"


class RefusedError(ProtocolError):
    """Jira answered 400; the message holds its words."""


class AbsentError(ProtocolError):
    """Jira answered 404."""


class JiraHttp:
    """Asks one Jira site; each thread has a client of its own. Answers are raw JSON."""

    def __init__(self, url: str, token: str, *, email: str | None, timeout: float, caller: Caller) -> None:
        self.url = url
        self._sign_in: dict[str, Any] = {"basic_auth": (email, token)} if email else {"token_auth": token}
        self._timeout = timeout
        self._caller = caller
        self._lock = threading.Lock()
        self._local = threading.local()
        self._clients: list[JIRA] = []

    def get(self, path: str) -> Any:
        """Return the JSON at `path` ("2/myself"); raises SourceError."""
        return self._caller.call(lambda: self._send("GET", path, None))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return the JSON that answers `body`; raises SourceError."""
        return self._caller.call(lambda: self._send("POST", path, json.dumps(body)))

    def close(self) -> None:
        """Close the clients of all threads; the next request makes new ones."""
        with self._lock:
            clients, self._clients, self._local = self._clients, [], threading.local()
        for client in clients:
            client.close()  # type: ignore[no-untyped-call]

    def _client(self) -> JIRA:
        client: JIRA | None = getattr(self._local, "client", None)
        if client is None:
            # serverInfo is asked by the connector: the library would ask up to four times, and before trust_env is off
            client = JIRA(
                self.url, get_server_info=False, max_retries=0, timeout=(_CONNECT, self._timeout), logging=False,
                **self._sign_in,
            )  # fmt: skip
            client._session.trust_env = False
            for scheme in ("http://", "https://"):
                client._session.mount(scheme, _Capped())
            self._local.client = client
            with self._lock:
                self._clients.append(client)
        return client

    def _send(self, method: str, path: str, body: str | None) -> Any:
        place = f"{method} {self.url}/rest/api/{path}"
        try:
            response = self._client()._session.request(
                method, f"{self.url}/rest/api/{path}", data=body, allow_redirects=False
            )
        except JIRAError as error:  # its own text carries headers and bodies, so nothing of it is kept but the status
            refuse(error.response, place)
        except requests.RequestException as error:
            raise broken(error, place) from None
        return _read(response, place)


class _Capped(HTTPAdapter):
    """Reads each body at once, and no more than is sane: a few megabytes packed can be gigabytes unpacked."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Return the response with its body read."""
        response = super().send(request, *args, **{**kwargs, "stream": True})
        body = bytearray()
        for piece in response.iter_content(1 << 16):
            body += piece
            if len(body) > _LARGEST:
                response.close()
                raise requests.exceptions.ContentDecodingError(f"more than {_LARGEST} bytes")
        response._content = bytes(body)
        return response


def broken(error: requests.RequestException, place: str) -> SourceError:
    """Return what a failure below HTTP means: try again, unless it is one that stays."""
    name = type(error).__name__
    if isinstance(error, requests.exceptions.SSLError):
        return ProtocolError(f"{place}: no trusted TLS connection ({name})", fix="check `url` and the certificate")
    passing = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    if isinstance(error, passing):
        return TransientError(f"{place}: no whole answer ({name})", fix=f"check `url`; else {_WAIT}")
    return ProtocolError(f"{place}: the answer can't be read ({name})", fix=_URL)


def refuse(response: requests.Response | None, place: str) -> NoReturn:
    """Raise what a status of 400 and above means."""
    if response is None:
        raise ProtocolError(f"{place}: no answer", fix=_URL) from None
    status, said = response.status_code, f"{place}: status {response.status_code}{_words(response)}"
    _check_login(response, place)
    if status in (401, 403):
        raise AccessError(said, fix=_SIGN_IN) from None
    if status in (408, 425, 429) or status >= 500:
        raise TransientError(said, fix=_WAIT, retry_after=_retry_after(response.headers)) from None
    kinds: dict[int, type[ProtocolError]] = {400: RefusedError, 404: AbsentError}
    raise kinds.get(status, ProtocolError)(said, fix=_URL) from None


def _words(response: requests.Response) -> str:
    try:
        said = json.loads(response.content)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(said, dict):
        return ""
    messages, errors = said.get("errorMessages"), said.get("errors")
    words = [*(messages if isinstance(messages, list) else []), *(errors.values() if isinstance(errors, dict) else [])]
    text = "; ".join(str(word) for word in words)
    return f": {text[:_LONGEST]}" if text else ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    wish = headers.get("Retry-After", "")
    try:
        seconds = float(wish)
    except ValueError:
        seconds = _until(wish, headers.get("Date", ""))
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _until(wish: str, date: str) -> float:
    try:
        return (parsedate_to_datetime(wish) - parsedate_to_datetime(date)).total_seconds()
    except (ValueError, TypeError):  # no date, or one of the two without a zone
        return math.nan


def _check_login(response: requests.Response, place: str) -> None:
    reason = response.headers.get("X-Seraph-LoginReason", "")
    captcha = "CAPTCHA" in response.headers.get("X-Authentication-Denied-Reason", "")
    if captcha or "DENIED" in reason or "FAILED" in reason:
        fix = "sign in once in a browser to answer the CAPTCHA; then " if captcha or "DENIED" in reason else ""
        raise AccessError(f"{place}: Jira refused to sign us in ({reason or 'CAPTCHA'})", fix=fix + _SIGN_IN) from None


def _read(response: requests.Response, place: str) -> Any:
    _check_login(response, place)
    if response.is_redirect or 300 <= response.status_code < 400:
        _refuse_redirect(response, place)
    try:
        return json.loads(response.content, parse_constant=_no_number)
    except (ValueError, RecursionError):
        page = response.content[:100_000].lower()
    if b"<html" in page and any(word in page for word in (b"login", b"log in", b"sign in", b"saml")):
        raise AccessError(f"{place}: a login page came instead of JSON", fix=_SIGN_IN)
    raise ProtocolError(f"{place}: status {response.status_code}, but the body is no JSON", fix=_URL)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _refuse_redirect(response: requests.Response, place: str) -> NoReturn:
    target = urlsplit(response.headers.get("Location", ""))
    where = f"{target.scheme}://{target.hostname}{target.path}" if target.hostname else target.path
    said = f"{place}: redirected to {where or 'nowhere'}, which is not followed"
    if any(word in where.casefold() for word in ("login", "auth", "saml", "id.atlassian.com")):
        raise AccessError(said, fix=_SIGN_IN)
    raise ProtocolError(said, fix="set `url` to the address that Jira calls its own")
