"""Numbers about too few people stand in no output of the program, not even those that were shown before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edge.cli_play import run

MAIN = """cycles: {now: {start: 2020-01-01, end: 2099-12-31}}
sources: {survey: {kind: csv_file, path: survey.csv, fresh_for: 9000 d}}
metrics:
  sick: {source: survey, column: sick, unit: days, personal: true, population: staff}
  staff: {source: survey, column: staff}
"""
TEAM = """cycle: now
objectives:
  - id: o
    title: O
    key_results:
      - {id: sick, title: Less, measure: {metric: sick, baseline: capture, target: 1}}
      - {id: few, title: Few, measure: {metric: sick, at_most: 3, tolerance: 1000}}
"""
SECRETS = ("8765", "8,765", "4321", "4,321", "line 2", "line 3", "like many")
OUTPUTS = [
    *(("explain", name, *more) for name in ("sick", "few") for more in ((), ("--json",))),
    *(("history", name, *more) for name in ("sick", "few") for more in ((), ("--json",))),
    *(("report", "--format", form) for form in ("text", "md", "html", "csv", "json")),
    *(("report", "--format", form, "--since", "2020-01-01") for form in ("text", "md", "html", "csv", "json")),
    *(("runs", number, *more) for number in ("1", "2") for more in ((), ("--json",))),
    ("status",),
    ("status", "--json"),
    ("baseline", "sick"),
    ("baseline", "sick", "--json"),
    ("plan",),
    ("plan", "--json"),
    ("runs",),
]


def _survey(folder: Path, staff: int) -> None:
    rows = ("date,sick,staff", f"2019-12-30,8765.5,{staff}", f"2020-02-01,4321.5,{staff}")
    (folder / "survey.csv").write_text("\n".join(rows) + "\n", "utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that one stands in, synced while eight people were behind the number."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "okrs").mkdir()
    (tmp_path / "okr-sync.yaml").write_text(MAIN, "utf-8")
    (tmp_path / "okrs" / "team.yaml").write_text(TEAM, "utf-8")
    _survey(tmp_path, 8)
    assert run("sync").code == 0
    return tmp_path


def _telling() -> list[tuple[str, ...]]:
    """The commands in which a secret can be read."""
    return [words for words in OUTPUTS if any(secret in run(*words).said for secret in SECRETS)]


def test_what_fell_below_k_people_is_in_no_output_of_any_command(folder: Path) -> None:
    run("check-in", "sick", "--note", "like many of us", "--author", "ana")
    shown = _telling()
    assert {("explain", "sick"), ("history", "sick"), ("baseline", "sick"), ("status", "--json")} <= set(shown)
    _survey(folder, 4)
    planned = run("plan").said + run("plan", "--json").said
    assert not [secret for secret in SECRETS if secret in planned]
    synced = run("sync")
    assert not [secret for secret in SECRETS if secret in synced.said]
    assert _telling() == []
    assert "fewer than 5 people" in run("explain", "sick").out
    assert "too few people" in run("baseline", "sick").err
    states = run("status", "--json").json()["objectives"][0]["key_results"]
    assert [(state["value"], state["progress"], state["captured"]) for state in states] == [(None, None, [])] * 2


def test_it_is_shown_again_with_its_past_when_there_are_enough(folder: Path) -> None:
    before = run("history", "sick", "--json").out
    _survey(folder, 4)
    run("sync")
    assert run("history", "sick", "--json").out != before
    _survey(folder, 8)
    run("sync")
    shown = run("history", "sick", "--json").json()["points"]
    assert [point["value"] for point in shown if point["backfilled"]] == [None, 4321.5]
    assert {point["value"] for point in shown if not point["backfilled"]} <= {None, 4321.5}
    assert shown[-1]["value"] == 4321.5
