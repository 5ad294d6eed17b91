"""The addresses of hooks and of the ping are secrets: they come out nowhere, whoever says them."""

from __future__ import annotations

import base64
import tarfile
from pathlib import Path
from urllib.parse import quote

import pytest

from okr_sync.redaction import parts_of
from okr_sync.sandbox.server import Fault, Request, Response, Server
from tests.edge.cli_play import Play, playing

HOOK, PING = "T0PS3CR3T/hook+of=chat", "d34d-m4n5-sw1tch"


class Telltale:
    """Refuses whatever comes, and repeats the address in every part of its answer."""

    def respond(self, request: Request) -> Response:
        """Return a refusal."""
        return Response(418, request.path.encode(), {"X-Asked": request.path, "Location": request.path})


def alarmed(play: Play, server: Server) -> None:
    """Let the tracker fail, and name the service for alerts and pings."""
    play.setenv("CHAT_HOOK", f"{server.url}/services/{HOOK}?token={HOOK}")
    play.setenv("PING_URL", f"{server.url}/{PING}")
    play.main["ping"] = "${PING_URL}"
    channels = {"chat": {"kind": "slack", "url": "${CHAT_HOOK}"}, "gone": {"kind": "webhook", "url": "${CHAT_HOOK}"}}
    play.main["alerts"] = {"failures": 1, "allow_hosts": ["127.0.0.1"], "timeout": 1, "channels": channels}
    play.change_source("tracker", deadline="1 s")
    play.jira.inject(Fault("response", Response(500), times=10_000))


def forms(secret: str) -> set[str]:
    coded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {secret, quote(secret), quote(secret, safe=""), coded, *secret.split("/")}


def test_no_part_of_an_address_is_in_any_byte_that_comes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen red without hiding the parts of an address: errors name the path that was asked."""
    bundle = tmp_path / "bundle.tar.gz"
    with Server(Telltale()) as server, playing(tmp_path, monkeypatch.setenv) as play:
        alarmed(play, server)
        said = ""
        for words in ("check", "sync", "alerts --test", "alerts --json", "status --json", "status", "runs --json",
                      "plan", f"doctor --bundle {bundle}", "sources", "run now", "verify"):  # fmt: skip
            said += play.run(*words.split(), "--log-level", "debug").said
        assert "source tracker since" in said, "the alert is there"
        assert "status 418" in said, "and so is the refusal"
        assert "the ping was not taken" in said
        with tarfile.open(bundle) as packed:
            inside = b"".join(file.read() for each in packed if (file := packed.extractfile(each)))
        written = b"".join([*play.bytes_of_store().values(), inside])
    for form in forms(HOOK) | forms(PING):
        assert form not in said
        assert form.encode() not in written, form


def test_the_parts_of_an_address_are_those_behind_its_host() -> None:
    assert parts_of("https://chat.example/api/T0PS3CR3T?token=s3cr3ts&x=1") == (
        "https://chat.example/api/T0PS3CR3T?token=s3cr3ts&x=1",
        "token=s3cr3ts&x=1",
        "/api/T0PS3CR3T",
        "token=s3cr3ts",
        "T0PS3CR3T",
    )
    assert parts_of("http://[broken") == ("http://[broken",)
