"""Requests that many ranges of one Google spreadsheet cost, the one for a token told apart."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from connectors.google_sheets import GoogleSheets
from connectors.google_sheets_settings import SheetsQuery, SheetsSettings
from okr_sync.connector import Ask, Caller, Referenced
from okr_sync.testing.server import Server
from tests.contract.google_server import Spreadsheet, key_file

START, NOW = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
MANY = 100


def main(_: Sequence[str] | None = None) -> None:
    """Measure and print."""
    sheet = Spreadsheet({"KPIs": [["", n] for n in range(MANY)]})
    queries = {f"r{n}": SheetsQuery(range=f"KPIs!B{n + 1}") for n in range(MANY)}
    with Server(sheet) as server:
        key = Referenced(key_file(server.url))
        told = {"spreadsheet": sheet.name, "key": key, "url": server.url, "allow_hosts": ["127.0.0.1"]}
        source = GoogleSheets(SheetsSettings.model_validate(told), Caller())
        begin = time.perf_counter()
        answer = source.read(Ask(queries, START, NOW))
        seconds = time.perf_counter() - begin
        source.close()
        tokens = sum(each.path == "/token" for each in server.log)
        asked = len(server.log) - tokens
    answered = sum(isinstance(outcome, tuple) for outcome in answer.values())
    what = f"{MANY} ranges of one sheet"
    cost = f"{asked:4} requests (least 1) and {tokens} for a token"
    sys.stdout.write(f"{what:34} {cost}, {answered} answered, {seconds * 1000:.0f} ms\n")
