"""The part of the delivery suite about failures and secrets: each failure has its type, no secret comes out."""
# ruff: noqa: S101 -- a contract suite asserts

from __future__ import annotations

import json
import logging
import socket
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime, formatdate, parsedate_to_datetime
from typing import Literal

import pytest

from okr_sync.connector import AccessError, DeliverySource, ProtocolError, SourceError, TransientError
from okr_sync.sandbox.server import Fault, Request, Response, Server
from okr_sync.testing.delivery_world import ALWAYS, BODY, COOKIE, DeliveryHarness, DeliveryWorld


class DeliveryFailures(DeliveryHarness):
    """The laws of failing that every delivery source keeps."""

    @pytest.mark.parametrize(
        ("reply", "expected"),
        [
            (Response(401, b"{}"), AccessError),
            (Response(403, b'{"message": "Forbidden"}'), AccessError),
            (Response(429), TransientError),
            *(
                (Response(status, b"<html>%s</html>" % BODY.encode()), TransientError)
                for status in (500, 502, 503, 504)
            ),
            (
                Response(200, b"<html><title>Welcome</title></html>", {"Content-Type": "text/html"}),
                (ProtocolError, AccessError),
            ),
            (Response(200, b""), ProtocolError),
            (Response(200, b"{}"), ProtocolError),
            (Response(200, b"null"), ProtocolError),
            (Response(200, b'{"data": {"'), ProtocolError),
            (Response(200, b"\xff\xfe\xfd"), ProtocolError),
            (Response(200, b"[" * 100_000), ProtocolError),
        ],
        ids=lambda value: f"{value.status}-{value.body[:12]!r}" if isinstance(value, Response) else "",
    )
    def test_each_failure_has_its_type(
        self,
        world: DeliveryWorld,
        connect: Callable[..., DeliverySource],
        reply: Response,
        expected: type[SourceError] | tuple[type[SourceError], ...],
    ) -> None:
        """Whichever request of a pull fails, the pull fails with the right type, and that request is sent once."""
        raw = {"a": world.scope("alpha"), "b": world.scope("beta")}
        self.pull(connect(), world, raw)
        healthy = len(world.server.log)
        for skip in range(healthy):
            world.server.forget()
            world.server.inject(Fault("response", replace(reply), times=ALWAYS, skip=skip))
            with pytest.raises(expected) as caught:
                self.pull(connect(), world, raw)
            world.server.heal()
            assert len(world.server.log) == skip + 1, "a failing request is sent once"
            assert str(caught.value)

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({"Retry-After": "7"}, 7.0),
            ({"Retry-After": "86400"}, 86400.0),
            ({"Retry-After": "-1"}, None),
            ({"Retry-After": "abc"}, None),
            ({}, None),
        ],
    )
    def test_the_wish_of_the_server_is_kept(
        self,
        world: DeliveryWorld,
        connect: Callable[..., DeliverySource],
        headers: dict[str, str],
        seconds: float | None,
    ) -> None:
        """Retry-After comes out in seconds; nonsense counts as none."""
        world.server.inject(Fault("response", Response(429, b"", headers), times=ALWAYS))
        with pytest.raises(TransientError) as caught:
            self.pull(connect(), world, {"a": world.scope("alpha")})
        assert caught.value.retry_after == seconds

    def test_a_date_to_wait_for_counts_from_the_answer(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """A Retry-After that is an HTTP date comes out as the seconds between the answer's Date and it."""
        wish = parsedate_to_datetime(formatdate(usegmt=True)) + timedelta(seconds=90)
        headers = {"Retry-After": format_datetime(wish, usegmt=True)}
        world.server.inject(Fault("response", Response(429, b"", headers), times=ALWAYS))
        with pytest.raises(TransientError) as caught:
            self.pull(connect(), world, {"a": world.scope("alpha")})
        assert caught.value.retry_after is not None
        assert 80 <= caught.value.retry_after <= 90

    @pytest.mark.parametrize("kind", ["truncate", "drop"])
    def test_a_broken_connection_may_be_retried(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource], kind: Literal["truncate", "drop"]
    ) -> None:
        """A body cut short or a connection dropped is a TransientError, and is asked once."""
        world.server.inject(Fault(kind, times=ALWAYS))
        with pytest.raises(TransientError):
            self.pull(connect(), world, {"a": world.scope("alpha")})
        assert len(world.server.log) == 1

    def test_a_silent_server_is_not_waited_for(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """A server that doesn't answer is a TransientError after the time-out."""
        if not self.quick:
            pytest.skip("this source has no time-out to set")
        world.server.inject(Fault("silence", times=ALWAYS, seconds=1.5))
        with pytest.raises(TransientError):
            self.pull(connect(**self.quick), world, {"a": world.scope("alpha")})

    def test_a_server_that_is_down_may_be_retried(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """A refused connection is a TransientError, for a pull and for a probe."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(TransientError):
            self.pull(connect(url=url), world, {"a": world.scope("alpha")})
        with pytest.raises(TransientError):
            connect(url=url).probe()

    def test_after_the_failure_it_works_again(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """The same connector answers once the source is well."""
        connector, raw = connect(), {"a": world.scope("alpha")}
        world.server.inject(Fault("response", Response(503)))
        with pytest.raises(TransientError):
            self.pull(connector, world, raw)
        assert self.kinds(self.pull(connector, world, raw), "a") == world.truth("alpha")

    @pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 410, 429, 500])
    def test_no_secret_comes_out(
        self,
        world: DeliveryWorld,
        connect: Callable[..., DeliverySource],
        caplog: pytest.LogCaptureFixture,
        status: int,
    ) -> None:
        """Neither token, cookie nor body of an answer shows in errors, tracebacks, reprs or logs."""
        caplog.set_level(logging.DEBUG)
        headers = {"Set-Cookie": f"session={COOKIE}", "Location": f"{world.server.url}/login?session={COOKIE}"}
        body = f"<html>{BODY}</html>".encode()
        world.server.inject(Fault("response", Response(status, body, headers), times=ALWAYS))
        connector = connect()
        said = [repr(connector), repr(connector.settings), str(connector.settings)]
        for ask in (lambda: self.pull(connector, world, {"a": world.scope("alpha")}), connector.probe):
            with pytest.raises(SourceError) as caught:
                ask()
            said += [str(caught.value), repr(caught.value), caught.value.fix]
            said += traceback.format_exception(caught.value)
        text = "\n".join([*said, caplog.text])
        for secret in (*self.secrets, COOKIE, BODY):
            assert secret not in text

    def test_credentials_stay_with_their_host(
        self, world: DeliveryWorld, connect: Callable[..., DeliverySource]
    ) -> None:
        """A redirect to another host is not followed: nothing reaches it."""
        with Server(_Stranger()) as stranger:
            elsewhere = Response(302, b"", {"Location": stranger.url.replace("127.0.0.1", "localhost") + "/rest"})
            world.server.inject(Fault("response", elsewhere, times=ALWAYS))
            with pytest.raises(SourceError) as caught:
                self.pull(connect(), world, {"a": world.scope("alpha")})
            assert stranger.log == []
        assert not isinstance(caught.value, TransientError)


class _Stranger:
    """Plays another host: answers anything with an empty object."""

    def respond(self, request: Request) -> Response:
        """Return an empty JSON object."""
        return Response(200, json.dumps({}).encode(), {"Content-Type": "application/json"})
