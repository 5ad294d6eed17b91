"""Sends single requests to Jira through the pycontribs client: no retries, no redirects, no surprises."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
import requests
from jira import JIRA, JIRAError

from connectors.jira_failures import broken, read, refuse
from connectors.jira_limits import served_at
from connectors.jira_settings import JiraSettings
from okr_sync.connector import Caller, ProtocolError, WebSettings, guard_session

_CONNECT = 5.0  # seconds


class JiraHttp:
    """Asks one Jira site. No client serves two threads at once; idle ones are kept for the next request, whatever
    thread it comes from. Answers are raw JSON.

    `gateway`: `url` names a Cloud site that is asked by that gateway; the site itself tells its id, once, unsigned.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        email: str | None,
        reach: WebSettings,
        caller: Caller,
        gateway: str | None = None,
    ) -> None:
        self.url = url
        self._sign_in: dict[str, Any] = {"basic_auth": (email, token)} if email else {"token_auth": token}
        self._reach = reach
        self._caller = caller
        self._gateway = gateway
        self._lock = threading.Lock()
        self._finding = threading.Lock()
        self._found: str | None = None if gateway else url
        self._idle: list[JIRA] = []
        self.served: int | None = None
        """The earliest instant that an answer says it is of, by the site's own clock (ms since 1970)."""

    @classmethod
    def of(cls, settings: JiraSettings, caller: Caller) -> JiraHttp:
        """Return what asks the site of these settings."""
        token, gateway = settings.token.get_secret_value().strip(), settings.gateway if settings.asks_gateway else None
        return cls(settings.url, token, email=settings.email, reach=settings, caller=caller, gateway=gateway)

    @property
    def base(self) -> str:
        """The address that requests go to: the site, or the site's at the gateway. Raises SourceError."""
        with self._finding:
            if self._found is None:
                self._found = f"{self._gateway}/ex/jira/{self._caller.call(self._cloud_id)}"
            return self._found

    def get(self, path: str) -> Any:
        """Return the JSON at `path` ("2/myself"); raises SourceError."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return the JSON that answers `body`; raises SourceError."""
        return self._ask("POST", path, orjson.dumps(body))

    def at_gateway(self, path: str) -> Any:
        """Return the JSON at `path` of the gateway itself, signed; raises SourceError."""
        gateway = self.base.partition("/ex/jira/")[0]
        return self._caller.call(lambda: self._send("GET", f"{gateway}/{path}", None))

    def close(self) -> None:
        """Close all idle clients; the next request makes a new one."""
        with self._lock:
            clients, self._idle = self._idle, []
        for client in clients:
            client.close()  # type: ignore[no-untyped-call]

    def _ask(self, method: str, path: str, body: bytes | None) -> Any:
        question = f"{method} {path} {(body or b'').decode()}"
        answer = self._caller.kept(question)
        if answer is None:
            base = self.base
            answer = self._caller.call(lambda: self._send(method, f"{base}/rest/api/{path}", body))
            self._caller.keep(question, answer)
        return answer

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

    def _send(self, method: str, url: str, body: bytes | None) -> Any:
        place = f"{method} {url}"
        try:
            with self._client() as client:
                response = client._session.request(method, url, data=body, allow_redirects=False)
        except JIRAError as error:  # its own text carries headers and bodies, so nothing of it is kept but the status
            refuse(error.response, place)
        except requests.RequestException as error:
            raise broken(error, place) from None
        answer = read(response, place)
        self._note(served_at(response.headers))
        return answer

    def _note(self, served: int | None) -> None:
        with self._lock:
            self.served = min((each for each in (self.served, served) if each is not None), default=None)

    def _cloud_id(self) -> str:
        """Ask the site for its id, without the token: a site takes none of those that the gateway takes."""
        place = f"GET {self.url}/_edge/tenant_info"
        with requests.Session() as session:
            guard_session(session, self._reach)
            try:
                response = session.get(place.removeprefix("GET "), timeout=self._reach.timeout, allow_redirects=False)
            except requests.RequestException as error:
                raise broken(error, place) from None
        if response.status_code >= 400:
            refuse(response, place)
        answer = read(response, place)
        id_ = answer.get("cloudId") if isinstance(answer, dict) else None
        if not isinstance(id_, str) or not re.fullmatch(r"[A-Za-z0-9-]{1,64}", id_):
            raise ProtocolError(
                f"{place}: no cloud id", fix="set `url` to https://api.atlassian.com/ex/jira/<cloud id>"
            )
        return id_
