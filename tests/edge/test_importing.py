"""Laws of import: tables become config files that load, and whatever can't be read is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from okr_sync.config import load
from okr_sync.config.importing import imported_files
from okr_sync.config.sheets import read_sheet
from okr_sync.core.model import Change
from okr_sync.errors import ConfigError, UsageError
from tests.edge.cli_play import run

MAIN = """sources: {people: {kind: manual}}
cycles: {q4: {start: 2026-10-01, end: 2026-12-31}}
people: {ana: {name: Ana Silva}, ben: {name: Ben}}
teams: {hr: {title: Human Resources}, product: {}}
"""
BARE = """sources: {people: {kind: manual}}
cycles: {q4: {start: 2026-10-01, end: 2026-12-31}}
"""
HEAD = "Objective,Key Result,Owner,Baseline,Target,Unit,Due date,Team,Remark\n"
CSV = (
    HEAD
    + 'Grow,"Raise the NPS, again",Ana Silva,31,51,points,2026-12-15,Human Resources,x\n'
    + ",Enrol ${HALF},ben,0 %,75 %,,,,\n"
    + "\n"
    + 'Größer,"Two\nlines",,-2.5,8,,,product,\n'
    + "Größer,Raise the NPS again,,1,2,%,,product,\n"
)
EXPECTED = """# Imported from "okrs.csv"; people type the values: okr-sync check-in ID --value …
cycle: "q4"
team: "hr"
objectives:
  - id: "grow"
    title: "Grow"
    key_results:
      - id: "raise-the-nps-again"
        title: "Raise the NPS, again"
        owner: "ana"
        due: 2026-12-15
        measure: {metric: "raise-the-nps-again", baseline: 31, target: 51}
      - id: "enrol-half"
        title: "Enrol $${HALF}"
        owner: "ben"
        measure: {metric: "enrol-half", baseline: 0, target: 75}
metrics:
  "raise-the-nps-again": {source: "people", unit: "points"}
  "enrol-half": {source: "people", unit: "%"}
"""
MARKDOWN = r"""# Our OKRs

| Goal | KR | From | To |
|:---|---|---:|---|
| Grow | Raise \| lift the NPS | 31 | 51 |
|  | Enrol | 0 % | 75 % |

Text with a | in it.

Goal | Result | Initial | Target value
--- | --- | --- | ---
Hire | Faster | 40 | 28
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "okr-sync.yaml").write_text(MAIN, "utf-8")
    return tmp_path


def _imported(folder: Path, text: str, name: str = "okrs.csv") -> dict[Path, str]:
    file = folder / name
    file.write_bytes(text.encode())
    return imported_files(load(folder, {}), file, read_sheet(file), "q4")


def _mistakes(folder: Path, text: str, name: str = "okrs.csv") -> list[tuple[int, str]]:
    with pytest.raises(ConfigError) as caught:
        _imported(folder, text, name)
    assert {each.file for each in caught.value.mistakes} == {str(folder / name)}
    return [(each.line, each.message) for each in caught.value.mistakes]


def test_a_sheet_becomes_a_file_a_team_that_loads(folder: Path) -> None:
    files = _imported(folder, CSV)
    assert files[folder / "okrs" / "okrs-hr.yaml"] == EXPECTED
    book = load(folder, {}, drafts=files).book
    told = {each.id: (each.title, each.measure) for each in book.key_results()}
    assert told["enrol-half"] == ("Enrol ${HALF}", Change("enrol-half", 0.0, 75.0))
    assert told["two-lines"] == ("Two lines", Change("two-lines", -2.5, 8.0))
    assert told["raise-the-nps-again-2"][0] == "Raise the NPS again"
    assert [(each.title, each.team) for each in book.objectives] == [("Grow", "hr"), ("Größer", "product")]
    assert {each.id: each.unit for each in book.metrics}["raise-the-nps-again-2"] == "%"


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_told_by_the_head(folder: Path, delimiter: str) -> None:
    text = delimiter.join(["objective", "key result", "baseline", "target"]) + "\n"
    files = _imported(folder, text + delimiter.join(["Grow, fast", "Faster", "1", "2"]) + "\n")
    assert 'title: "Grow, fast"' in files[folder / "okrs" / "okrs.yaml"]


