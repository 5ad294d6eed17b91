"""A mapping that names nothing is one wrong question: its numbers stay, marked as stale, and the others move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.edge.cli_play import Play, playing


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    with playing(tmp_path, monkeypatch.setenv) as play:
        play.sync()
        play.tracker.finish(1)
        play.code.finish(1)
        yield play


@dataclass(frozen=True)
class Wrong:
    """A mapping that names nothing, the words of its message, and a key result that must move all the same."""

    initiative: str
    says: str
    fix: str
    others: str
    scope: dict[str, Any] = field(default_factory=dict)


CORRECT = "correct the name in the config"
WRONGS = {
    "epic": Wrong("assistant", "no issue APP-999 (did you mean APP-2?)", CORRECT, "beta-built", {"epics": ["APP-999"]}),
    "project of an epic": Wrong("assistant", "no issue NOPE-1", CORRECT, "beta-built", {"epics": ["NOPE-1"]}),
    "project in a query": Wrong(
        "assistant", "'NOPE' does not exist", "correct the query", "beta-built", {"jql": "project = NOPE"}
    ),
    "milestone by title": Wrong(
        "beta", "did you mean 'Beta 1'?", CORRECT, "assistant-built", {"repos": ["acme/app"], "milestone": "Beta 2"}
    ),
    "milestone by number": Wrong(
        "beta", "its nearest are", CORRECT, "assistant-built", {"repos": ["acme/app"], "milestone": 77}
    ),
    "repository": Wrong(
        "beta", "acme/apq not found", CORRECT, "assistant-built", {"repos": ["acme/apq"], "milestone": "Beta 1"}
    ),
}


@pytest.mark.parametrize("wrong", WRONGS.values(), ids=WRONGS)
def test_a_mapping_changed_to_one_that_names_nothing_is_unknown_and_shows_no_number_of_the_former_one(
    play: Play, wrong: Wrong
) -> None:
    broken = f"{wrong.initiative}-built"
    before = play.key_results()
    play.map_to(wrong.initiative, **wrong.scope)
    lines = [line for line in play.sync(code=3).out.splitlines() if line.startswith("! ")]
    after, entries = play.key_results(), play.last_run()["entries"]
    assert len(lines) == 1
    assert wrong.says in lines[0]
    assert wrong.fix in lines[0].partition("What to do: ")[2]
    assert (after[broken]["value"], after[broken]["status"]) == (None, "unknown")
    assert wrong.says in after[broken]["reason"]
    assert after[wrong.others]["value"] > before[wrong.others]["value"]
    assert {
        name for name, each in after.items() if each["stale"] or (each["value"] is None and name != "guide-out")
    } == {broken}
    assert (entries[broken]["outcome"], entries[wrong.others]["outcome"]) == ("failed", "updated")
    assert wrong.says in entries[broken]["reason"]
    assert wrong.fix in entries[broken]["fix"]


@pytest.mark.parametrize("wrong", [WRONGS["epic"], WRONGS["project in a query"], WRONGS["repository"]])
def test_a_mapping_that_never_named_anything_is_unknown_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: Wrong
) -> None:
    with playing(tmp_path, monkeypatch.setenv) as play:
        play.map_to(wrong.initiative, **wrong.scope)
        play.sync(code=3)
        shown = play.key_results()[f"{wrong.initiative}-built"]
        assert (shown["value"], shown["progress"], shown["status"]) == (None, None, "unknown")
        assert wrong.says in shown["reason"]


def test_a_corrected_mapping_heals_with_the_next_sync(play: Play) -> None:
    play.map_to("assistant", epics=["APP-999"])
    play.sync(code=3)
    play.map_to("assistant", epics=["APP-1"])
    play.sync()
    shown = play.key_results()["assistant-built"]
    assert (shown["value"], shown["stale"], shown["status"]) == (100, False, "met")


def test_an_epic_without_work_is_unknown_with_its_reason_and_never_0_percent(play: Play) -> None:
    play.map_to("assistant", epics=["APP-3"])
    play.sync()
    shown, work = play.key_results()["assistant-built"], play.initiatives()["assistant"]
    assert (shown["value"], shown["progress"], shown["status"]) == (None, None, "unknown")
    assert "initiative assistant is empty" in shown["reason"]
    assert (work["state"], work["total"], work["progress"]) == ("empty", 0, None)
    entry = play.last_run()["entries"]["assistant-built"]
    assert (entry["outcome"], "is empty" in entry["reason"]) == ("skipped", True)
    assert "assistant-built" in play.run("report").out.partition("In doubt")[2]


def test_an_epic_of_another_project_counts_by_its_key(play: Play) -> None:
    play.map_to("assistant", epics=["OPS-1"])
    play.sync()
    shown, work = play.key_results()["assistant-built"], play.initiatives()["assistant"]
    assert (shown["value"], shown["status"]) == (100, "met")
    assert (work["done"], work["total"], work["state"]) == (1, 1, "done")
    assert "OPS-1" in play.run("explain", "assistant-built").out


def test_one_wrong_place_among_good_ones_of_an_initiative_makes_it_unknown_and_not_smaller(play: Play) -> None:
    found = next(each for each in play.okrs["initiatives"] if each["id"] == "launch")
    found["delivery"][1]["milestone"] = "Lunch"
    play.save()
    play.sync(code=3)
    after = play.initiatives()["launch"]
    assert (after["done"], after["total"], after["state"]) == (None, None, "unknown")
    assert "did you mean 'Launch'?" in after["reason"]


def test_a_key_result_that_leaves_the_config_leaves_the_overview(play: Play) -> None:
    play.okrs["objectives"][0]["key_results"].pop()
    play.save()
    ran = play.sync()
    assert "- guide-out" in ran.out
    assert "guide-out" not in play.key_results()


def test_a_column_that_the_file_does_not_have_names_the_nearest(play: Play) -> None:
    play.main["metrics"]["nps"]["column"] = "npx"
    play.save()
    ran = play.run("sync")
    shown = play.key_results()["nps-raised"]
    assert ran.code == 3
    assert "npx" in ran.out
    assert "nps" in ran.out.partition("npx")[2]
    assert (shown["value"], shown["status"]) == (None, "unknown")


def test_a_value_that_is_no_number_is_refused_with_its_place_and_the_last_one_kept(play: Play) -> None:
    numbers = play.folder / "numbers.csv"
    numbers.write_text(numbers.read_text("utf-8") + f"{play.begin:%Y-%m-%d},lots\n", "utf-8")
    ran = play.run("sync")
    shown = play.key_results()["nps-raised"]
    assert ran.code == 3
    assert "lots" in ran.out
    assert (shown["value"], shown["stale"]) == (40, True)
