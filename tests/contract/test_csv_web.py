"""csv_file over the web keeps the same laws: one request for all questions, and what is no CSV is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.csv_file import CsvFile
from connectors.csv_settings import CsvQuery, CsvSettings
from okr_sync.connector import AccessError, Ask, Caller, ProtocolError, Reading, Referenced, TransientError
from okr_sync.sandbox.server import Fault, Request, Response, Server
from okr_sync.testing.metrics import BadQuestion, Breakage, CountingCaller, MetricSourceContract, MetricWorld

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
TOKEN = "csv-s3cret"
SURVEY = "\ufeffdate;nps;region\n2026-10-01;31,5;eu\n2026-11-01;{newest};eu\n2026-12-01;99;eu\n"


class Files:
    """Serves one file to those who have the token."""

    def __init__(self) -> None:
        self.reply = Response(body=SURVEY.format(newest="33,5").encode(), headers={"content-type": "text/csv"})

    def respond(self, request: Request) -> Response:
        """Return the file."""
        granted = request.headers.get("authorization") == f"Bearer {TOKEN}"
        return self.reply if granted and request.query.get("key") == "s3cret-key" else Response(401)


class WebWorld(MetricWorld):
    """A survey at an address that holds a key, for which a token is needed, too."""

    def __init__(self, server: Server, files: Files) -> None:
        self.server, self.files, self.newest = server, files, 33.5
        self.made: list[CsvFile] = []
        bad = {
            "typo": BadQuestion({"column": "nsp"}, "there is: nps"),
            "text": BadQuestion({"column": "region"}, "survey.csv, line 2: 'eu'"),
        }
        html = Response(body=b"<html>sign in</html>", headers={"content-type": "text/html; charset=utf-8"})
        breakages = {
            "a web page": Breakage(lambda: self._reply(html), ProtocolError, "is a web page, not CSV"),
            "not UTF-8": Breakage(lambda: self._reply(Response(body=b"nps\n\xff\n")), ProtocolError, "survey.csv"),
            "gone": Breakage(lambda: self._reply(Response(404)), ProtocolError, "404"),
            "refused": Breakage(lambda: self._reply(Response(403)), AccessError),
            "busy": Breakage(lambda: self._reply(Response(503)), TransientError),
            "cut": Breakage(lambda: server.inject(Fault("truncate", times=99)), TransientError),
        }
        secrets = (TOKEN, "s3cret-key")
        moments = {"series": {START: 31.5, datetime(2026, 11, 1, tzinfo=UTC): 33.5}}
        super().__init__(START, NOW, 1, bad, breakages, secrets, moments)

    def _reply(self, reply: Response) -> None:
        self.files.reply = reply

    def connect(self, caller: Caller) -> CsvFile:
        """Return a connector to the address."""
        self.made.append(CsvFile(CsvSettings.model_validate(self.settings()), caller))
        return self.made[-1]

    def settings(self) -> Mapping[str, Any]:
        """Return the address and how to get in."""
        url = f"{self.server.url}/files/survey.csv?key=s3cret-key"
        return {"url": url, "token": Referenced(TOKEN), "decimal": ",", "allow_hosts": ["127.0.0.1"], "timeout": 5}

    def questions(self) -> Mapping[str, Mapping[str, Any]]:
        """Return a series and a fold."""
        return {"series": {"column": "nps"}, "most": {"column": "nps", "aggregate": "max"}}

    def truth(self, ref: str) -> tuple[float, ...]:
        """Return the values by hand."""
        return {"series": (31.5, self.newest), "most": (self.newest,)}[ref]

    def change(self, ref: str) -> None:
        """Correct the newest value."""
        self.newest = 35.0
        self.files.reply = Response(body=SURVEY.format(newest="35").encode())


@pytest.fixture
def web() -> Iterator[WebWorld]:
    """The world, its server running."""
    files = Files()
    with Server(files) as server:
        world = WebWorld(server, files)
        yield world
        for source in world.made:
            source.close()


class TestCsvWebContract(MetricSourceContract):
    @pytest.fixture
    def world(self, web: WebWorld) -> MetricWorld:
        return web


def test_a_hundred_rows_of_one_file_are_one_request(web: WebWorld) -> None:
    rows = "".join(f"m{n};{n}\n" for n in range(100))
    web.files.reply = Response(body=f"name;value\n{rows}".encode())
    queries = {f"m{n}": CsvQuery(column="value", where={"name": f"m{n}"}) for n in range(100)}
    caller = CountingCaller()
    source = web.connect(caller)
    answer = source.read(Ask(queries, START, NOW))
    assert answer == {f"m{n}": (Reading(n, None, f"survey.csv, line {n + 2}"),) for n in range(100)}
    assert caller.count == 1


def test_a_redirect_to_another_host_is_not_followed(web: WebWorld) -> None:
    """The token stays here."""
    web.files.reply = Response(302, headers={"location": "https://evil.example/survey.csv"})
    with pytest.raises(ProtocolError, match="not followed"):
        web.connect(Caller()).probe()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "exactly one of path and url"),
        ({"path": "x.csv", "url": "https://example.com/x.csv"}, "exactly one of path and url"),
        ({"url": "ftp://example.com/x.csv"}, "expected an address like"),
        ({"url": "https://ana:pw@example.com/x.csv"}, "without user and password"),
        ({"url": 5}, "expected an address like"),
        ({"path": "x.csv", "token": Referenced("x")}, "belong to url"),
        ({"url": "https://example.com/x.csv", "username": "ana"}, "username with password"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: Mapping[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told) as caught:
        CsvSettings.model_validate(settings)
    assert "ana:pw" not in str(caught.value)