def test_every_table_of_a_page_is_read(folder: Path) -> None:
    files = _imported(folder, MARKDOWN, "our.md")
    book = load(folder, {}, drafts=files).book
    assert [each.title for each in book.key_results()] == ["Raise | lift the NPS", "Enrol", "Faster"]
    assert [each.title for each in book.objectives] == ["Grow", "Hire"]


def test_a_mistake_on_a_page_names_its_line(folder: Path) -> None:
    assert _mistakes(folder, MARKDOWN.replace("| 40 |", "| 4,0 |").replace("31", "x"), "our.md") == [
        (5, "baseline: 'x' can't be read; give a number like 1234.5, its unit in the column unit"),
        (12, "baseline: '4,0' can't be read; give a number like 1234.5, its unit in the column unit"),
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",Faster,ana,1,2,,,,", "objective: the first row must name one"),
        ("Grow,,ana,1,2,,,,", "key result: there is none; give its title or take the row out"),
        ("Grow,Faster,ana,,2,,,,", "baseline: there is none; give a number like 20"),
        ("Grow,Faster,ana,1,done,,,,", "target: 'done' can't be read; give a number like 1234.5"),
        ('Grow,Faster,ana,1,"1,234",,,,', "target: '1,234' can't be read"),
        ("Grow,Faster,ana,1,2 ms,s,,,", "target: '2 ms' can't be read"),
        ("Grow,Faster,ana,1,1.0,,,,", "target: it equals the baseline, 1; nothing would have to change"),
        ("Grow,Faster,ana,1 %,5,points,,,", "baseline: '1 %' is in %, the column unit says 'points'"),
        ("Grow,Faster,an,1,2,,,,", "owner: there is no 'an'; did you mean ana?"),
        ("Grow,Faster,zoe,1,2,,,,", "owner: there is no 'zoe'; declare it under people in okr-sync.yaml first"),
        ("Grow,Faster,ana,1,2,,,ops,", "team: there is no 'ops'; declare it under teams in okr-sync.yaml first"),
        ("Grow,Faster,ana,1,2,,31.12.2026,,", "due: '31.12.2026' can't be read: expected a date like 2026-12-31"),
        ("Grow,Faster,ana,1,2,,2027-01-01,,", "due: 2027-01-01 is outside cycle q4 (2026-10-01 to 2026-12-31)"),
        ("Grow,Fas\u202eter,ana,1,2,,,,", "key result: it holds a character that can't be printed"),
        ("Grow,Faster,ana,1,2", "the row has 5 cells, the head 9; quote cells that hold the sign"),
    ],
)
def test_what_can_not_be_read_is_told_with_its_line(folder: Path, row: str, said: str) -> None:
    ((line, message),) = _mistakes(folder, f"{HEAD}\n{row}\n")
    assert (line, message[: len(said)]) == (3, said)


def test_units_of_baseline_and_target_must_agree(folder: Path) -> None:
    found = _mistakes(folder, "objective,key result,baseline,target\nGrow,Faster,1 %,5\nGrow,More,1,5 %\n")
    said = "only one of baseline and target is in %; give both in the same unit"
    assert found == [(2, said), (3, said)]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("objective,key result,baseline", ["the table has no column target"]),
        ("goal,objective,kr,from,to", ["two columns mean objective"]),
        ("a,b", [f"the table has no column {name}" for name in ("objective", "key result", "baseline", "target")]),
    ],
)
def test_a_head_that_lacks_a_column_or_has_it_twice_is_told(folder: Path, head: str, said: list[str]) -> None:
    assert sorted(message.partition(";")[0] for _, message in _mistakes(folder, f"{head}\n")) == sorted(said)


