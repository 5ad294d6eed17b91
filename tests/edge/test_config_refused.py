"""Laws of the config language: what can't be meant is refused, each time with its file, line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edge.config_builders import HEAD, MAIN, Folder, told_at

MAINS = [
    (2, "schedule: ▸at 15 min", 'schedule: expected "every 15 min", or another duration'),
    (1, "timezone: ▸Europe/Berlln", "timezone: unknown time zone 'Europe/Berlln'; did you mean 'Europe/Berlin'?"),
    (2, "schedule: ▸every now", 'schedule: expected "every 15 min", or another duration'),
    (2, "schedule: ▸hourly", 'schedule: expected "every 15 min", or another duration'),
    (2, "schedule: ▸every 0.5 s", 'schedule: expected "every 15 min", or another duration in whole seconds'),
    (2, "schedule: ▸cron 0 25 * * *", "schedule: hour: '25' is not within 0-23"),
    (2, "schedule: ▸cron 0 6 * *", "schedule: expected five fields (minute, hour, day, month, weekday), found 4"),
    (4, "  survey: {kind: numbers, schedule: ▸cron 0 6 30 2 *}", "schedule: these days never come"),
    (2, 'housekeeping: {time: ▸"3:30"}', 'time: expected a time of day like "03:30", or off'),
    (2, 'housekeeping: {time: ▸"24:00"}', 'time: expected a time of day like "03:30", or off'),
    (2, "housekeeping: {time: ▸210}", 'time: expected a time of day like "03:30", or off'),
    (2, "housekeeping: {keep: ▸400}", 'keep: expected a duration like "45 min"'),
    (2, "housekeeping: {▸kep: 400 d}", "unknown key 'kep'; did you mean 'keep'?"),
    (2, "▸scedule: every 15 min", "unknown key 'scedule'; did you mean 'schedule'?"),
    (
        4,
        "  survey: {kind: ▸numbrs}",
        "there is no connector of kind 'numbrs' (known: numbers, work); did you mean 'numbers'?",
    ),
    (4, "  survey: {kind: numbers, ▸tokn: x}", "unknown key 'tokn'; did you mean 'token'?"),
    (4, "  survey: {kind: numbers, limit: ▸many}", "limit: expected a whole number"),
    (
        4,
        "  survey: {kind: numbers, fresh_for: ▸5}",
        'fresh_for: expected a duration like "45 min", "2 h", "14 d" or "2 w"',
    ),
    (
        4,
        "  survey: {kind: numbers, fresh_for: ▸0 min}",
        'fresh_for: expected a duration like "45 min", "2 h", "14 d" or "2 w"',
    ),
    (
        4,
        "  survey: {kind: numbers, deadline: ▸5 parsec}",
        'deadline: expected a duration like "45 min", "2 h", "14 d" or "2 w"',
    ),
    (4, "  survey: {kind: numbers, concurrency: ▸0}", "concurrency: expected a whole number of at least 1"),
    (5, '  tracker: {kind: work, token: ▸""}', "token: a secret may not stand in a file"),
    (5, "  tracker: ▸{kind: work}", "missing key 'token'"),
    (7, "  2026-Q4: {start: 2026-10-01, end: ▸2026-09-30}", "end: 2026-09-30 is before the start, 2026-10-01"),
    (7, "  2026-Q4: {start: 2026-10-01, end: ▸2026-02-30}", "end: there is no such day in the calendar"),
    (7, "  2026-Q4: {start: 2026-10-01, end: ▸31.12.2026}", "end: expected a date like 2026-12-31"),
    (
        13,
        "  nps: {source: ▸surve, column: nps, unit: points, minimum: -100, maximum: 100}",
        "unknown source 'surve'; did you mean 'survey'?",
    ),
    (13, "  nps: {source: survey, column: ▸5, unit: points, minimum: -100, maximum: 100}", "column: expected text"),
    (
        13,
        "  nps: {source: ▸tracker, column: nps, unit: points, minimum: -100, maximum: 100}",
        "source 'tracker' (work) brings work, not numbers",
    ),
    (
        13,
        "  nps: {source: survey, column: nps, unit: points, minimum: 101, maximum: ▸100}",
        "maximum: 100 is below the minimum, 101",
    ),
    (
        15,
        "  bugs: {source: survey, column: bugs, max_age: ▸old}",
        'max_age: expected a duration like "45 min", "2 h", "14 d" or "2 w"',
    ),
    (15, "  bugs: {source: survey, column: bugs, type: ▸gauge}", "type: expected 'level', 'flow' or 'counter'"),
    (
        15,
        "  ▸my bugs: {source: survey, column: bugs}",
        "'my bugs': expected an id: letters, digits and . _ - @ + without blanks, at most 100",
    ),
    (11, "  ana: {name: ▸5}", "name: expected text"),
    (9, "  product: {title: Product, level: ▸squad}", "level: expected 'organisation', 'team' or 'individual'"),
]


@pytest.mark.parametrize(("line", "text", "told"), MAINS)
def test_a_main_file_that_cannot_be_meant_is_told_where(tmp_path: Path, line: int, text: str, told: str) -> None:
    lines = MAIN.splitlines()
    lines[line - 1] = text
    found = told_at(Folder(tmp_path), "okr-sync.yaml", "\n".join(lines))
    assert [text[: len(told)] for text in found] == [told]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("store: okr.db", "1:8: store: expected an address like sqlite:///okr-sync.db"),
        ("okrs: [/etc/*.yaml]", "1:8: okrs: a pattern starts at the folder of this file"),
        ("okrs: [../*.yaml]", "1:8: okrs: a pattern starts at the folder of this file"),
        ("okrs: [teams/*.yaml]", "1:8: okrs: no file matches 'teams/*.yaml'"),
        ("okrs: 5", "1:7: okrs: expected a list"),
        ("sources: [a]", "1:10: sources: expected a mapping (key: value)"),
        ("sources: {a: }", "1:13: a: expected a mapping (key: value)"),
    ],
)
def test_a_wrong_line_at_the_top_is_the_one_mistake(tmp_path: Path, line: str, told: str) -> None:
    found = Folder(tmp_path).main(f"{line}\n").told()
    assert len(found) == 1
    assert found[0].startswith(f"okr-sync.yaml:{told}")


BARE = [
    ("cycle: ▸2026-Q5\n", "unknown cycle '2026-Q5'; did you mean '2026-Q4'?"),
    ("▸objectives: [{id: o, title: O}]\n", "missing key 'cycle'"),
    ("cycle: 2026-Q4\nteam: ▸prodct\n", "unknown team 'prodct'; did you mean 'product'?"),
]

OTHERS = [
    ("▸objectivs: []\n", "unknown key 'objectivs'; did you mean 'objectives'?"),
    ("metrics:\n  ▸nps: {source: survey, column: x}\n", "metric 'nps' is declared twice"),
]

OBJECTIVES = [
    ("    owner: ▸anna\n", "unknown person 'anna'; did you mean 'ana'?"),
    ("    weight: ▸-1\n", "weight: -1 is negative"),
    ("    weight: ▸heavy\n", "weight: expected a number like 20 or 0.5"),
    ("    contributes_to: ▸p\n", "unknown objective 'p'"),
    ("    contributes_to: ▸o\n", "contributes_to: goes round in a circle: o → o"),
    ("    supports: [o, ▸oo]\n", "unknown objective 'oo'; did you mean 'o'?"),
    ("  - {id: ▸o, title: P}\n", "objective 'o' is declared twice"),
]

KEY_RESULTS = [
    (
        "      - {id: kr, title: KR, measure: {metric: nps, at_least: 40}, due: ▸2027-01-01}\n",
        "due: 2027-01-01 is outside cycle '2026-Q4' (2026-10-01 to 2026-12-31)",
    ),
    (
        "      - {id: kr, title: KR, measure: {metric: nps, at_least: 40}, start: ▸2026-09-30}\n",
        "start: 2026-09-30 is outside cycle '2026-Q4' (2026-10-01 to 2026-12-31)",
    ),
    (
        "      - {id: kr, title: KR, measure: {metric: nps, at_least: 40}, start: 2026-11-02, due: ▸2026-11-01}\n",
        "due: 2026-11-01 is before the start, 2026-11-02",
    ),
    ("      - {id: kr, title: KR, measure: {metric: nps, at_least: 40}, weight: ▸-2}\n", "weight: -2 is negative"),
    (
        "      ▸- {id: kr, title: KR, measure: {metric: nps, at_least: 40}, weight: 0}\n",
        "key_results: all weights are 0",
    ),
    (
        "      - {id: kr, title: KR, measure: {metric: nps, at_least: 40}, owner: ▸anna}\n",
        "unknown person 'anna'; did you mean 'ana'?",
    ),
    (
        "      - {id: kr, title: K, measure: &m {metric: nps, at_most: 4}}\n      - {id: ▸kr, title: K, measure: *m}\n",
        "key result 'kr' is declared twice",
    ),
]

INITIATIVES = [
    (
        "  - {id: app, title: App, delivery: [{source: tracker, places: [A-1]}]}\n  - {id: ▸app, title: B}\n",
        "initiative 'app' is declared twice",
    ),
    ("  - {id: a, title: A, key_results: [▸kr]}\n", "unknown key result 'kr'; no key result is declared"),
    ("  - {id: a, title: A, delivery: ▸[]}\n", "delivery: expected at least one {source: …}"),
    (
        "  - {id: a, title: A, delivery: [{source: ▸survey, places: [x]}]}\n",
        "source 'survey' (numbers) brings numbers, not work",
    ),
    (
        "  - {id: a, title: A, delivery: [{source: ▸trackr, places: [x]}]}\n",
        "unknown source 'trackr'; did you mean 'tracker'?",
    ),
    ("  - {id: a, title: A, delivery: [▸{places: [x]}]}\n", "missing key 'source'"),
    ("  - {id: a, title: A, weight_by: ▸point}\n", "weight_by: expected 'count' or 'points'; did you mean 'points'?"),
    ("  - {id: ▸a b, title: A}\n", "id: expected an id: letters, digits and . _ - @ + without blanks, at most 100"),
    ("  - {id: a, title: ▸' '}\n", "title: expected text, found none"),
    ("  - ▸app\n", "initiatives: expected a mapping (key: value)"),
    ("  - ▸{title: A}\n", "missing key 'id'"),
]

OBJECTIVE = "objectives:\n  - id: o\n    title: O\n"
KEY_RESULT = "      - {id: kr, title: KR, measure: {metric: nps, at_least: 40}"

FILES = [
    *BARE,
    *((HEAD + text, told) for text, told in OTHERS),
    *((HEAD + OBJECTIVE + text, told) for text, told in OBJECTIVES),
    *((HEAD + OBJECTIVE + "    key_results:\n" + text, told) for text, told in KEY_RESULTS),
    *((HEAD + "initiatives:\n" + text, told) for text, told in INITIATIVES),
]


@pytest.mark.parametrize(("text", "told"), FILES)
def test_a_team_file_that_cannot_be_meant_is_told_where(tmp_path: Path, text: str, told: str) -> None:
    found = told_at(Folder(tmp_path).main(), "okrs/team.yaml", text)
    assert [text[: len(told)] for text in found] == [told]


def test_a_duplicate_names_both_places(tmp_path: Path) -> None:
    folder = Folder(tmp_path).main().okrs(f"{HEAD}{OBJECTIVE}", "okrs/a.yaml").okrs(f"{HEAD}{OBJECTIVE}", "okrs/b.yaml")
    assert folder.told() == [
        f"okrs/b.yaml:4:9: objective 'o' is declared twice; the first is at {tmp_path}/okrs/a.yaml:4:9"
    ]


def test_a_circle_of_contributions_prints_its_path(tmp_path: Path) -> None:
    objectives = "".join(f"  - {{id: {a}, title: T, contributes_to: {b}}}\n" for a, b in ("ab", "bc", "cb"))
    found = Folder(tmp_path).main().okrs(f"{HEAD}objectives:\n{objectives}").told()
    assert found == ["okrs/team.yaml:6:39: contributes_to: goes round in a circle: b → c → b; remove one link"]


def test_all_mistakes_of_all_files_come_at_once_and_in_their_order(tmp_path: Path) -> None:
    folder = Folder(tmp_path).main(MAIN.replace("every 15 min", "daily").replace("column: bugs", "colum: bugs"))
    folder.okrs("cycle: 2026-Q5\nnonsense: 1\n", "okrs/z.yaml")
    folder.okrs(f"{HEAD}objectives:\n  - id: o\n    titel: O\n    owner: bob\n", "okrs/a.yaml")
    folder.okrs("a: [", "okrs/m.yaml")
    places = [(m.file, m.line, m.column) for m in folder.mistakes()]
    assert places == [
        ("okr-sync.yaml", 2, 11),
        ("okr-sync.yaml", 15, 9),
        ("okr-sync.yaml", 15, 26),
        ("okrs/a.yaml", 4, 5),
        ("okrs/a.yaml", 5, 5),
        ("okrs/m.yaml", 1, 5),
        ("okrs/z.yaml", 1, 8),
        ("okrs/z.yaml", 2, 1),
    ]


def test_a_key_result_of_an_unknown_cycle_still_tells_its_own_mistakes(tmp_path: Path) -> None:
    text = f"{HEAD}{OBJECTIVE}    key_results:\n{KEY_RESULT}, owner: bob}}\n".replace("Q4", "Q5")
    assert [m.line for m in Folder(tmp_path).main().okrs(text).mistakes()] == [1, 7]


def test_a_broken_part_makes_no_dangling_reference_of_its_users(tmp_path: Path) -> None:
    broken = MAIN.replace("bugs: {source: survey, column: bugs}", "bugs: {source: survey, column: bugs, minimum: low}")
    folder = Folder(tmp_path).measure("{metric: bugs, baseline: 5, target: 2}").main(broken)
    assert [m.line for m in folder.mistakes()] == [15]


def test_a_misspelled_key_hides_no_mistake_below_it(tmp_path: Path) -> None:
    text = f"{HEAD}{OBJECTIVE}    ownr: ana\n    key_results:\n{KEY_RESULT}, due: 2027-01-01}}\n"
    assert [m.line for m in Folder(tmp_path).main().okrs(text).mistakes()] == [6, 8]
