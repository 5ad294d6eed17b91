"""Sends single requests to GitHub with PyGithub and turns whatever comes back into checked JSON or a typed error."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from github import Auth, Github
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass

from connectors.github_answers import Judge, NotThereError
from okr_sync.connector import Caller, ProtocolError, TransientError, WebSettings, guard_session

MOST_HOPS = 3  # redirects followed for one request
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


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

    def __init__(self, url: str, token: str, reach: WebSettings, caller: Caller) -> None:
        self.url = url.rstrip("/")
        self.host = urlsplit(url).netloc
        self._token = token
        self._judge = Judge(self.host, token)
        self._reach = reach
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
        return self._judge.graphql(reply.payload, reply.headers)

    def close(self) -> None:
        """Close all connections; a later request opens new ones."""
        while self._idle:
            self._idle.pop().close()

    def _ask(self, verb: str, path: str, parameters: dict[str, Any], body: dict[str, Any] | None) -> Reply:
        with self._line() as line:
            status, headers, text = self._send(lambda: line.send(verb, path, parameters, body))
        return Reply(self._judge.checked(status, headers, text), headers)

    @contextmanager
    def _line(self) -> Iterator[_Line]:
        try:
            line = self._idle.pop()
        except IndexError:
            line = _Line(self.url, self._token, self._reach)
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


class _Line:
    """One PyGithub client with one connection; used by one request at a time."""

    def __init__(self, url: str, token: str, reach: WebSettings) -> None:
        parts = urlsplit(url)
        kind = HTTPSRequestsConnectionClass if parts.scheme == "https" else HTTPRequestsConnectionClass
        # Whole seconds by its annotation; it only hands them to requests, which takes fractions.
        self._connection = kind(
            str(parts.hostname),
            parts.port,
            timeout=reach.timeout,  # type: ignore[arg-type]
            verify=str(reach.ca_file) if reach.ca_file else True,
        )
        guard_session(self._connection.session, reach)
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
    """Stop at redirects."""
    if response.status_code in _REDIRECTS and "location" in response.headers:
        raise _MovedError(response.headers["location"])
