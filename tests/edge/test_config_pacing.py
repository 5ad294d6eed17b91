"""Presets and curves in config files: the nearest word counts, and what can't be meant is told where it stands."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from okr_sync.core.model import Curve
from tests.edge.config_builders import HEAD, MAIN, Folder, told_at

KEY_RESULTS = """\
objectives:
  - id: plain
    title: Plain
    key_results:
      - {id: inherits, title: A, measure: {metric: nps, baseline: 0, target: 1}}
      - {id: own, title: B, status: {expected: none}, measure: {metric: nps, baseline: 0, target: 1}}
  - id: strict
    title: Strict
    status: {preset: viva, expected: {30: 10 %, 60: 0.4, 92: 100 %}}
    key_results:
      - {id: phased, title: C, measure: {metric: nps, baseline: 0, target: 1}}
      - {id: gap, title: D, status: {preset: gap}, measure: {metric: nps, baseline: 0, target: 1}}
"""
PHASED = Curve("phased", ((30, 0.1), (60, 0.4), (92, 1.0)), date(2026, 10, 1), "Europe/Berlin")


def test_without_a_word_the_pace_and_a_straight_line_count(tmp_path: Path) -> None:
    text = KEY_RESULTS.replace("    status: {preset: viva, expected: {30: 10 %, 60: 0.4, 92: 100 %}}\n", "")
    book = Folder(tmp_path).main().okrs(HEAD + text).load().book
    assert [each.preset for each in book.objectives] == ["pace", "pace"]
    assert [(each.preset, each.curve) for each in book.key_results()] == [
        ("pace", Curve()), ("pace", Curve("none")), ("pace", Curve()), ("gap", Curve())
    ]  # fmt: skip


def test_each_word_is_taken_from_the_nearest_place_that_says_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path).main(f"{MAIN}status: {{preset: oboard, expected: workdays}}\n").okrs(HEAD + KEY_RESULTS)
    book = folder.load().book
    assert [each.preset for each in book.objectives] == ["oboard", "viva"]
    workdays = Curve("workdays", (), date(2026, 10, 1), "Europe/Berlin")
    assert [(each.preset, each.curve) for each in book.key_results()] == [
        ("oboard", workdays), ("oboard", Curve("none")), ("viva", PHASED), ("gap", PHASED)
    ]  # fmt: skip


def test_a_file_says_it_for_all_of_its_objectives(tmp_path: Path) -> None:
    book = Folder(tmp_path).main().okrs(f"{HEAD}status: {{preset: upraise}}\n{KEY_RESULTS}").load().book
    assert [each.preset for each in book.objectives] == ["upraise", "viva"]


def test_a_preset_moves_no_number_and_so_no_definition(tmp_path: Path) -> None:
    def hashes(main: str) -> list[str]:
        return [
            each.definition for each in Folder(tmp_path).main(main).okrs(HEAD + KEY_RESULTS).load().book.key_results()
        ]

    assert hashes(MAIN) == hashes(f"{MAIN}status: {{preset: viva, expected: workdays}}\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{preset: ▸pase}", "preset: expected 'pace', 'viva', 'upraise', 'oboard', 'gap' or 'score'; did you"),
        ("{▸prset: pace}", "unknown key 'prset'; did you mean 'preset'?"),
        ("▸pace", "status: expected a mapping (key: value)"),
        ("{expected: ▸sometimes}", "expected: expected linear, workdays, none, or days with shares"),
        ("{expected: ▸{}}", "expected: expected linear, workdays, none, or days with shares"),
        ("{expected: ▸{soon: 10 %}}", "expected: 'soon' is not a number of days since the start, like 30"),
        ("{expected: ▸{30: 110 %}}", "expected: a share lies from 0 to 1, or from 0 % to 100 %"),
        ("{expected: ▸{30: -0.1}}", "expected: a share lies from 0 to 1, or from 0 % to 100 %"),
        ("{expected: ▸{30: many}}", 'expected: expected a number like 20 or "75 %"'),
        ("{expected: ▸{30: 0.5, 20: 0.6}}", "expected: days must rise, and shares must not fall"),
        ("{expected: ▸{30: 0.5, 40: 0.4}}", "expected: days must rise, and shares must not fall"),
    ],
)  # fmt: skip
def test_a_status_that_cannot_be_meant_is_told_where(tmp_path: Path, text: str, told: str) -> None:
    found = told_at(Folder(tmp_path).main(), "okrs/team.yaml", f"{HEAD}status: {text}\n")
    assert [message[: len(told)] for message in found] == [told]


def test_an_objective_names_its_roll_up(tmp_path: Path) -> None:
    text = KEY_RESULTS.replace("    title: Strict\n", "    title: Strict\n    roll_up: min\n")
    book = Folder(tmp_path).main().okrs(HEAD + text).load().book
    assert [each.roll_up for each in book.objectives] == ["both", "min"]
    told = told_at(Folder(tmp_path), "okrs/team.yaml", HEAD + text.replace("roll_up: min", "roll_up: ▸mean"))
    assert told[0].startswith("roll_up: expected 'both', 'key_results', 'children', 'min' or 'sum'")
