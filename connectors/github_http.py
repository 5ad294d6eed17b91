"""Sends single requests to GitHub with PyGithub and turns whatever comes back into checked JSON or a typed error."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlsplit

import requests
from github import Auth, Github
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester

from okr_sync.connector import AccessError, Caller, ProtocolError, TransientError

SECONDARY_WAIT = 60.0  # seconds; GitHub asks for "at least one minute" after a secondary limit that names no time
LONGEST_QUOTE = 200  # characters of GitHub's own words that a message repeats
MOST_BYTES = 64 * 2**20  # bytes of one answer, unpacked; a hundred issues with labels are under 1 MiB
MOST_HOPS = 3  # redirects followed for one request
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class TooMuchError(TransientError):
    """GitHub could not answer a question of this size in its ten seconds: ask for less next time."""


class NotThereError(ProtocolError):
    """404: what the path names does not exist, or the token may not see it."""


class GoneError(ProtocolError):
    """410: what the path names was deleted."""


class _MovedError(Exception):
    def __init__(self, location: str) -> None:
        super().__init__("redirected")  # the address itself may carry secrets, and this text gets into tracebacks
        self.location = location


@dataclass(frozen=True, slots=True)
class Reply:
    """A checked answer: JSON, and headers by lower-case name."""

    payload: Any
    headers: Mapping[str, str]


class Client:
    """Asks GitHub's REST and GraphQL interfaces; safe in many threads.

    A PyGithub client mixes up answers when threads share it, so each request borrows one that nobody else holds.
    """

    def __init__(self, url: str, token: str, timeout: float, caller: Caller) -> None:
        self.url = url.rstrip("/")
        self.host = urlsplit(url).netloc
        self._token = token
        self._timeout = timeout
        self._caller = caller
        self._idle: deque[_Line] = deque()

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Reply:
        """Return the answer to GET `path`, following renamed and transferred repositories with the query kept.

        Raises NotThereError for 404, GoneError for 410, else as its status says.
        """
        for _ in range(MOST_HOPS):
            try:
                return self._caller.call(partial(self._ask, "GET", path, dict(parameters or {}), None))
            except _MovedError as moved:
                path = self._follow(moved.location)
        raise ProtocolError(f"GitHub at {self.host} redirects without end: {path}", fix="check `url` of this source")

    def post(self, query: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a GraphQL answer: `data`, and those `errors` that concern single parts only.

        Sends one request, outside of `Caller.call`: that is the business of who decides how much to ask for.
        Raises TooMuchError when GitHub ran out of time.
        """
        try:
            reply = self._ask("POST", "graphql", {}, {"query": query, "variables": dict(variables)})
        except (NotThereError, _MovedError):
            raise ProtocolError(
                f"there is no GitHub GraphQL interface at {self.url}",
                fix="set `url` to https://api.github.com, or to https://HOST/api/v3 for Enterprise",
            ) from None
        return self._graphql(reply)

    def close(self) -> None:
        """Close all connections; a later request opens new ones."""
        while self._idle:
            self._idle.pop().close()

    def _ask(self, verb: str, path: str, parameters: dict[str, Any], body: dict[str, Any] | None) -> Reply:
        with self._line() as line:
            status, headers, text = self._send(lambda: line.send(verb, path, parameters, body))
        return Reply(self._checked(status, headers, text), headers)

    @contextmanager
    def _line(self) -> Iterator[_Line]:
        try:
            line = self._idle.pop()
        except IndexError:
            line = _Line(self.url, self._token, self._timeout)
        try:
            yield line
        finally:
            self._idle.append(line)

    def _send(self, send: Callable[[], tuple[int, dict[str, Any], str]]) -> tuple[int, dict[str, Any], str]:
        try:
            return send()
        except requests.exceptions.RequestException as error:
            # The error's own text may quote a header, so only its name goes on.
            raise TransientError(
                f"no answer from GitHub at {self.host}: {type(error).__name__}", fix="check the network and `url`"
            ) from None
        except (ValueError, OverflowError):  # PyGithub reads the rate headers of every answer, without care
            raise ProtocolError(
                f"GitHub at {self.host} answered with headers that can't be read", fix="check `url` of this source"
            ) from None

    def _follow(self, location: str) -> str:
        target, here = urlsplit(location), urlsplit(self.url)
        if target.netloc not in ("", here.netloc) or not target.path.startswith(f"{here.path}/"):
            raise ProtocolError(
                f"GitHub at {self.host} redirects to another place ({target.netloc or target.scheme})",
                fix="check `url` of this source",
            )
        return target.path.removeprefix(here.path)

    def _checked(self, status: int, headers: Mapping[str, str], text: str) -> Any:
        payload, is_json = _parse(text)
        if status != 200:
            said = payload.get("message") if isinstance(payload, dict) else None
            self._refuse(status, headers, self._quote(said))
        if not is_json:
            raise ProtocolError(
                f"GitHub at {self.host} answered 200 with {'nothing' if not text else 'something that is not JSON'}",
                fix="check `url`; a proxy or a sign-in page may stand in between",
            )
        return payload

    def _refuse(self, status: int, headers: Mapping[str, str], said: str) -> NoReturn:
        where = f"GitHub at {self.host} answered {status}{said}"
        if status == 401:
            raise AccessError(where, fix="renew the token, or check that the variable holds the right one")
        if status == 404:
            raise NotThereError(where, fix="check `url` of this source")
        if status == 410:
            raise GoneError(where, fix="check `url` of this source")
        if status == 429 or (status == 403 and _is_limit(headers, said)):
            raise TransientError(where, fix="wait, or sync less often", retry_after=seconds_to_wait(headers, said))
        if status == 403:
            raise AccessError(where, fix="give the token read access to issues and pull requests; authorise it for SSO")
        if status in (502, 504):
            raise TooMuchError(where, fix="see githubstatus.com", retry_after=seconds_to_wait(headers, said))
        if status >= 500:
            raise TransientError(where, fix="see githubstatus.com", retry_after=seconds_to_wait(headers, said))
        raise ProtocolError(where, fix="check `url` of this source")

    def _graphql(self, reply: Reply) -> Mapping[str, Any]:
        payload = reply.payload
        if not isinstance(payload, dict) or not ({"data", "errors"} & payload.keys()):
            raise ProtocolError(f"GitHub at {self.host} gave a GraphQL answer without data", fix="check `url`")
        for error in payload.get("errors") or []:
            self._judge(error if isinstance(error, dict) else {}, reply.headers)
        if not isinstance(payload.get("data"), dict):
            raise ProtocolError(f"GitHub at {self.host} gave a GraphQL answer without data", fix="try again later")
        return payload

    def _judge(self, error: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        kind, said = error.get("type"), str(error.get("message") or "no reason given")
        where = f"GitHub at {self.host} refused a query{self._quote(said)}"
        if kind == "RATE_LIMITED":
            raise TransientError(where, fix="wait, or sync less often", retry_after=seconds_to_wait(headers, said))
        if said.startswith("Something went wrong while executing your query") or kind == "MAX_NODE_LIMIT_EXCEEDED":
            raise TooMuchError(where, fix="try again later, or lower `batch`")
        path = [str(step) for step in error.get("path") or ()]
        holds_items = any(step.startswith(("issues", "pull")) for step in path)
        if kind == "INSUFFICIENT_SCOPES" or (kind == "FORBIDDEN" and holds_items):
            raise AccessError(where, fix="give the token read access to repositories, issues and pull requests")
        if kind not in ("NOT_FOUND", "FORBIDDEN") or not path:
            raise ProtocolError(where, fix="for an older Enterprise server set `api: rest`")

    def _quote(self, said: object) -> str:
        if not isinstance(said, str) or not said:
            return ""
        return f": {said.replace(self._token, '***')[:LONGEST_QUOTE]}"


class _Line:
    """One PyGithub client with one connection; used by one request at a time."""

    def __init__(self, url: str, token: str, timeout: float) -> None:
        parts = urlsplit(url)
        kind = HTTPSRequestsConnectionClass if parts.scheme == "https" else HTTPRequestsConnectionClass
        # Whole seconds by its annotation; it only hands them to requests, which takes fractions.
        self._connection = kind(str(parts.hostname), parts.port, timeout=timeout)  # type: ignore[arg-type]
        # PyGithub follows a 301 by itself and drops the query string; see `Client.get`.
        self._connection.session.hooks["response"].append(_receive)
        self._github = Github(
            base_url=url,
            auth=Auth.Token(token),
            retry=None,
            per_page=100,
            seconds_between_requests=0,
            seconds_between_writes=0,
        )

    def send(
        self, verb: str, path: str, parameters: dict[str, Any], body: dict[str, Any] | None
    ) -> tuple[int, dict[str, Any], str]:
        requester = self._github.requester
        url = requester.graphql_url if path == "graphql" else path
        return requester.requestJson(verb, url, parameters, None, body, cnx=self._connection)

    def close(self) -> None:
        self._connection.close()
        self._github.close()


def query_of(link: str | None) -> dict[str, str] | None:
    """Return the query parameters of the `next` page in a Link header; None on the last page."""
    for each in requests.utils.parse_header_links(link or ""):
        if each.get("rel") == "next":
            return dict(parse_qsl(urlsplit(each["url"]).query))
    return None


def _receive(response: requests.Response, *_: Any, **__: Any) -> None:
    """Stop at redirects, and read the body up to MOST_BYTES."""
    if response.status_code in _REDIRECTS and "location" in response.headers:
        response.close()
        raise _MovedError(response.headers["location"])
    body = bytearray()
    for piece in response.iter_content(2**16):
        body += piece
        if len(body) > MOST_BYTES:
            response.close()
            raise ProtocolError(
                f"GitHub's answer is larger than {MOST_BYTES >> 20} MiB",
                fix="check `url`; lower `batch` of this source",
            )
    response._content = bytes(body)  # what `response.text` reads


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _parse(text: str) -> tuple[Any, bool]:
    """Return the payload, and whether the text was JSON at all."""
    try:
        return json.loads(text, parse_constant=_refuse_constant), True
    except (ValueError, RecursionError):
        return None, False


def _is_limit(headers: Mapping[str, str], said: str) -> bool:
    spent = headers.get("x-ratelimit-remaining") == "0"
    return spent or "retry-after" in headers or Requester.isRateLimitError(said.removeprefix(": "))


def seconds_to_wait(headers: Mapping[str, str], said: str) -> float | None:
    """Return seconds to wait as the server wishes, ≥ 0; None when it names no time that can be read.

    Times are taken relative to the answer's own Date header: no clock of ours is involved.
    """
    asked = headers.get("retry-after")
    served = _moment(headers.get("date"))
    if asked is not None:
        if re.fullmatch(r"\d{1,9}", asked):
            return float(asked)
        until = _moment(asked)
    elif headers.get("x-ratelimit-remaining") == "0":
        reset = headers.get("x-ratelimit-reset", "")
        until = datetime.fromtimestamp(int(reset), UTC) if re.fullmatch(r"\d{1,10}", reset) else None
    else:
        return SECONDARY_WAIT if "secondary rate limit" in said else None
    return max(0.0, (until - served).total_seconds()) if until and served else None


def _moment(text: str | None) -> datetime | None:
    """Return an HTTP date as an instant; None when it is missing or unreadable."""
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
