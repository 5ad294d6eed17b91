"""A small HTTP server on loopback: `/healthz`, `/readyz` and `/metrics`, nothing else."""

from __future__ import annotations

import ipaddress
import json
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Thread
from types import MappingProxyType, TracebackType
from typing import Any, Self

from okr_sync.errors import UsageError
from okr_sync.outside.health import Health, Loop
from okr_sync.outside.metrics import CONTENT_TYPE, Clock, Depth, StoreMetrics

LOOPBACK = "127.0.0.1"
PORT = 9464  # where Prometheus exporters of programs usually are
PATIENCE = 5.0  # seconds for a client to say what it wants
MOST = 8  # requests answered at the same time; more are told to come again


def serve_outside(
    store_url: str,
    clock: Clock,
    *,
    port: int = PORT,
    host: str = LOOPBACK,
    public: bool = False,
    loops: Mapping[str, Loop] = MappingProxyType({}),
    queues: Mapping[str, Depth] = MappingProxyType({}),
    notes: Callable[[], tuple[str, ...]] = tuple,
) -> Outside:
    """Serve health, readiness and metrics in threads of their own until the handle is closed; port 0: any free one.

    Nothing here asks who calls, so an address beyond loopback needs `public`. Raises UsageError without it, and when
    the address can't be had.
    """
    if not (public or _is_loopback(host)):
        raise UsageError(
            f"{host} can be reached from other machines, and nobody is asked who they are; bind {LOOPBACK}, "
            "or say that it is meant with --public"
        )
    pages = _Pages(Health(store_url, loops, notes), StoreMetrics(store_url, clock, queues))
    try:
        return Outside(_server(host, port, pages), pages.health)
    except OSError as error:
        said = error.strerror or "it is no address"
        raise UsageError(f"{host}:{port} can't be listened at: {said}; choose another --port or --host") from error


class Outside:
    """A server that runs; `host` and `port` are where. Close it, or use it as a context."""

    def __init__(self, server: _Server, health: Health) -> None:
        self._server = server
        self.health = health
        self.host, self.port = str(server.server_address[0]), int(server.server_address[1])
        self._thread = Thread(target=server.serve_forever, args=(0.1,), name="okr-sync-outside", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and give the port back; may be called twice."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class _Page:
    status: HTTPStatus
    body: bytes
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class _Pages:
    """What each path says."""

    health: Health
    metrics: StoreMetrics

    def page(self, path: str) -> _Page:
        match path.partition("?")[0]:
            case "/healthz":
                return _verdict(self.health.dead())
            case "/readyz":
                return _verdict(self.health.unready(), self.health.notes())
            case "/metrics":
                return _Page(HTTPStatus.OK, self.metrics.text(), CONTENT_TYPE)
            case _:
                return _Page(HTTPStatus.NOT_FOUND, _json({"pages": ["/healthz", "/readyz", "/metrics"]}))


def _verdict(reasons: tuple[str, ...], notes: tuple[str, ...] = ()) -> _Page:
    said = {"notes": list(notes)} if notes else {}
    if not reasons:
        return _Page(HTTPStatus.OK, _json({"ok": True, **said}))
    return _Page(HTTPStatus.SERVICE_UNAVAILABLE, _json({"ok": False, "reasons": list(reasons), **said}))


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document).encode() + b"\n"


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD; says nothing about itself, and logs nothing."""

    timeout = PATIENCE
    server: _Server

    def do_GET(self) -> None:
        self._answer(whole=True)

    def do_HEAD(self) -> None:
        self._answer(whole=False)

    def version_string(self) -> str:
        """Return a name without versions."""
        return "okr-sync"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class names it so
        """Keep quiet: probes come every few seconds."""

    def _answer(self, *, whole: bool) -> None:
        if not self.server.places.acquire(blocking=False):
            page = _Page(HTTPStatus.SERVICE_UNAVAILABLE, _json({"reasons": ["too many requests at the same time"]}))
        else:
            try:
                page = self.server.pages.page(self.path)
            finally:
                self.server.places.release()
        self.send_response(page.status)
        for name, value in (
            ("Content-Type", page.content_type),
            ("Content-Length", str(len(page.body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ):
            self.send_header(name, value)
        self.end_headers()
        if whole:
            self.wfile.write(page.body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    pages: _Pages
    places: BoundedSemaphore

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is no event; whatever else fails is one, and is told."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Server6(_Server):
    address_family = socket.AF_INET6


def _server(host: str, port: int, pages: _Pages) -> _Server:
    server = (_Server6 if ":" in host else _Server)((host, port), _Handler)
    server.pages, server.places = pages, BoundedSemaphore(MOST)
    return server


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
