"""`make bench ARGS=tables`: what N questions to files and databases cost, against the least that could do.

100 metrics each: of one CSV file, of one workbook, and of one database with 10 distinct statements.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.csv_file import CsvFile
from connectors.sql import Sql
from okr_sync.connector import Ask, MetricSource, Miss
from okr_sync.testing.metrics import CountingCaller

START, NOW = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        "python -m tests.bench tables", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--statements", type=int, default=10, help="distinct ones")
    told = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="okr-sync-bench-") as folder:
        count, distinct = told.questions, min(told.statements, told.questions)
        _print(f"{count} rows of one CSV file", "reads", 1, _csv(Path(folder), count))
        said = f"{count} SQL statements, {distinct} distinct"
        _print(said, "a connection and executions", 1 + distinct, _sql(Path(folder), count, distinct))


def _csv(folder: Path, count: int) -> tuple[int, float]:
    file = folder / "rows.csv"
    file.write_text("name,value\n" + "".join(f"m{n},{n}\n" for n in range(count)), "utf-8")
    queries = {f"m{n}": {"column": "value", "where": {"name": f"m{n}"}} for n in range(count)}
    return _ask(CsvFile, {"path": file}, queries)


def _sql(folder: Path, count: int, distinct: int) -> tuple[int, float]:
    file = folder / "rows.db"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE rows (value INTEGER)")
    select = "SELECT (SELECT count(*) FROM rows)"
    queries = {f"m{n}": {"sql": f"{select} + {n % distinct}"} for n in range(count)}
    return _ask(Sql, {"url": f"sqlite:///{file}"}, queries)


def _ask(kind: type[MetricSource], settings: dict[str, Any], queries: dict[str, dict[str, Any]]) -> tuple[int, float]:
    """Return what was asked of the source, and the seconds that it took."""
    caller = CountingCaller()
    source = kind(kind.Settings.model_validate(settings), caller)
    parsed = {ref: kind.Query.model_validate(query) for ref, query in queries.items()}
    began = time.perf_counter()
    answer = source.read(Ask(parsed, START, NOW))
    seconds = time.perf_counter() - began
    source.close()
    wrong = [ref for ref, outcome in answer.items() if isinstance(outcome, Miss)]
    if wrong:
        raise AssertionError(f"{kind.kind} did not answer {wrong[:3]}: {answer[wrong[0]]}")
    return caller.count, seconds


def _print(what: str, unit: str, least: int, measured: tuple[int, float]) -> None:
    asked, seconds = measured
    sys.stdout.write(f"{what}: {asked} {unit}, the least is {least}: {asked / least:.2f}; {seconds * 1000:.0f} ms\n")
