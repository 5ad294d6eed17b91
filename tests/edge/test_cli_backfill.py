"""`backfill` and what `history` shows of it, as a person runs them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from okr_sync.cli.place import current_time
from tests.edge.cli_play import run

DAY = timedelta(days=1)


@pytest.fixture
def today(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Open a folder with a config whose cycle began ten days ago, over a survey; return today's first instant."""
    now = current_time()
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC)
    main = {
        "cycles": {"now": {"start": f"{midnight - 10 * DAY:%F}", "end": f"{midnight + 50 * DAY:%F}"}},
        "sources": {"survey": {"kind": "csv_file", "path": "survey.csv"}},
        "metrics": {"nps": {"source": "survey", "column": "nps"}},
    }
    key_result = {"id": "loved", "title": "Loved", "measure": {"metric": "nps", "baseline": 0, "target": 100}}
    team = {"cycle": "now", "objectives": [{"id": "all", "title": "All", "key_results": [key_result]}]}
    (tmp_path / "okrs").mkdir()
    (tmp_path / "okr-sync.yaml").write_text(json.dumps(main), encoding="utf-8")
    (tmp_path / "okrs" / "team.yaml").write_text(json.dumps(team), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    survey(midnight, {8: 10, 4: 30})
    return midnight


def survey(today: datetime, values: dict[int, float]) -> None:
    """Write a value a day, so many days ago, an hour after midnight."""
    lines = [f"{today - ago * DAY + DAY / 24:%FT%H:%M},{value}" for ago, value in values.items()]
    Path("survey.csv").write_text("\n".join(["date,nps", *lines, ""]), encoding="utf-8")


def test_the_first_sync_fills_in_the_cycle_and_history_marks_it(today: datetime) -> None:
    ran = run("sync")
    assert ran.code == 0
    assert f"past since {today - 9 * DAY:%F} 00:00 UTC: 10 instants computed, " in ran.out
    listed = run("history", "loved").out
    assert f"{today - 7 * DAY:%F} 00:00 UTC *" in listed
    assert listed.endswith("* computed later, from what was known by then\n")
    points = run("history", "loved", "--json").json()["points"]
    assert [(each["at"], each["value"], each["backfilled"]) for each in points[:3]] == [
        (f"{today - 9 * DAY:%F}T00:00:00Z", None, True),
        (f"{today - 7 * DAY:%F}T00:00:00Z", 10.0, True),
        (f"{today - 3 * DAY:%F}T00:00:00Z", 30.0, True),
    ]
    assert run("status", "--json").json()["objectives"][0]["score"] == pytest.approx(0.3)


def test_a_dry_run_counts_and_writes_nothing_not_even_the_store(today: datetime) -> None:
    ran = run("backfill", "--dry-run", "--json")
    past = ran.json()["past"]
    assert (ran.code, past["instants"], past["replaced"]) == (0, 10, 0)
    assert past["first"] == f"{today - 9 * DAY:%F}T00:00:00Z"
    assert past["added"] >= 6
    assert not Path("okr-sync.db").exists()
    said = run("backfill", "--dry-run").out
    assert said.endswith("Nothing was written. `okr-sync backfill` does it.\n")


def test_a_correction_is_computed_and_what_was_said_before_can_be_read(today: datetime) -> None:
    run("sync")
    survey(today, {8: 20, 4: 30})
    ran = run("backfill", "--since", f"{today - 8 * DAY:%F}", "--json")
    assert (ran.code, ran.json()["past"]["replaced"] >= 1) == (0, True)
    told = run("history", "loved", "--superseded", "--json").json()
    assert [(each["at"], each["said"]["value"]) for each in told["superseded"]] == [
        (f"{today - 7 * DAY:%F}T00:00:00Z", 10.0)
    ]
    assert [each["value"] for each in told["points"][:3]] == [None, 20.0, 30.0]
    text = run("history", "loved", "--superseded").out
    assert text.splitlines()[0].split("  ")[0] == "since"
    assert f"{today - 7 * DAY:%F} 00:00 UTC" in text
    assert run("history", "all", "--superseded", "--since", f"{today:%F}").out == "no point was computed again\n"
    assert "backfill" in run("runs").out
    again = run("backfill")
    assert "0 points added, 0 replaced" in again.out


def test_a_day_to_come_has_no_past(today: datetime) -> None:
    ran = run("backfill", "--since", f"{today + 2 * DAY:%F}")
    assert (ran.code, Path("okr-sync.db").exists()) == (2, False)
    assert "is not over yet; give a day of the past" in ran.err


def test_a_cycle_that_began_today_has_no_past_to_compute(today: datetime) -> None:
    main = json.loads(Path("okr-sync.yaml").read_text(encoding="utf-8"))
    main["cycles"]["now"]["start"] = f"{today:%F}"
    Path("okr-sync.yaml").write_text(json.dumps(main), encoding="utf-8")
    assert run("backfill", "--dry-run").out.startswith("= no day of the past to compute\n")
