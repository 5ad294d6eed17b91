"""From a file through the store to the report: a key result rests on what is made of many readings, and says so."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from okr_sync.cli.place import current_time
from tests.edge.cli_play import run

MAIN = """\
timezone: UTC
okrs: [team.yaml]
cycles:
  now: {{start: {first}, end: {last}}}
sources:
  survey: {{kind: csv_file, path: survey.csv}}
metrics:
  latency: {{source: survey, column: ms, unit: ms, readings: {{take: median, over: {over}}}}}
"""
TEAM = """\
cycle: now
objectives:
  - id: quick
    title: A service that feels quick
    key_results:
      - {id: typical, title: Typically quick, measure: {metric: latency, at_most: 200}}
"""


def _write(folder: Path, over: str) -> tuple[str, str]:
    """Write a config with twelve daily readings, 100 to 1200 ms up to today; return first and last of seven days."""
    today = current_time().date()
    days = [today - timedelta(days=11 - n) for n in range(12)]
    rows = "".join(f"{day},{100 * n}\n" for n, day in enumerate(days, 1))
    (folder / "survey.csv").write_text(f"date,ms\n{rows}", "utf-8")
    bounds = {"first": today - timedelta(days=40), "last": today + timedelta(days=40)}
    (folder / "okr-sync.yaml").write_text(MAIN.format(over=over, **bounds), "utf-8")
    (folder / "team.yaml").write_text(TEAM, "utf-8")
    return f"{days[-7]}", f"{days[-1]}"


def test_explain_says_of_what_readings_a_number_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A narrower window is another yardstick: the value and the definition change, the readings don't."""
    monkeypatch.chdir(tmp_path)
    _write(tmp_path, "28 d")
    assert run("sync").code == 0
    wide = run("explain", "typical", "--json").json()
    assert wide["value"] == 650
    assert wide["inputs"][0]["basis"].startswith("median of 12 readings, ")
    first, last = _write(tmp_path, "7 d")
    assert run("sync").code == 0
    narrow = run("explain", "typical", "--json").json()
    assert narrow["value"] == 900
    assert narrow["definition"] != wide["definition"]
    assert f"median of 7 readings, {first}…{last}" in run("explain", "typical").out