def test_where_nobody_is_declared_any_id_will_do_and_no_other_word(folder: Path) -> None:
    (folder / "okr-sync.yaml").write_text(BARE, "utf-8")
    files = _imported(folder, HEAD + "Grow,Faster,ana,1,2,,,ops,\n")
    assert 'owner: "ana"' in files[folder / "okrs" / "okrs-ops.yaml"]
    ((_, message),) = _mistakes(folder, HEAD + "Grow,Faster,Ana Silva,1,2,,,,\n")
    assert message == "owner: there is no 'Ana Silva'; declare it under people in okr-sync.yaml first"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("okrs.xlsx", b"PK", "is neither CSV nor Markdown"),
        ("okrs.csv", b"\xff\xfe", "is not UTF-8"),
        ("okrs.csv", b"", "holds no table"),
        ("okrs.md", b"# nothing\n", "holds no table"),
        ("okrs.csv", HEAD.encode(), "holds no key result below its head"),
        ("okrs.csv", b"x" * 1_048_577, "is larger than 1 MiB"),
        ("okrs.csv", HEAD.encode() + b"x" * 200_000, "line 2 is not CSV: field larger than field limit"),
    ],
)
def test_a_file_that_is_no_table_is_refused(folder: Path, name: str, text: bytes, said: str) -> None:
    file = folder / name
    file.write_bytes(text)
    with pytest.raises(UsageError, match=said):
        imported_files(load(folder, {}), file, read_sheet(file), "q4")


def test_a_missing_file_cycle_or_source_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.csv can't be read: No such file"):
        read_sheet(folder / "none.csv")
    (folder / "okrs.csv").write_text(CSV, "utf-8")
    sheet = read_sheet(folder / "okrs.csv")
    with pytest.raises(UsageError, match="there is no cycle q5 in the config; known: q4"):
        imported_files(load(folder, {}), folder / "okrs.csv", sheet, "q5")
    (folder / "okr-sync.yaml").write_text("cycles: {q4: {start: 2026-10-01, end: 2026-12-31}}\n", "utf-8")
    with pytest.raises(UsageError, match=r"add `people: \{kind: manual\}` under sources"):
        imported_files(load(folder, {}), folder / "okrs.csv", sheet, "q4")


def test_the_command_prints_writes_once_and_never_again(folder: Path) -> None:
    sheet = folder / "okrs.csv"
    sheet.write_text(CSV, "utf-8")
    words = ("import", str(sheet), "--config", str(folder))
    printed = run(*words, "--dry-run")
    assert (printed.code, EXPECTED in printed.out, "# Nothing was written." in printed.out) == (0, True, True)
    assert set(run(*words, "--dry-run", "--json").json()) == {"files", "notes"}
    assert not (folder / "okrs").exists()
    written = run(*words, "--json").json()
    assert [Path(name).name for name in written["written"]] == ["okrs-hr.yaml", "okrs-product.yaml"]
    assert written["notes"] == [f"{sheet}:1: column 'Remark' is not read"]
    assert run("check", "--config", str(folder)).code == 0
    again = run(*words)
    assert again.code == 2
    assert "okrs-hr.yaml can't be written: File exists; nothing was written" in again.err


def test_mistakes_of_the_sheet_end_with_2_and_write_nothing(folder: Path) -> None:
    sheet = folder / "okrs.csv"
    sheet.write_text(HEAD + "Grow,Faster,ana,x,y,,,,\n", "utf-8")
    ran = run("import", str(sheet), "--config", str(folder))
    assert ran.code == 2
    assert f"{sheet}:2:1: baseline: 'x' can't be read" in ran.err
    assert "2 mistakes in 1 file; nothing was done" in ran.err
    assert not (folder / "okrs").exists()


def test_the_cycle_must_be_named_where_there_are_two(folder: Path) -> None:
    main = MAIN.replace("cycles: {", "cycles: {q3: {start: 2026-07-01, end: 2026-09-30}, ")
    (folder / "okr-sync.yaml").write_text(main, "utf-8")
    sheet = folder / "okrs.csv"
    sheet.write_text(CSV, "utf-8")
    ran = run("import", str(sheet), "--config", str(folder))
    assert (ran.code, "name the cycle with --cycle; the config has q3, q4" in ran.err) == (2, True)
    named = run("import", str(sheet), "--cycle", "q4", "--config", str(folder))
    assert (named.code, "wrote" in named.out) == (0, True)


def test_a_baseline_may_be_the_first_value_that_is_typed(folder: Path) -> None:
    """`capture` stands in its cell; the file loads, and the unit is that of the target."""
    (folder / "okrs.csv").write_text(f"{HEAD}Grow,Enrol,,Capture,75 %,,,,\n", "utf-8")
    (text,) = imported_files(load(folder, {}), folder / "okrs.csv", read_sheet(folder / "okrs.csv"), "q4").values()
    assert 'measure: {metric: "enrol", baseline: capture, target: 75}' in text
    assert 'unit: "%"' in text
