"""Requests that many questions cost: PromQL queries of one source, and pointers into few documents."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.http_json import HttpJson
from connectors.prometheus import Prometheus
from okr_sync.connector import Ask, Caller, MetricSource
from okr_sync.sandbox.server import Request, Response, Server

START, NOW = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
MANY = 100


class _Service:
    """Answers joined PromQL queries with one series each, and any other path with a document."""

    def respond(self, request: Request) -> Response:
        """Return the answer."""
        if not request.path.startswith("/api/v1/query"):
            return Response.of({"values": [1, 2, 3], "path": request.path})
        marks = set(re.findall(r"okr_sync_ref%22%2C\+%22(\d+)", request.body.decode())) or {""}
        series = [{"metric": {"okr_sync_ref": mark} if mark else {}, "value": [NOW.timestamp(), "7"]} for mark in marks]
        return Response.of({"status": "success", "data": {"resultType": "vector", "result": series}})


def main(_: Sequence[str] | None = None) -> None:
    """Measure and print."""
    prometheus = {f"q{n}": {"query": f"up * {n}"} for n in range(MANY)}
    pointers = {f"p{n}": {"path": f"/{n % 3}", "value": "sum(values)"} for n in range(MANY)}
    with Server(_Service()) as server:
        _measure(server, Prometheus, f"{MANY} Prometheus queries", prometheus, 1)
        _measure(server, HttpJson, f"{MANY} pointers into 3 documents", pointers, 3)


def _measure(
    server: Server, connector: Callable[..., MetricSource], what: str, queries: Mapping[str, Any], least: int
) -> None:
    told = {"url": server.url, "allow_hosts": ["127.0.0.1"]}
    source = connector(connector.Settings.model_validate(told), Caller())  # type: ignore[attr-defined]
    parsed = {ref: source.Query.model_validate(query) for ref, query in queries.items()}
    server.forget()
    begin = time.perf_counter()
    answer = source.read(Ask(parsed, START, NOW))
    seconds = time.perf_counter() - begin
    source.close()
    answered = sum(isinstance(outcome, tuple) for outcome in answer.values())
    line = f"{what:34} {len(server.log):4} requests (least {least}), {answered} answered, {seconds * 1000:.0f} ms\n"
    sys.stdout.write(line)
