"""Carries httpx requests: connects to checked addresses only, and ends each request at its deadline."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import certifi
import httpcore
import httpx

from okr_sync.errors import AccessError
from okr_sync.outbound.guard import Guard

__all__ = ["Deadline", "Transport", "trusting"]

logging.getLogger("httpcore").setLevel(logging.INFO)  # at DEBUG it writes every header, cookies too


class Deadline(threading.local):
    """When the request of the current thread must be over; one request a thread at a time."""

    end: float = float("inf")

    def set(self, seconds: float) -> None:
        """Begin to count."""
        self.end = time.monotonic() + seconds

    def left(self, wished: float | None) -> float:
        """Return the seconds that the next step may take, at most those wished. Raises httpcore.ReadTimeout."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the deadline of this request has passed")
        return left if wished is None else min(left, wished)


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Return a TLS context that verifies everything. Raises AccessError when `ca_file` can't be used."""
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else certifi.where())
    except (OSError, ssl.SSLError) as error:
        raise AccessError(f"can't use the certificates in {ca_file}: {error.strerror}", fix="check `ca_file`") from None


class Transport(httpx.HTTPTransport):
    """httpx's own transport with the guard below it. `proxy`: whole address with its credentials."""

    def __init__(self, guard: Guard, deadline: Deadline, ca_file: Path | None, proxy: str | None) -> None:
        verify = trusting(ca_file)
        to_proxy = verify if proxy and proxy.startswith("https:") else None
        through = httpx.Proxy(proxy, ssl_context=to_proxy) if proxy else None
        super().__init__(verify=verify, trust_env=False, proxy=through)
        # The proxy is named in the config, so its own address is not held to the rules.
        find = _as_it_is if proxy else guard.addresses
        self._pool._network_backend = _Backend(find, deadline)


def _as_it_is(host: str, _: int) -> tuple[str, ...]:
    return (host,)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, find: Callable[[str, int], tuple[str, ...]], deadline: Deadline) -> None:
        self._find = find
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers. Raises SourceError for one that may not be asked."""
        addresses = self._find(host, port)
        for address in addresses[:-1]:
            try:
                return self._open(address, port, timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return self._open(addresses[-1], port, timeout)

    def _open(self, address: str, port: int, timeout: float | None) -> httpcore.NetworkStream:
        stream = self._sockets.connect_tcp(address, port, self._deadline.left(timeout))
        return _Stream(stream, self._deadline)


class _Stream(httpcore.NetworkStream):
    """A connection on which every step ends at the deadline: a byte a second does not go on for ever."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return _Stream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
