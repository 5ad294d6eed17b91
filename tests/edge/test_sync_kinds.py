"""Kinds through the whole program: from files to the number, with its formula and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.edge.cli_play import Play, playing


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    with playing(tmp_path, monkeypatch.setenv) as play:
        yield play


def _measure(play: Play, name: str, measure: dict[str, Any]) -> None:
    listed: list[dict[str, Any]] = play.okrs["objectives"][0]["key_results"]
    listed.append({"id": name, "title": name, "measure": measure})


def _numbers(play: Play, *rows: tuple[int, float, float]) -> None:
    """Write (days ago, nps, sold) as the file of the source `numbers`."""
    days = (f"{play.begin - timedelta(days=ago):%Y-%m-%d},{nps},{sold}" for ago, nps, sold in rows)
    (play.folder / "numbers.csv").write_text("\n".join(["date,nps,sold", *days, ""]), "utf-8")
    play.main["metrics"]["sold"] = {
        "source": "numbers",
        "column": "sold",
        "type": "flow",
        "unit": "plans",
        "aggregate": "sum_by_date",
    }


def test_what_was_sold_twice_on_one_day_is_summed_and_a_correction_of_it_is_followed(play: Play) -> None:
    _numbers(play, (5, 40, 3), (5, 40, 4), (2, 40, 5))
    _measure(play, "sold", {"metric": "sold", "total": 24})
    play.save()
    play.sync()
    sold = play.key_results()["sold"]
    assert (sold["value"], sold["progress"]) == (12, 0.5)
    _numbers(play, (5, 40, 3), (5, 40, 1), (2, 40, 5))
    play.sync()
    assert play.key_results()["sold"]["value"] == 9


def test_an_explanation_names_the_line_of_the_newest_reading(play: Play) -> None:
    """Line 1 of the file is its head: the newest of three readings stands on line 4."""
    _numbers(play, (5, 40, 3), (4, 40, 4), (2, 40, 5))
    _measure(play, "level", {"metric": "nps", "baseline": 0, "target": 80})
    play.save()
    play.sync()
    ran = play.run("explain", "level", "--json")
    (found,) = ran.json()["inputs"]
    assert found["evidence"].endswith("line 4")
    assert found["evidence"] in play.run("explain", "level").out


def test_a_zone_is_set_by_check_in_and_carries_its_evidence(play: Play) -> None:
    play.main["metrics"]["place"] = {"source": "typed", "minimum": 0, "maximum": 3}
    _measure(
        play, "market", {"metric": "place", "zone": {"commit": "top ten", "target": "top three", "stretch": "first"}}
    )
    play.save()
    play.sync()
    assert play.key_results()["market"]["status"] == "unknown"
    assert play.run("check-in", "market", "--value", "2", "--author", "ana", "--note", "analysts' report").code == 0
    assert play.key_results()["market"]["progress"] == 0.7
    said = play.run("explain", "market").out
    assert "target (top three) = 0.7, set by ana: check-in by ana: analysts' report" in said


def test_a_gate_over_real_work_opens_when_it_is_done_and_explains_all_parts(play: Play) -> None:
    gate = [{"done": {"initiative": "assistant"}}, {"metric": "nps", "baseline": 30, "target": 50}]
    _measure(play, "launched", {"gate": gate})
    play.save()
    play.sync()
    assert play.key_results()["launched"]["progress"] == 0
    play.tracker.finish(1)
    play.sync()
    assert play.key_results()["launched"]["progress"] == 0.5
    said = play.run("explain", "launched").out
    assert "the gate 1 done is open: 0.5 = 0.5" in said
    assert "APP-" in said
    assert "numbers" in said


def test_finished_items_are_a_rate_and_a_total(play: Play) -> None:
    _measure(play, "shipped", {"initiative": "beta", "total": 4})
    _measure(play, "steady", {"initiative": "beta", "rate": {"count": 2, "per": "week", "mode": "total"}})
    play.save()
    play.sync()
    before = play.key_results()
    play.code.finish(1)
    play.sync()
    after = play.key_results()
    assert after["shipped"]["value"] == before["shipped"]["value"] + 1
    assert after["steady"]["progress"] > before["steady"]["progress"]
