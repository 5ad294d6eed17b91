"""A loopback HTTP server for tests: hands requests to a site, logs them, and breaks on demand.

class Shop:
    def respond(self, request): return Response.of({"orders": 7})

with Server(Shop()) as server:
    server.inject(Fault("drop"))
"""

from __future__ import annotations

import gzip
import json
import os
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Protocol, Self
from urllib.parse import parse_qsl, urlsplit

JSON = {"Content-Type": "application/json;charset=UTF-8"}
"""The header of an answer in JSON."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came: `query` holds the last value of each parameter, header names are lower-case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    raw_query: str = ""
    """The query as it came, for those who want every value of a repeated parameter."""

    def json(self) -> Any:
        """Return the body as JSON; None when there is none."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True, slots=True)
class Response:
    """A response; Content-Length is added when it is sent."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, payload: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """Return `payload` as a JSON response."""
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(status, body, {**JSON, **(headers or {})})


class Site(Protocol):
    """What plays a service: a request in, a response out; called from several threads."""

    def respond(self, request: Request) -> Response:
        """Return the answer of the service."""
        ...


@dataclass(slots=True)
class Fault:
    """What to do instead of answering, `times` times, for requests whose path contains `where`.

    `response`: send `reply` instead. `truncate`: announce the whole body, send half, close. `drop`: close without a
    word. `silence`: answer after `seconds`. `drip`: send the real body a byte at a time over `seconds`. `bomb`: pack
    `size` bytes into a small gzip body. `flood`: send `size` bytes. `repeat`: send the answer before once more.
    `reset`: end the connection with an RST. `cut`: announce no length, send half, close. `stall`: announce the whole
    body, send half, close after `seconds`. `creep`: send the head a byte at a time over `seconds`.
    """

    kind: Literal[
        "response", "truncate", "drop", "silence", "drip", "bomb", "flood", "repeat", "reset", "cut", "stall", "creep"
    ]
    reply: Response = field(default_factory=Response)
    where: str = ""
    times: int = 1
    skip: int = 0
    """How many matching requests to let through first."""
    seconds: float = 0.0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Logged:
    """One line of the request log."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes
    status: int
    sent: int
    """Bytes of the body that were sent."""


class Server:
    """A loopback server around a site, as a context manager: `with Server(site) as server: … server.url …`.

    `latency` in seconds is waited before each answer. `log` has all requests in order of their answers. With `tls` it
    speaks https.
    """

    def __init__(self, site: Site, *, latency: float = 0.0, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.site = site
        self.latency = latency
        self.log: list[Logged] = []
        self.last = Response()
        """What the site answered last."""
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._http = _Http(self, port)
        self._scheme = "https" if tls else "http"
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        """The base address, without a slash at the end."""
        return f"{self._scheme}://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> Self:
        """Serve from now on."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Serve no more; the port is closed afterwards."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def inject(self, fault: Fault) -> None:
        """Break as `fault` says, after the faults already waiting."""
        with self._lock:
            self._faults.append(fault)

    def heal(self) -> None:
        """Forget all waiting faults."""
        with self._lock:
            self._faults.clear()

    @property
    def has_faults(self) -> bool:
        """Whether a fault still waits for its requests."""
        with self._lock:
            return any(fault.times > 0 for fault in self._faults)

    def forget(self) -> None:
        """Empty the request log."""
        with self._lock:
            self.log.clear()

    def due_fault(self, request: Request) -> Fault | None:
        """Return the fault that hits this request and count it down; None when all is well."""
        with self._lock:
            for fault in self._faults:
                if fault.where in request.path and fault.times > 0:
                    if fault.skip > 0:
                        fault.skip -= 1
                        return None
                    fault.times -= 1
                    return fault
        return None

    def note(self, request: Request, status: int, sent: int) -> None:
        """Write one line into the request log."""
        with self._lock:
            self.log.append(Logged(request.method, request.path, request.query, request.body, status, sent))


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, owner: Server, port: int) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent when a client went away in the middle; a mistake of a site is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class names it so
        """Keep stderr clean: the request log is `Server.log`."""

    def _serve(self) -> None:
        request = self._read()
        if self.server.owner.latency:
            time.sleep(self.server.owner.latency)
        fault = self.server.owner.due_fault(request)
        if fault is None:
            self._send(request, self._respond(request))
        else:
            self._break(request, fault)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 -- the base class looks for these

    def _respond(self, request: Request) -> Response:
        self.server.owner.last = self.server.owner.site.respond(request)
        return self.server.owner.last

    def _read(self) -> Request:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        return Request(self.command, url.path, query, headers, self.rfile.read(length), url.query)

    def _head(self, response: Response, *, with_length: bool = True) -> None:
        if "Date" in response.headers:
            self.send_response_only(response.status)  # the site has a clock of its own
        else:
            self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if with_length:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()

    def _note(self, request: Request, status: int, sent: int) -> None:
        self.server.owner.note(request, status, sent)

    def _send(self, request: Request, response: Response) -> None:
        self._note(request, response.status, len(response.body))
        self._head(response)
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def _break(self, request: Request, fault: Fault) -> None:
        match fault.kind:
            case "response":
                self._send(request, fault.reply)
            case "truncate" | "cut" | "stall":
                self._truncate(request, fault)
            case "drop" | "reset":
                self._drop(request, abruptly=fault.kind == "reset")
            case "creep":
                self._creep(request, fault.seconds)
            case "silence":
                time.sleep(fault.seconds)
                self._send(request, self._respond(request))
            case "drip":
                self._drip(request, fault.seconds)
            case "repeat":
                self._send(request, self.server.owner.last)
            case _:
                self._swell(request, fault)

    def _swell(self, request: Request, fault: Fault) -> None:
        """Send the real body with blanks after it, packed or not; JSON stays JSON."""
        response = self._respond(request)
        body = response.body + b" " * fault.size
        if fault.kind == "bomb":
            headers = {**response.headers, "Content-Encoding": "gzip"}
            response = Response(response.status, gzip.compress(body, 1, mtime=0), headers)
        else:
            response = Response(response.status, body, response.headers)
        self._send(request, response)

    def _truncate(self, request: Request, fault: Fault) -> None:
        response = self._respond(request)
        half = response.body[: len(response.body) // 2]
        self._note(request, response.status, len(half))
        self._head(response, with_length=fault.kind != "cut")
        self.wfile.write(half)
        if fault.kind == "stall":
            time.sleep(fault.seconds)
        self.close_connection = True

    def _drop(self, request: Request, *, abruptly: bool) -> None:
        self._note(request, 0, 0)
        self.close_connection = True
        if abruptly:  # a socket that does not linger is closed with an RST
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    def _creep(self, request: Request, seconds: float) -> None:
        self._note(request, 200, 0)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"
        for byte in head:
            self.wfile.write(bytes([byte]))
            time.sleep(seconds / len(head))
        self.close_connection = True

    def _drip(self, request: Request, seconds: float) -> None:
        response = self._respond(request)
        self._note(request, response.status, len(response.body))
        self._head(response)
        pause = seconds / max(1, len(response.body))
        for byte in response.body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(pause)
