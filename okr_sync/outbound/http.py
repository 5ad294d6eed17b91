"""Sends a connector's requests with httpx: guarded, bounded in bytes and time, each failure a typed error."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, NoReturn, TypeAlias

import httpx
from pydantic import SecretStr

from okr_sync.connector import Caller
from okr_sync.errors import AccessError, ProtocolError, TransientError, UnauthorizedError
from okr_sync.outbound.addresses import Resolve, look_up
from okr_sync.outbound.answers import PLAIN_ENCODINGS, HttpAnswer, failure
from okr_sync.outbound.guard import Guard
from okr_sync.outbound.metering import note_answer
from okr_sync.outbound.settings import WebSettings
from okr_sync.outbound.tokens import Tokens
from okr_sync.outbound.transport import Deadline, Transport

__all__ = ["Auth", "Http"]

MOST_HOPS = 3  # redirects on the same host followed for one request
PIECES = 10  # an answer may take so many times as long as a piece of it
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


Auth: TypeAlias = tuple[str, SecretStr] | SecretStr | Tokens | None
"""User and password (basic), a bearer token, or tokens that are fetched."""


class Http:
    """Asks web services on behalf of one source; safe in many threads. No cookies, no .netrc, no variables of the
    environment; TLS is always verified. See docs/security.md for what is refused.
    """

    def __init__(
        self,
        caller: Caller,
        reach: WebSettings,
        *,
        headers: Mapping[str, str | SecretStr] | None = None,
        auth: Auth = None,
        resolve: Resolve = look_up,
    ) -> None:
        self._caller = caller
        self._reach = reach
        self._headers = dict(headers or {})
        self._auth = auth
        self._guard = Guard(reach.allow_hosts, resolve=resolve)
        self._deadline = Deadline()
        self._lock = threading.Lock()
        self._transport: Transport | None = None

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str | SecretStr] | None = None,
        accept: Collection[int] = (200,),
    ) -> HttpAnswer:
        """Return the answer, its status one of `accept`. `params` are added to the query of `url`; secrets may stand
        anywhere in `params`, `json` (sent as JSON), `data` (sent as a form) and `headers`.

        Each hop to the same host is a request through `Caller.call`. Raises AccessError (401, 403), TransientError
        (408, 425, 429, 5xx, no answer in time), ProtocolError (all else).
        """
        sent = {"params": params, "json": json, "data": data, "headers": {**self._headers, **(headers or {})}}
        go = partial(self._walk, method.upper(), url, sent, accept)
        if not isinstance(self._auth, Tokens):
            return go(self._auth if isinstance(self._auth, SecretStr) else None)
        token = self._auth.current()
        try:
            return go(token)
        except UnauthorizedError:
            self._auth.refuse(token)
        return go(self._auth.current())

    def close(self) -> None:
        """Close all connections; a later request opens new ones."""
        with self._lock:
            transport, self._transport = self._transport, None
        if transport:
            transport.close()

    def _walk(
        self, method: str, url: str, sent: Mapping[str, Any], accept: Collection[int], bearer: SecretStr | None
    ) -> HttpAnswer:
        request = self._prepare(method, url, sent, bearer)
        for _ in range(MOST_HOPS + 1):
            answer = self._caller.call(partial(self._send, request, accept))
            if answer.status in accept:
                return answer
            request = _follow(request, answer)
        raise ProtocolError(f"{_place(request)}: redirects without end", fix="check the address")

    def _prepare(self, method: str, url: str, sent: Mapping[str, Any], bearer: SecretStr | None) -> httpx.Request:
        try:
            target = httpx.URL(url)
            target = target.copy_merge_params(_opened(sent["params"])) if sent["params"] else target
            headers = {
                "accept": "application/json", "accept-encoding": "gzip", "user-agent": "okr-sync",
                **{name.lower(): _opened(value).encode() for name, value in sent["headers"].items()},
            }  # fmt: skip
            request = httpx.Request(
                method, target, headers=headers, json=_opened(sent["json"]), data=_opened(sent["data"])
            )
        except (httpx.InvalidURL, ValueError, TypeError):
            raise ProtocolError("an address, a header or a body can't be written", fix="check the settings") from None
        return self._signed(request, bearer)

    def _signed(self, request: httpx.Request, bearer: SecretStr | None) -> httpx.Request:
        if isinstance(self._auth, tuple):
            user, password = self._auth
            request = next(httpx.BasicAuth(user, password.get_secret_value()).auth_flow(request))
        if bearer is not None:
            request.headers["authorization"] = f"Bearer {bearer.get_secret_value().strip()}"
        if any(not _fits_a_header(value) for _, value in request.headers.raw):
            raise AccessError("a credential has line breaks or other signs that no header takes", fix="check it")
        return request

    def _send(self, request: httpx.Request, accept: Collection[int]) -> HttpAnswer:
        """Send one request. Statuses that are neither accepted nor redirects are raised."""
        place, url = _place(request), request.url
        host, port = url.raw_host.decode(), url.port or {"http": 80}.get(url.scheme, 443)
        self._guard.check(url.scheme, host, names_somebody=bool(url.userinfo))
        if self._reach.proxy:
            self._guard.check_beyond_proxy(host, port)
        self._deadline.set(self._reach.timeout * PIECES)
        request.extensions = {"timeout": httpx.Timeout(self._reach.timeout).as_dict()}
        try:
            response = self._connected().handle_request(request)
            try:
                return _read(response, place, accept, self._reach.max_mib)
            finally:
                response.close()
                note_answer(response.status_code, response.num_bytes_downloaded)
        except httpx.HTTPError as error:
            _raise(error, place)

    def _connected(self) -> Transport:
        with self._lock:
            if self._transport is None:
                proxy = self._reach.proxy.get_secret_value() if self._reach.proxy else None
                self._transport = Transport(self._guard, self._deadline, self._reach.ca_file, proxy)
            return self._transport


def _read(response: httpx.Response, place: str, accept: Collection[int], max_mib: int) -> HttpAnswer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    if response.status_code not in accept and response.status_code not in _REDIRECTS:
        raise failure(response.status_code, headers, place)
    if headers.get("content-encoding", "").strip().lower() not in PLAIN_ENCODINGS:
        raise ProtocolError(f"{place}: the answer is packed in a way that was not asked for", fix="check the address")
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > max_mib << 20:
            said = f"{place}: the answer is larger than {max_mib} MiB"
            raise ProtocolError(said, fix="ask for less (fewer fields, smaller pages), or raise `max_mib`")
    # Some name a next page after the last one, too, and say that it holds nothing.
    kept = {name: link for name, link in response.links.items() if link.get("results") != "false"}
    links = {str(name): str(link.get("url", "")) for name, link in kept.items()}
    return HttpAnswer(response.status_code, headers, bytes(body), place, links)


def _follow(request: httpx.Request, answer: HttpAnswer) -> httpx.Request:
    """Return the request that a redirect asks for. Raises ProtocolError unless it stays at the same host."""
    location = answer.headers.get("location", "")
    try:
        target = request.url.join(location) if location else httpx.URL("")
    except (httpx.InvalidURL, ValueError):
        target = httpx.URL("")
    here = request.url
    if (target.scheme, target.raw_host, target.port) != (here.scheme, here.raw_host, here.port) or target.userinfo:
        where = f"{target.scheme}://{target.host}" if target.host else "nowhere"
        said = f"{answer.place}: redirected to {where}, another place, which is not followed"
        raise ProtocolError(said, fix="write the address that the service calls its own")
    if request.method not in ("GET", "HEAD") and answer.status not in (307, 308):
        said = f"{answer.place}: redirected, and what was sent would be lost"
        raise ProtocolError(said, fix="write the address that the service calls its own")
    return httpx.Request(request.method, target, headers=request.headers, content=request.read())


def _raise(error: httpx.HTTPError, place: str) -> NoReturn:
    """Raise what a failure below HTTP means. The error's own text may quote what was sent, so only its name goes on."""
    name = type(error).__name__
    if isinstance(error, httpx.LocalProtocolError | httpx.DecodingError):
        raise ProtocolError(f"{place}: the answer can't be read ({name})", fix="check the address") from None
    if _is_about_trust(error):
        said = f"{place}: the certificate is not trusted"
        raise ProtocolError(said, fix="check the address; name the authority's certificate in `ca_file`") from None
    raise TransientError(f"{place}: no whole answer ({name})", fix="check the address and the network") from None


def _is_about_trust(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _place(request: httpx.Request) -> str:
    url = request.url
    return f"{request.method} {url.scheme}://{url.host}{f':{url.port}' if url.port else ''}{url.path}"


def _opened(value: Any) -> Any:
    """Return the value with its secrets as they are."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return {key: _opened(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_opened(each) for each in value]
    return value


def _fits_a_header(value: bytes) -> bool:
    return not any((sign < 0x20 and sign != 0x09) or sign == 0x7F for sign in value)
