"""Sends single requests to GitHub with PyGithub and turns whatever comes back into checked JSON or a typed error."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import requests
from pydantic import SecretStr

from connectors.github_answers import Judge, NotThereError, TooMuchError
from connectors.github_line import Line, MovedError
from connectors.github_signin import AppKey, granted
from okr_sync.connector import (
    AccessError,
    Caller,
    ProtocolError,
    Tokens,
    TransientError,
    UnauthorizedError,
    WebSettings,
)

MOST_HOPS = 3  # redirects followed for one request
# Requests a minute, whatever points they cost; a tenth below what GitHub bears, as others may use the token, too.
LIMITS = {"REST": 810, "GraphQL": 1800}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """A checked answer: JSON, and headers by lower-case name; `same`: it is the one whose ETag was given."""

    payload: Any
    headers: Mapping[str, str]
    same: bool = False


class Client:
    """Asks GitHub's REST and GraphQL interfaces with a token or as an App; safe in many threads.

    A PyGithub client mixes up answers when threads share it, so each request borrows one that nobody else holds.
    """

    def __init__(self, url: str, sign_in: str | AppKey, reach: WebSettings, caller: Caller) -> None:
        self.url = url.rstrip("/")
        self.host = urlsplit(url).netloc
        self.sign_in = sign_in
        self._tokens = Tokens(self._renew)
        self._reach = reach
        self._caller = caller
        self._idle: deque[Line] = deque()
        self._limited = False  # whether the server has shown a limit; an Enterprise server may have none

    def call(self, ask: Callable[[str], T]) -> T:
        """Return `ask(token)`, asked through the caller. An App's token is fetched first when it is about to end."""
        token = self.sign_in if isinstance(self.sign_in, str) else self._tokens.current().get_secret_value()
        try:
            return self._caller.call(partial(ask, token))
        except UnauthorizedError:
            self._tokens.refuse(SecretStr(token))
            raise

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Reply:
        """Return the answer to GET `path`, following renamed and transferred repositories with the query kept.

        Raises NotThereError for 404, GoneError for 410, else as its status says.
        """
        return self.followed(path, partial(self.ask, parameters=parameters))

    def followed(self, path: str, ask: Callable[[str, str], T]) -> T:
        """Return `ask(path, token)`, a request through the caller, at the place that redirects lead to."""
        for _ in range(MOST_HOPS):
            try:
                return self.call(partial(ask, path))
            except MovedError as moved:
                path = self._follow(moved.location)
        raise ProtocolError(f"GitHub at {self.host} redirects without end: {path}", fix="check `url` of this source")

    def ask(
        self, path: str, token: str, parameters: Mapping[str, Any] | None = None, *, etag: str | None = None
    ) -> Reply:
        """Return the answer to one GET `path`, inside of `call`; with `etag` maybe that it is the same as then."""
        condition = {"If-None-Match": etag} if etag else None
        return self._ask("GET", path, dict(parameters or {}), None, token, condition=condition)

    def post(self, query: str, variables: Mapping[str, Any], token: str) -> Mapping[str, Any]:
        """Return a GraphQL answer: `data`, and those `errors` that concern single parts only.

        Sends one request, inside of `call`: that is the business of who decides how much to ask for.
        Raises TooMuchError when GitHub ran out of time.
        """
        try:
            reply = self._ask("POST", "graphql", {}, {"query": query, "variables": dict(variables)}, token)
        except (NotThereError, MovedError):
            raise ProtocolError(
                f"there is no GitHub GraphQL interface at {self.url}",
                fix="set `url` to https://api.github.com, or to https://HOST/api/v3 for Enterprise",
            ) from None
        return Judge(self.host, token).graphql(reply.payload, reply.headers)

    def close(self) -> None:
        """Close all connections; a later request opens new ones."""
        while self._idle:
            self._idle.pop().close()

    def _ask(
        self,
        verb: str,
        path: str,
        parameters: dict[str, Any],
        body: dict[str, Any] | None,
        token: str,
        *,
        condition: dict[str, str] | None = None,
    ) -> Reply:
        if self._limited:
            limit = "GraphQL" if path == "graphql" else "REST"
            self._caller.pace(limit, LIMITS[limit])
        with self._line() as line:
            status, headers, received = self._send(
                lambda: line.send(verb, path, parameters, body, token, condition=condition), verb
            )
        self._limited = self._limited or "x-ratelimit-limit" in headers
        if condition and status == HTTPStatus.NOT_MODIFIED:
            return Reply(None, headers, same=True)
        return Reply(Judge(self.host, token).checked(status, headers, received), headers)

    def _renew(self) -> dict[str, Any]:
        """Return a new token of the App's installation."""
        key = self.sign_in
        if not isinstance(key, AppKey):
            raise TypeError("only an App fetches tokens")
        try:
            reply = self._caller.call(lambda: self._ask("POST", key.path, {}, {}, key.signed()))
        except (NotThereError, MovedError):
            raise AccessError(
                f"GitHub at {self.host} knows no installation {key.installation} of App {key.app}",
                fix="check `installation_id`: it ends the address of the App's page in the organisation's settings",
            ) from None
        return granted(reply.payload, reply.headers)

    @contextmanager
    def _line(self) -> Iterator[Line]:
        try:
            line = self._idle.pop()
        except IndexError:
            line = Line(self.url, self._reach)
        try:
            yield line
        finally:
            self._idle.append(line)

    def _send(self, send: Callable[[], T], verb: str) -> T:
        try:
            return send()
        except requests.exceptions.SSLError:
            raise ProtocolError(
                f"no trusted TLS connection to GitHub at {self.host}",
                fix="check `url`; name the authority's certificate in `ca_file`",
            ) from None
        except requests.exceptions.RequestException as error:
            # The error's own text may quote a header, so only its name goes on.
            is_slow = verb == "POST" and isinstance(error, requests.exceptions.ReadTimeout)
            raise (TooMuchError if is_slow else TransientError)(
                f"no answer from GitHub at {self.host}: {type(error).__name__}", fix="check the network and `url`"
            ) from None
        except (ValueError, OverflowError):  # PyGithub reads the rate headers of every answer, without care
            raise ProtocolError(
                f"GitHub at {self.host} answered with headers that can't be read", fix="check `url` of this source"
            ) from None

    def _follow(self, location: str) -> str:
        target, here = urlsplit(location), urlsplit(self.url)
        is_here = target.scheme in ("", "http", "https") and target.netloc in ("", here.netloc)
        if not is_here or not target.path.startswith(f"{here.path}/"):
            raise ProtocolError(
                f"GitHub at {self.host} redirects to another place ({target.netloc or target.scheme})",
                fix="check `url` of this source",
            )
        return target.path.removeprefix(here.path)


def query_of(link: str | None) -> dict[str, str] | None:
    """Return the query parameters of the `next` page in a Link header; None on the last page."""
    for each in requests.utils.parse_header_links(link or ""):
        if each.get("rel") == "next":
            return dict(parse_qsl(urlsplit(each["url"]).query))
    return None
