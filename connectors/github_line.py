"""One PyGithub client over one guarded connection: sends a single request and gives back the raw answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from github import Auth, Github
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass

from okr_sync.connector import TransientError, WebSettings, guard_session

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class MovedError(Exception):
    """A redirect, to `location`."""

    def __init__(self, location: str) -> None:
        super().__init__("redirected")  # the address itself may carry secrets, and this text gets into tracebacks
        self.location = location


class Line:
    """One PyGithub client with one connection; used by one request at a time."""

    def __init__(self, url: str, reach: WebSettings) -> None:
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
        self._connection.session.hooks["response"].append(self._receive)
        self._body = b""
        self._presented = _Presented()
        self._github = Github(
            base_url=url,
            auth=self._presented,
            retry=None,
            per_page=100,
            seconds_between_requests=0,
            seconds_between_writes=0,
        )

    def send(
        self,
        verb: str,
        path: str,
        parameters: dict[str, Any],
        body: dict[str, Any] | None,
        token: str,
        *,
        condition: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, Any], bytes]:
        """Return status, headers and the raw body: PyGithub's own objects, and its text, cost more than the answer."""
        requester = self._github.requester
        url = requester.graphql_url if path == "graphql" else path
        self._presented.secret, self._body = token, b""
        status, headers, _ = requester.requestJson(verb, url, parameters, condition, body, cnx=self._connection)
        return status, headers, self._body

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
        self._github.close()

    def _receive(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """Keep the body, and stop where PyGithub would go on by itself: it follows a 301 without the query string, and
        asks again for ever after a 202.
        """
        if response.status_code in _REDIRECTS and "location" in response.headers:
            raise MovedError(response.headers["location"])
        if response.status_code == 202:
            raise TransientError("GitHub is still working on the answer (202)", fix="see githubstatus.com")
        self._body = response.content
        response.encoding = "latin-1"  # spares guessing; nobody reads PyGithub's text


class _Presented(Auth.Auth):
    """Presents the token of the present request."""

    def __init__(self) -> None:
        self.secret = ""

    @property
    def token_type(self) -> str:
        return "Bearer"

    @property
    def token(self) -> str:
        return self.secret

    @property
    def _masked_token(self) -> str:
        return "(token removed)"
