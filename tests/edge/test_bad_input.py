"""What people write by mistake: `check` refuses it at its file, line and column, in words that say what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edge.config_builders import HEAD, INITIATIVE, MAIN, Folder, measuring, told_at

FLOW = "  sold: {source: survey, column: sold, type: flow}\n"
CYCLE = "  2026-Q4: {start: 2026-10-01, end: 2026-12-31}\n"
NEVER_DUE = "{metric: sold, rate: {count: 1, per: week, skip: [2026-10-01..2026-12-31]}}"

BAD_MEASURES = {
    "baseline equal to target": (
        "{metric: nps, baseline: 31, target: ▸31}",
        "target: the target equals the baseline (31)",
    ),
    "zero baseline with a relative target": (
        "{metric: bugs, baseline: 0, by: ▸-25 %}",
        "by: a share of baseline 0 is always 0",
    ),
    "negative baseline with a relative target": (
        "{metric: bugs, baseline: -4, by: ▸-25 %}",
        "by: a share of -4 has two readings",
    ),
    "ambiguous percent": ("{metric: share, baseline: 16, by: ▸-25 %}", "by: is ambiguous because metric 'share' is"),
    "weights of parts that sum to zero": (
        "{weighted: ▸[{weight: 0, measure: {done: {metric: bugs}}}, {weight: 0, measure: {done: {metric: nps}}}]}",
        "weighted: all weights are 0",
    ),
    "negative weight of a part": (
        "{weighted: [{weight: ▸-1, measure: {done: {metric: bugs}}}, {weight: 1, measure: {done: {metric: nps}}}]}",
        "weight: -1 is negative",
    ),
    "negative weight of a step": (
        "{steps: [{title: A, metric: bugs, weight: ▸-1}, {title: B, metric: nps}]}",
        "weight: expected more than 0",
    ),
    "rate without a period": ("{metric: sold, rate: ▸{count: 10}}", "missing key 'per'"),
    "quota over an empty period": (
        f"▸{NEVER_DUE}",
        "measure: every day from 2026-10-01 to 2026-12-31 is skipped: nothing is due",
    ),
    "quota over an empty period inside another measure": (
        f"▸{{all: [{{metric: nps, samples: 5}}, {NEVER_DUE}]}}",
        "measure: every day from 2026-10-01 to 2026-12-31 is skipped: nothing is due",
    ),
    "a quota of nothing": ("{metric: sold, rate: {count: ▸0, per: week}}", "count: expected more than 0"),
    "not a number": ("{metric: nps, baseline: 31, target: ▸.nan}", "target: expected a number like 20"),
    "infinity": ("{metric: nps, at_most: ▸.inf}", "at_most: expected a number like 20"),
    "target outside the bounds": ("{metric: nps, baseline: 31, target: ▸101}", "target: 101 is outside what metric"),
    "bound outside the bounds": ("{metric: nps, at_least: ▸-101}", "at_least: -101 is outside what metric"),
    "skipped day in another zone": (
        "{metric: sold, rate: {count: 1, per: week, skip: [▸'2026-10-05T00:00+02:00']}}",
        "skip: expected a date like 2026-12-31",
    ),
    "skipped day that is no day": (
        "{metric: sold, rate: {count: 1, per: week, skip: [▸2027-02-29]}}",
        "skip: there is no such day in the calendar",
    ),
}


@pytest.mark.parametrize("name", BAD_MEASURES)
def test_a_measure_that_cannot_be_meant_is_refused_at_its_place(tmp_path: Path, name: str) -> None:
    measure, told = BAD_MEASURES[name]
    text = measuring(measure) + INITIATIVE
    found = told_at(Folder(tmp_path).main(MAIN + FLOW), "okrs/team.yaml", text)
    assert [each[: len(told)] for each in found] == [told]


BAD_CYCLES = {
    "overlap": (
        CYCLE + "  2027-Q1: ▸{start: 2026-12-31, end: 2027-03-31}\n",
        "overlaps cycle '2026-Q4' from 2026-12-31 to 2026-12-31",
    ),
    "overlap, the later one first": (
        "  2027-Q1: {start: 2026-12-15, end: 2027-03-31}\n" + CYCLE.replace("{", "▸{"),
        "overlaps cycle '2027-Q1' from 2026-12-15 to 2026-12-31",
    ),
    "the same days twice": (
        CYCLE + "  again: ▸{start: 2026-10-01, end: 2026-12-31}\n",
        "overlaps cycle '2026-Q4' from 2026-10-01 to 2026-12-31",
    ),
    "ends before it starts": (
        "  2026-Q4: {start: 2026-10-01, end: ▸2026-09-30}\n",
        "end: 2026-09-30 is before the start, 2026-10-01",
    ),
    "a day in another zone": (
        '  2026-Q4: {start: ▸"2026-10-01T00:00:00+02:00", end: 2026-12-31}\n',
        "start: expected a date like 2026-12-31",
    ),
    "the leap day of another year": (
        CYCLE + "  2027-Q1: {start: 2027-01-01, end: ▸2027-02-29}\n",
        "end: there is no such day in the calendar",
    ),
    "a week in place of a day": ("  2026-Q4: {start: ▸2026-W53, end: 2027-12-31}\n", "start: expected a date like"),
}


@pytest.mark.parametrize("name", BAD_CYCLES)
def test_a_cycle_that_cannot_be_meant_is_refused_at_its_place(tmp_path: Path, name: str) -> None:
    cycles, told = BAD_CYCLES[name]
    found = told_at(Folder(tmp_path), "okr-sync.yaml", MAIN.replace(CYCLE, cycles))
    assert [each[: len(told)] for each in found] == [told]


def test_quarters_inside_a_year_and_one_after_the_other_do_not_overlap(tmp_path: Path) -> None:
    more = "  2026: {start: 2026-01-01, end: 2026-12-31}\n  2027-Q1: {start: 2027-01-01, end: 2027-03-31}\n"
    book = Folder(tmp_path).main(MAIN.replace(CYCLE, CYCLE + more)).load().book
    assert [cycle.id for cycle in book.cycles] == ["2026-Q4", "2026", "2027-Q1"]


BAD_KEY_RESULTS = {
    "due outside the cycle": ("due: ▸2027-01-01", "due: 2027-01-01 is outside cycle '2026-Q4'"),
    "start outside the cycle": ("start: ▸2026-09-30", "start: 2026-09-30 is outside cycle '2026-Q4'"),
    "due before its start": ("start: 2026-11-02, due: ▸2026-11-01", "due: 2026-11-01 is before the start"),
    "due in another zone": ("due: ▸2026-12-31T23:59:59-05:00", "due: expected a date like 2026-12-31"),
    "negative weight": ("weight: ▸-2", "weight: -2 is negative"),
    "a weight beyond sense": ("weight: ▸1e10", "weight: 1e+10 is above 1e+09; only ratios matter"),
    "a weight that is no number": ("weight: ▸.nan", "weight: expected a number like 20 or 0.5"),
}


@pytest.mark.parametrize("name", BAD_KEY_RESULTS)
def test_a_key_result_that_cannot_be_meant_is_refused_at_its_place(tmp_path: Path, name: str) -> None:
    words, told = BAD_KEY_RESULTS[name]
    key_result = f"      - {{id: kr, title: KR, measure: {{metric: nps, at_least: 40}}, {words}}}\n"
    text = f"{HEAD}objectives:\n  - id: o\n    title: O\n    key_results:\n{key_result}"
    found = told_at(Folder(tmp_path).main(), "okrs/team.yaml", text)
    assert [each[: len(told)] for each in found] == [told]


def test_weights_that_sum_to_zero_are_refused_at_the_key_results(tmp_path: Path) -> None:
    text = (
        f"{HEAD}objectives:\n  - id: o\n    title: O\n    key_results:\n"
        "      ▸- {id: a, title: A, measure: {metric: nps, at_least: 40}, weight: 0}\n"
        "      - {id: b, title: B, measure: {metric: nps, at_least: 41}, weight: 0}\n"
    )
    (found,) = told_at(Folder(tmp_path).main(), "okrs/team.yaml", text)
    assert found.startswith("key_results: all weights are 0")


def test_alignment_in_a_circle_is_refused_at_its_link(tmp_path: Path) -> None:
    text = (
        f"{HEAD}objectives:\n  - {{id: a, title: A, contributes_to: b}}\n  - {{id: b, title: B, contributes_to: ▸a}}\n"
    )
    (found,) = told_at(Folder(tmp_path).main(), "okrs/team.yaml", text)
    assert found.startswith("contributes_to: goes round in a circle: a → b → a")


def test_the_leap_day_of_a_leap_year_is_a_day(tmp_path: Path) -> None:
    leap = "  2028-Q1: {start: 2028-02-29, end: 2028-02-29}\n"
    cycle = Folder(tmp_path).main(MAIN.replace(CYCLE, CYCLE + leap)).load().book.cycles[1]
    assert (cycle.end - cycle.start).total_seconds() == 24 * 3600


PEOPLE = "  sick: {source: survey, column: sick, personal: true}\n  team: {source: survey, column: team}\n"


def test_a_personal_metric_without_a_population_is_refused_but_in_a_ratio(tmp_path: Path) -> None:
    told = "measure: metric 'sick' is personal; name its `population`"
    folder = Folder(tmp_path).main(MAIN + PEOPLE)
    inside = "▸{all: [{metric: nps, samples: 5}, {metric: sick, at_most: 5}]}"
    for measure in ("▸{metric: sick, at_most: 5}", inside):
        (found,) = told_at(folder, "okrs/team.yaml", measuring(measure) + INITIATIVE)
        assert found.startswith(told)
    folder.okrs(measuring("{ratio: {part: sick, whole: team}, target: 90 %}") + INITIATIVE)
    assert folder.told() == []


BAD_METRICS = {
    "population that is not declared": (
        "personal: true, population: ▸tem",
        "unknown metric 'tem'; did you mean",
    ),
    "population of its own": ("personal: true, population: ▸sick", "population: name another metric"),
    "population of what is not personal": ("population: ▸team", "population: belongs to what is `personal: true`"),
    "k of what is not personal": ("privacy_k: ▸9", "privacy_k: belongs to what is `personal: true`"),
    "k of nobody": ("personal: true, privacy_k: ▸0", "privacy_k: expected a whole number of at least 1"),
}


@pytest.mark.parametrize("name", BAD_METRICS)
def test_a_personal_metric_that_cannot_be_meant_is_refused_at_its_place(tmp_path: Path, name: str) -> None:
    words, told = BAD_METRICS[name]
    text = MAIN + PEOPLE.replace("column: sick, personal: true", f"column: sick, {words}")
    found = told_at(Folder(tmp_path), "okr-sync.yaml", text)
    assert [each[: len(told)] for each in found] == [told]


def test_how_many_people_are_enough_is_said_for_all_or_for_one(tmp_path: Path) -> None:
    one = "  leave: {source: survey, column: x, personal: true, population: team, privacy_k: 3}\n"
    metrics = Folder(tmp_path).main(f"privacy_k: 8\n{MAIN}{PEOPLE}{one}").load().book.metrics
    assert {each.id: each.privacy_k for each in metrics if each.personal} == {"sick": 8, "leave": 3}


def test_a_sum_of_several_units_is_refused_at_its_place(tmp_path: Path) -> None:
    added = "  sick: {source: survey, column: sick, unit: days}\n  left: {source: survey, column: left, unit: days}\n"
    key_results = "".join(
        f"      - {{id: {name}, title: K, weight: {weight}, measure: {{metric: {name}, baseline: 0, target: 9}}}}\n"
        for name, weight in (("nps", 0), ("sick", 1), ("left", 1))
    )
    top = f"{HEAD}objectives:\n  - id: o\n    title: O\n    roll_up: ▸sum\n    key_results:\n"
    assert Folder(tmp_path).main(MAIN + added).okrs((top + key_results).replace("▸", "")).told() == []
    several = top + key_results.replace("weight: 0", "weight: 1")
    (found,) = told_at(Folder(tmp_path).main(MAIN + added), "okrs/team.yaml", several)
    assert found == (
        "roll_up: sum adds up values of one unit, and these have several: nps in points, sick in days, left in days"
    )


def test_a_sum_that_would_leave_out_a_part_is_refused(tmp_path: Path) -> None:
    key_results = "    key_results:\n      - {id: k, title: K, measure: {metric: nps, baseline: 0, target: 9}}\n"
    top = f"{HEAD}objectives:\n  - id: o\n    title: O\n    roll_up: ▸sum\n"
    below = "  - {id: p, title: P, contributes_to: o}\n"
    (found,) = told_at(Folder(tmp_path).main(), "okrs/team.yaml", top + key_results + below)
    assert found.startswith("roll_up: sum adds up its own key results; it leaves out what contributes to it (p)")
    (found,) = told_at(Folder(tmp_path).main(), "okrs/team.yaml", top)
    assert found == "roll_up: sum needs key results to add up"
    assert Folder(tmp_path).okrs((top + key_results).replace("▸", "")).told() == []
