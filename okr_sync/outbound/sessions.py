"""Holds the `requests` sessions of client libraries to the same rules as `Http`."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from okr_sync.errors import ProtocolError
from okr_sync.outbound.addresses import Resolve, look_up
from okr_sync.outbound.alarms import Alarms
from okr_sync.outbound.answers import PLAIN_ENCODINGS
from okr_sync.outbound.guard import Guard
from okr_sync.outbound.metering import note_answer
from okr_sync.outbound.settings import WebSettings

__all__ = ["guard_session"]

PIECES = 10  # an answer may take so many times as long as a piece of it
_ALARMS = Alarms()


def guard_session(session: requests.Session, reach: WebSettings, *, resolve: Resolve = look_up) -> None:
    """Let `session` go only where `reach` allows, over verified TLS, without the environment's proxies and .netrc.

    An answer has at most `reach.max_mib` MiB unpacked and takes at most ten times `reach.timeout`. The session serves
    one request at a time. Its requests raise ProtocolError or TransientError where something is refused, else what
    requests raises.
    """
    session.trust_env = False
    session.verify = str(reach.ca_file) if reach.ca_file else True
    proxy = reach.proxy.get_secret_value() if reach.proxy else None
    session.proxies = {"http": proxy, "https": proxy} if proxy else {}
    for scheme in ("http://", "https://"):
        guard = Guard(reach.allow_hosts, resolve=resolve)
        session.mount(scheme, _Guarded(guard, reach.timeout * PIECES, reach.max_mib))


class _Guarded(HTTPAdapter):
    def __init__(self, guard: Guard, seconds: float, max_mib: int) -> None:
        self._guard = guard
        self._seconds = seconds
        self._max_mib = max_mib
        self._live: list[socket.socket] = []  # that of the newest connection; one request at a time has only one
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Let new connections go to checked addresses."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._guard.addresses, self._live)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Return urllib3's manager for a proxy: its address stands in the config, so it is not held to the rules."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _pools(_as_it_is, self._live)
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Return the response with its body read. Raises requests.ReadTimeout for one that takes too long."""
        self._check(str(request.url), proxied=bool(kwargs.get("proxies")))
        late = threading.Event()
        try:
            with _ALARMS.after(self._seconds, lambda: _cut(self._live, late)):
                response = self._read(request, *args, **{**kwargs, "stream": True})
        except requests.RequestException:
            if not late.is_set():
                raise
        if late.is_set():  # a head that was cut short reads like a whole one, without a body
            raise requests.ReadTimeout("the answer took too long", request=request)
        return response

    def _read(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        response = super().send(request, *args, **kwargs)
        try:
            response._content = _body(response, self._max_mib)
        finally:
            note_answer(response.status_code, response.raw.tell())
        vars(response)["_content_consumed"] = True
        return response

    def _check(self, url: str, *, proxied: bool) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        self._guard.check(parts.scheme, host, names_somebody="@" in parts.netloc)
        if proxied:
            self._guard.check_beyond_proxy(host, parts.port or 443)


def _as_it_is(host: str, _: int) -> tuple[str, ...]:
    return (host,)


def _body(response: requests.Response, max_mib: int) -> bytes:
    place = urlsplit(response.url).hostname
    if response.headers.get("Content-Encoding", "").strip().lower() not in PLAIN_ENCODINGS:
        response.close()
        raise ProtocolError(f"{place}: the answer can't be read: it is packed in a strange way", fix="check `url`")
    body = bytearray()
    for piece in response.iter_content(1 << 16):
        body += piece
        if len(body) > max_mib << 20:
            response.close()
            said = f"{place}: the answer can't be read: it is larger than {max_mib} MiB"
            raise ProtocolError(said, fix="check `url`; map less to this source, or raise `max_mib`")
    return bytes(body)


def _cut(live: list[socket.socket], late: threading.Event) -> None:
    """End a request that takes too long, and say so: whoever reads sees the connection close."""
    late.set()
    for each in live:
        with suppress(OSError):  # it is closed already
            socket.socket.shutdown(each, socket.SHUT_RDWR)


def _pools(find: Resolve, live: list[socket.socket]) -> dict[str, type[HTTPConnectionPool]]:
    """Return urllib3's pools, of connections to the addresses that `find` gives; the newest is in `live`."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            host, addresses = self._dns_host, find(self._dns_host, self.port)
            try:
                for address in addresses[:-1]:
                    self._dns_host = address
                    with suppress(NewConnectionError, ConnectTimeoutError):
                        return super()._new_conn()
                self._dns_host = addresses[-1]
                return super()._new_conn()
            finally:
                self._dns_host = host

        def connect(self) -> None:
            super().connect()
            live[:] = [self.sock]

    class Secure(Plain, HTTPSConnection):
        pass

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
