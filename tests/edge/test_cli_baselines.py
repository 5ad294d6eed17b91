"""`baseline`: where a captured baseline comes from, and the one way to take it anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.edge.cli_play import run

MAIN = """cycles: {now: {start: 2020-01-01, end: 2099-12-31}}
sources: {survey: {kind: csv_file, path: survey.csv}}
metrics: {nps: {source: survey, column: nps, unit: points}}
"""
TEAM = """cycle: now
objectives:
  - id: o
    title: O
    key_results:
      - {id: nps, title: Raise it, measure: {metric: nps, baseline: capture, by: +20}}
      - {id: fixed, title: Raise it, measure: {metric: nps, baseline: 31, by: +20}}
"""
WHY = ("--recapture", "--reason", "wrong \x1b[31msurvey", "--author", "ana")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A synced folder that one stands in: 31 points before the start, 41 since."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "okrs").mkdir()
    (tmp_path / "okr-sync.yaml").write_text(MAIN, "utf-8")
    (tmp_path / "okrs" / "team.yaml").write_text(TEAM, "utf-8")
    _survey(tmp_path, 31)
    assert run("sync").code == 0
    return tmp_path


def _survey(folder: Path, before: float) -> None:
    (folder / "survey.csv").write_text(f"date,nps\n2019-12-30,{before}\n2020-02-01,41\n", "utf-8")


def _captured(name: str = "nps") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run("baseline", name, "--json").json()["baselines"]
    return found


def test_a_baseline_is_shown_with_its_origin_everywhere(folder: Path) -> None:
    assert "nps, version 1: 31: last value before the start, 2019-12-30 00:00 UTC" in run("baseline", "nps").out
    (version,) = _captured()
    assert (version["version"], version["run"], version["reason"]) == (1, 1, "")
    assert (version["baseline"]["value"], version["baseline"]["evidence"]) == (31, "survey.csv, line 2")
    assert "captured    nps 31: last value before the start" in run("explain", "nps").out
    assert "from 31 (captured) to 51 points" in run("report").out
    objective = run("status", "--json").json()["objectives"][0]
    shown, fixed = objective["key_results"]
    assert (shown["baseline"], shown["progress"], shown["captured"]) == (31, 0.5, [version["baseline"]])
    assert fixed["captured"] == []


def test_recapture_takes_it_anew_and_says_what_changed_for_good(folder: Path) -> None:
    _survey(folder, 21)
    assert run("sync").code == 0
    assert len(_captured()) == 1
    ran = run("baseline", "nps", *WHY)
    assert ran.code == 0
    assert "version 2: 21: last value before the start" in ran.out
    assert "by ana in run 3: wrong �[31msurvey" in ran.out
    assert [each["baseline"]["value"] for each in _captured()] == [31, 21]


def test_a_recapture_whose_source_fails_keeps_the_baseline_and_says_so_by_its_exit_code(folder: Path) -> None:
    (folder / "survey.csv").unlink()
    assert run("baseline", "nps", *WHY).code == 4
    assert [each["baseline"]["value"] for each in _captured()] == [31]


def test_what_captures_nothing_says_so(folder: Path) -> None:
    assert "no baseline was captured for fixed" in run("baseline", "fixed").out
    for words, said in (
        (("baseline", "fixed", "--recapture", "--reason", "x"), "fixed captures no baseline"),
        (("baseline", "nps", "--recapture"), "say why with --reason"),
        (("baseline", "nps", "--reason", "x"), "--reason belongs to --recapture"),
        (("baseline", "npx", "--recapture", "--reason", "x"), "did you mean nps?"),
        (("baseline", "npx"), "there is no key result, objective or initiative npx; did you mean nps?"),
        (("baseline", "o"), "o is no key result"),
    ):
        ran = run(*words)
        assert ran.code == 2, words
        assert said in ran.err
