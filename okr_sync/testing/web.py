"""The laws of metric sources that ask over the web: a world around a loopback server, and the suite for it.

class MyWorld(WebWorld):
    connector = Mine
    def settings(self): return {"url": self.server.url, "token": self.secret("…"), "allow_hosts": ["127.0.0.1"]}
    …

class TestMine(WebSourceContract):
    @pytest.fixture
    def world(self):
        with Server(Site()) as server:
            yield MyWorld(server)
"""
# ruff: noqa: S101 -- laws are assertions

from __future__ import annotations

import logging
import socket
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, ClassVar, Self

import pytest

from okr_sync.connector import AccessError, Caller, MetricSource, ProtocolError, Referenced, SourceError, TransientError
from okr_sync.testing.breaking import ALWAYS, BODY, COOKIE, WAYS, Way, way
from okr_sync.testing.metrics import CountingCaller, MetricSourceContract, MetricWorld, ask_all
from okr_sync.testing.server import Fault, Request, Response, Server

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)


class WebWorld(MetricWorld):
    """A service on loopback in a known state. `requests` is what one batch may cost, however many questions it has."""

    connector: ClassVar[type[MetricSource]]
    impatient: ClassVar[Mapping[str, Any]] = {"timeout": 0.1}
    """Settings, over the usual ones, with which the connector gives up within a second or two."""
    frugal: ClassVar[Mapping[str, Any]] = {"max_mib": 1}
    """Settings, over the usual ones, with which the connector takes answers of at most `largest` bytes."""
    largest: ClassVar[int] = 2**20

    def __init__(self, server: Server, *, requests: int = 1, start: datetime = START, now: datetime = NOW) -> None:
        super().__init__(start, now, requests)
        self.server = server
        self._made: list[MetricSource] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connectors that were made."""
        for source in self._made:
            source.close()

    def secret(self, text: str) -> Referenced:
        """Return the text as `${…}` would bring it, and remember that it must come out nowhere."""
        if text not in self.secrets:
            self.secrets = (*self.secrets, text)
        return Referenced(text)

    def connect(self, caller: Caller, **over: Any) -> MetricSource:
        """Return a new connector to the service, with some settings over the usual ones."""
        self._made.append(self.connector(self.connector.Settings.model_validate({**self.settings(), **over}), caller))
        return self._made[-1]


@dataclass(frozen=True, slots=True)
class _Failed:
    error: SourceError
    asked: int
    """Requests that the connector said it sends."""
    sent: int
    """Requests that came."""


class WebSourceContract(MetricSourceContract):
    """The laws of metric sources, and of failing over the web."""

    @pytest.mark.parametrize("name", WAYS)
    def test_each_failure_has_its_type_and_is_asked_once(self, world: WebWorld, name: str) -> None:
        """Whatever breaks, the error has the right type, says a way out and what the server wishes, after one try."""
        how = way(name, world.largest)
        failed = _fail(world, how)
        assert isinstance(failed.error, how.error), f"{name}: {failed.error!r} is no {how.error}"
        assert str(failed.error), f"{name}: the error says nothing"
        assert failed.error.fix, f"{name}: {failed.error!r} tells no way out"
        assert failed.asked == failed.sent == 1, (
            f"{name}: {failed.sent} requests came, {failed.asked} through the caller"
        )
        if isinstance(failed.error, TransientError):
            wish = failed.error.retry_after
            assert (wish is None) == (how.wish is None), f"{name}: retry_after is {wish}, the server wishes {how.wish}"
            assert abs((wish or 0) - (how.wish or 0)) <= 5, f"{name}: retry_after is {wish}, not {how.wish}"

    @pytest.mark.parametrize("name", WAYS)
    def test_no_failure_tells_a_secret(self, world: WebWorld, caplog: pytest.LogCaptureFixture, name: str) -> None:
        """Neither token, cookie nor body of an answer shows in errors, tracebacks or logs."""
        caplog.set_level(logging.DEBUG)
        error = _fail(world, way(name, world.largest)).error
        text = "\n".join([repr(error), str(error), error.fix, *traceback.format_exception(error), caplog.text])
        assert not [each for each in (*world.secrets, COOKIE, BODY) if each in text], f"{name}: a secret shows"

    def test_after_the_failure_it_works_again(self, world: WebWorld) -> None:
        """The same connector answers once the service is well."""
        source = world.connect(Caller())
        healthy = dict(ask_all(source, world))
        world.server.inject(Fault("response", Response(503)))
        with pytest.raises(TransientError):
            ask_all(source, world)
        assert dict(ask_all(source, world)) == healthy

    def test_a_service_that_is_down_may_be_tried_again(self, world: WebWorld) -> None:
        """A refused connection is a TransientError, for questions and for a probe."""
        source = world.connect(Caller(), **_elsewhere(world, _free_port()))
        with pytest.raises(TransientError):
            ask_all(source, world)
        with pytest.raises(TransientError):
            source.probe()

    def test_nothing_is_changed_at_the_service(self, world: WebWorld) -> None:
        """Only GET and POST are sent: a source is read."""
        world.server.forget()
        source = world.connect(Caller())
        source.probe()
        ask_all(source, world)
        methods = {line.method for line in world.server.log}
        assert methods, "nothing was asked at all: do the settings name the server?"
        assert methods <= {"GET", "POST"}, f"{methods} were sent"

    def test_every_request_goes_through_the_caller(self, world: WebWorld) -> None:
        """What the engine counts is what the service gets; it could not retry nor stop anything else."""
        caller = CountingCaller()
        world.server.forget()
        ask_all(world.connect(caller), world)
        assert caller.count == len(world.server.log), f"{len(world.server.log)} requests came, {caller.count} counted"

    def test_credentials_stay_with_their_host(self, world: WebWorld) -> None:
        """A redirect to another host is not followed: nothing reaches it."""
        with Server(_Stranger()) as stranger:
            place = stranger.url.replace("127.0.0.1", "localhost") + "/elsewhere"
            world.server.inject(Fault("response", Response(302, b"", {"Location": place}), times=ALWAYS))
            with pytest.raises((ProtocolError, AccessError)):
                ask_all(world.connect(Caller()), world)
            assert stranger.log == [], "the redirect was followed"


class _Stranger:
    """Plays another host: answers anything with an empty object."""

    def respond(self, request: Request) -> Response:
        """Return an empty JSON object."""
        return Response.of({})


def _fail(world: WebWorld, how: Way) -> _Failed:
    caller = CountingCaller()
    limits = {**(world.impatient if how.impatient else {}), **(world.frugal if how.huge else {})}
    source = world.connect(caller, **limits)
    world.server.forget()
    world.server.inject(how.fault())
    try:
        with pytest.raises(SourceError) as caught:
            ask_all(source, world)
    finally:
        world.server.heal()
    return _Failed(caught.value, caller.count, max(1, len(world.server.log)))


def _elsewhere(world: WebWorld, port: int) -> dict[str, Any]:
    """Return the settings with another port wherever they name the server."""
    here = world.server.url
    there = f"http://127.0.0.1:{port}"
    return {
        name: type(value)(value.replace(here, there)) if isinstance(value, str) else value
        for name, value in world.settings().items()
    }


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
