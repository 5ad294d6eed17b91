"""A loopback site for tests: says what it was asked, and answers what it is told to."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from okr_sync.connector import Caller, Http, WebSettings
from okr_sync.sandbox.server import Request, Response

HOME = ("127.0.0.1",)
MADE: list[Http] = []


class Site:
    """Gives `replies` one after the other by path, the last one again and again; else says what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.replies: dict[str, list[Response]] = {}

    def answer(self, path: str, *replies: Response) -> None:
        """Answer requests for `path` so."""
        self.replies[path] = list(replies)

    def respond(self, request: Request) -> Response:
        """Return the next answer."""
        self.asked.append(request)
        told = self.replies.get(request.path)
        if told:
            return told.pop(0) if len(told) > 1 else told[0]
        return Response.of({"path": request.path, "query": dict(request.query), "headers": dict(request.headers)})


def http_to(caller: Caller | None = None, *, timeout: float = 2.0, **more: Any) -> Http:
    """Return an Http that may ask the loopback address; the fixture `no_connection_stays_open` closes it."""
    settings = {"allow_hosts": HOME, "timeout": timeout, **more.pop("settings", {})}
    MADE.append(Http(caller or Caller(), WebSettings.model_validate(settings), **more))
    return MADE[-1]


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a certificate that signs itself for `name` and 127.0.0.1, and its key; return their files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2100, 1, 1, tzinfo=dt.UTC))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / f"{name}.pem", folder / f"{name}.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return pem, secret


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lines: list[str]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the parent names it so
        """Say nothing."""

    def do_GET(self) -> None:
        self.lines.append(self.requestline)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_CONNECT(self) -> None:
        self.lines.append(self.requestline)
        self.send_error(502, "no way")


@contextmanager
def served(files: tuple[Path, Path] | None = None) -> Iterator[tuple[int, list[str]]]:
    """Serve {} on loopback, over TLS when there are `files`; yield the port and the request lines that came."""
    lines: list[str] = []
    handler = type("Handler", (_Quiet,), {"lines": lines})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # a client that doesn't trust us goes away
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], lines
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def query_of(answer: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the query that the site saw."""
    seen: Mapping[str, str] = answer["query"]
    return seen
