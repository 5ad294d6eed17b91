"""A loopback service that takes notices, a config that names it, and an outbox with something in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from okr_sync.alerts.delivering import Post
from okr_sync.config.alerting import Alerts, Channel
from okr_sync.connector import WebSettings
from okr_sync.core.alerting import Notice
from okr_sync.sandbox.server import Response, Server
from okr_sync.store.alerts import enqueue
from okr_sync.testing.server import Request
from tests.store.builders import NOW
from tests.store.empty import new_store

SECRET = "T0PS3CR3T-hook"
OPS, CHAT = f"/services/{SECRET}", f"/chat/{SECRET}?token={SECRET}"


class Taker:
    """Takes whatever comes, and remembers it."""

    def __init__(self) -> None:
        self.taken: list[Request] = []

    def respond(self, request: Request) -> Response:
        """Return what Slack returns."""
        self.taken.append(request)
        return Response(200, b"ok", {"Content-Type": "text/plain"})


@contextmanager
def taking() -> Iterator[tuple[Taker, Server]]:
    """Give a service that takes notices."""
    taker = Taker()
    with Server(taker) as server:
        yield taker, server


def alerts_to(server: Server, *, ping: str | None = None, timeout: float = 0.5) -> Alerts:
    """Return two channels at the service, and a ping if there is a path for it."""
    channels = {
        "ops": Channel("ops", "webhook", SecretStr(server.url + OPS)),
        "chat": Channel("chat", "slack", SecretStr(server.url + CHAT)),
    }
    reach = WebSettings(allow_hosts=("127.0.0.1",), timeout=timeout)
    return Alerts(channels, 3, reach, None if ping is None else SecretStr(server.url + ping))


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, span: timedelta) -> None:
        """Move on."""
        self.now += span


def notice(reason: str = "it is down", subject: str = "survey") -> Notice:
    """Return a notice that a source has a trouble."""
    return Notice("raised", "source", subject, NOW, NOW, reason)


def office(folder: Path, clock: Clock, *notices: Notice, channels: tuple[str, ...] = ("ops",)) -> Post:
    """Return a new store whose outbox holds these notices for the channels."""
    store = new_store(folder / "okr-sync.db")
    with store.writing() as session:
        enqueue(session, notices, channels)
    return Post(store, clock)
