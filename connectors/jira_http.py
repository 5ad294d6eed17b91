"""Sends single requests to Jira through the pycontribs client: no retries, no redirects, no surprises."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from jira import JIRA, JIRAError

from connectors.jira_failures import broken, read, refuse
from okr_sync.connector import Caller, WebSettings, guard_session

_CONNECT = 5.0  # seconds


class JiraHttp:
    """Asks one Jira site. No client serves two threads at once; idle ones are kept for the next request, whatever
    thread it comes from. Answers are raw JSON.
    """

    def __init__(self, url: str, token: str, *, email: str | None, reach: WebSettings, caller: Caller) -> None:
        self.url = url
        self._sign_in: dict[str, Any] = {"basic_auth": (email, token)} if email else {"token_auth": token}
        self._reach = reach
        self._caller = caller
        self._lock = threading.Lock()
        self._idle: list[JIRA] = []

    def get(self, path: str) -> Any:
        """Return the JSON at `path` ("2/myself"); raises SourceError."""
        return self._caller.call(lambda: self._send("GET", path, None))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return the JSON that answers `body`; raises SourceError."""
        return self._caller.call(lambda: self._send("POST", path, json.dumps(body)))

    def close(self) -> None:
        """Close all idle clients; the next request makes a new one."""
        with self._lock:
            clients, self._idle = self._idle, []
        for client in clients:
            client.close()  # type: ignore[no-untyped-call]

    @contextmanager
    def _client(self) -> Iterator[JIRA]:
        with self._lock:
            client = self._idle.pop() if self._idle else None
        client = client or self._new_client()
        try:
            yield client
        finally:
            with self._lock:
                self._idle.append(client)

    def _new_client(self) -> JIRA:
        # serverInfo is asked by the connector: the library would ask up to four times, and before the guard is on
        client = JIRA(
            self.url, get_server_info=False, max_retries=0, timeout=(_CONNECT, self._reach.timeout), logging=False,
            **self._sign_in,
        )  # fmt: skip
        guard_session(client._session, self._reach)
        return client

    def _send(self, method: str, path: str, body: str | None) -> Any:
        place = f"{method} {self.url}/rest/api/{path}"
        try:
            with self._client() as client:
                response = client._session.request(
                    method, f"{self.url}/rest/api/{path}", data=body, allow_redirects=False
                )
        except JIRAError as error:  # its own text carries headers and bodies, so nothing of it is kept but the status
            refuse(error.response, place)
        except requests.RequestException as error:
            raise broken(error, place) from None
        return read(response, place)
