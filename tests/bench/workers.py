"""Key results a minute of one worker and of four on one PostgreSQL, every source 100 ms away on a schedule of its own.

`--sources 8 --key-results 16 --pages 10 --seconds 120`: a source asks for its key results page by page, so a run of one
source takes 16 s of waiting; the program's own start is in the figure. Beside it: all sources in one run of one worker.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import urlopen

import pytest

from okr_sync.connector import Answer, Ask, MetricSource, Query, Reading, Settings
from okr_sync.sandbox.server import Request, Response, Server
from tests.bar.house import until
from tests.bar.postgres_house import PostgresHouse
from tests.servers.postgres import running

LATENCY = 0.1  # seconds
PATIENCE = 900.0  # seconds until the first run ended
DONE = """
SELECT r.finished, s.seen FROM runs r JOIN run_sources s ON s.run_id = r.id
WHERE r.outcome = 'ok' AND s.outcome = 'ok' ORDER BY r.finished
"""


class PagedSettings(Settings):
    """Where the pages are, and how many a number takes."""

    address: str
    pages: int


class Paged(MetricSource):
    """Asks for one page after the other, like a tracker whose cursor is in the last page."""

    kind = "paged"
    summary = "numbers over many pages"
    Settings = PagedSettings
    Query = Query

    def probe(self) -> str:
        return "paged"

    def read(self, ask: Ask[Any]) -> Answer:
        """Return the number of bytes that came for each question."""
        return {ref: (Reading(float(self._count(ref))),) for ref in ask.queries}

    def _count(self, ref: str) -> int:
        total = 0
        for page in range(self.settings.pages):
            with urlopen(f"{self.settings.address}/{ref}/{page}", timeout=30) as answer:
                total += len(answer.read())
        return total


class _Far:
    """Answers after the latency."""

    def respond(self, request: Request) -> Response:
        """Return a page."""
        time.sleep(LATENCY)
        return Response.of({"path": request.path})


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m tests.bench workers")
    parser.add_argument("--sources", type=int, default=8)
    parser.add_argument("--key-results", type=int, default=16, help="of each source")
    parser.add_argument("--pages", type=int, default=10, help="requests that each of them takes")
    parser.add_argument("--seconds", type=int, default=120)
    asked = parser.parse_args(words)
    try:
        with running() as postgres, Server(_Far()) as far:
            rates = []
            for workers, apart in ((1, True), (4, True), (1, False)):
                with postgres.fresh() as name, TemporaryDirectory() as folder:
                    house = PostgresHouse(Path(folder), postgres.url(name))
                    _furnish(house, far.url, asked, apart=apart)
                    rates.append(_measure(house, workers, asked.seconds))
                    how = "a schedule each" if apart else "one schedule for all"
                    _say(f"{workers} workers, {asked.sources} sources, {how}: {rates[-1]:.0f} key results a minute")
            _say(f"4 workers against 1: {rates[1] / rates[0]:.2f} times (at least 3)")
    except pytest.skip.Exception as error:
        _say(f"not measured: {error}")


def _measure(house: PostgresHouse, workers: int, seconds: float) -> float:
    """Return key results a minute between the ends of two runs, about so many seconds apart."""
    with ExitStack() as stack:
        for _ in range(workers):
            stack.enter_context(house.worker("--round", "5"))
        until(lambda: house.rows(DONE), PATIENCE)
        time.sleep(seconds)
        ended = [(datetime.fromisoformat(at), seen) for at, seen in house.rows(DONE)]
    (first, _), *others = ended
    if not others:
        return 0.0
    return 60.0 * sum(int(seen) for _, seen in others) / float((others[-1][0] - first).total_seconds())


def _furnish(house: PostgresHouse, address: str, asked: argparse.Namespace, *, apart: bool) -> None:
    house.install("paged", "tests.bench.workers:Paged")
    names = [
        (f"s{source}", f"m{source}-{number}") for source in range(asked.sources) for number in range(asked.key_results)
    ]
    every = ", schedule: every 1 s" if apart else ""
    text = [
        "okrs: [team.yaml]" if apart else "schedule: every 1 s\nokrs: [team.yaml]",
        "sources:",
        *(f"  {each}: {{kind: paged, address: {address}, pages: {asked.pages}{every}}}" for each in dict(names)),
        "cycles:",
        "  now: {start: 2020-01-01, end: 2090-12-31}",
        "metrics:",
        *(f"  {metric}: {{source: {source}}}" for source, metric in names),
    ]
    house.file.write_text("\n".join(text) + "\n", "utf-8")
    results = "".join(
        f"      - {{id: k{metric}, title: T, measure: {{metric: {metric}, baseline: 0, target: 1000}}}}\n"
        for _, metric in names
    )
    (house.folder / "team.yaml").write_text(
        f"cycle: now\nobjectives:\n  - id: o\n    title: O\n    key_results:\n{results}", "utf-8"
    )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
