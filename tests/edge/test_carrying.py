"""Laws of carry-over: what is not complete goes on from where it stood, comments stay, nothing is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from okr_sync.config import Carried, Config, Standing, carry_over, load, write_drafts
from okr_sync.config.edits import Edits, items, value_of
from okr_sync.errors import ConfigError, UsageError
from tests.edge.cli_play import run

MAIN = """sources: {typed: {kind: manual}}
cycles:
  q1: {start: 2026-01-01, end: 2026-03-31}
  q2: {start: 2026-04-01, end: 2026-06-30}
metrics:
  nps: {source: typed, unit: points, minimum: -100, maximum: 100}
  turnover: {source: typed, unit: "%"}
  pages: {source: typed}
"""
TEAM = """# The product team.
cycle: q1     # the cycle
objectives:
  # about the experience
  - id: experience
    title: "A better experience"
    contributes_to: north
    supports: [side, north]
    key_results:
      # about nps
      - id: nps-q1
        title: Raise it        # by much
        start: 2026-02-01
        # due early
        due: 2026-03-15
        measure: {metric: nps, baseline: 31, by: +20}   # points

      # about what is complete
      - id: complete
        title: Publish
        measure: {metric: pages, baseline: 0, target: 3}
      # about turnover
      - {id: turnover, title: Less, due: 2026-03-01, measure: {metric: turnover, baseline: 16 %, target: 12 %}}
    initiatives:
      - {id: survey, title: The survey}
  # about the side
  - id: side
    title: The side
    key_results:
      - {id: side-done, title: Done, measure: {metric: pages, baseline: 0, target: 1}}

metrics:
  own: {source: typed}
initiatives:
  - {id: guide, title: The guide}
# the end
"""
NORTH = """cycle: q1
objectives:
  - id: north
    title: The north star
"""
STANDINGS = {
    "nps-q1": Standing(44.0, 0.65),
    "complete": Standing(3.0, 1.0),
    "turnover": Standing(14.25, 0.4375),
    "side-done": Standing(1.0, 1.0),
}
EXPECTED = """# Carried over from q1: what was not complete, from where it stood.
# The product team.
cycle: q2     # the cycle
objectives:
  # about the experience
  - id: experience-q2
    title: "A better experience"
    contributes_to: north-q2
    supports: [north-q2]
    key_results:
      # about nps
      # baseline 44 is the last value of q1, where it was 31
      - id: nps-q2
        title: Raise it        # by much
        measure: {metric: nps, baseline: 44, by: +20}   # points

      # about turnover
      # baseline 14.25 % is the last value of q1, where it was 16 %
      - {id: turnover-q2, title: Less, measure: {metric: turnover, baseline: 14.25 %, target: 12 %}}

# the end
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "okrs").mkdir()
    for name, text in (("okr-sync.yaml", MAIN), ("okrs/team.yaml", TEAM), ("okrs/north.yaml", NORTH)):
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def _config(folder: Path) -> Config:
    return load(folder, {})


def _carried(folder: Path, *objectives: str) -> Carried:
    return carry_over(_config(folder), "q1", "q2", STANDINGS, objectives)


def test_the_copy_is_the_file_but_for_what_changes_each_byte(folder: Path) -> None:
    carried = _carried(folder)
    assert carried.files[folder / "okrs" / "team-q2.yaml"] == EXPECTED
    assert sorted(file.name for file in carried.files) == ["north-q2.yaml", "team-q2.yaml"]
    assert carried.ids == {
        "nps-q1": "nps-q2", "turnover": "turnover-q2", "experience": "experience-q2", "north": "north-q2"
    }  # fmt: skip
    assert carried.left == {"complete": "complete", "side-done": "complete"}


def test_what_is_written_loads_with_the_old_files_and_starts_at_nothing(folder: Path) -> None:
    assert write_drafts(folder, {}, _carried(folder).files) == ()
    book = _config(folder).book
    carried = {each.id: each for each in book.objectives if each.cycle == "q2"}
    assert set(carried) == {"north-q2", "experience-q2"}
    assert [each.id for each in carried["experience-q2"].key_results] == ["nps-q2", "turnover-q2"]
    assert {each.id for each in book.initiatives} == {"survey", "guide"}


def test_nothing_is_overwritten_and_nothing_half_written(folder: Path) -> None:
    carried = _carried(folder)
    (folder / "okrs" / "team-q2.yaml").write_text("cycle: q2\n", "utf-8")
    with pytest.raises(UsageError, match=r"team-q2\.yaml exists; nothing was written"):
        _carried(folder)
    with pytest.raises(UsageError, match=r"team-q2\.yaml can't be written: File exists"):
        write_drafts(folder, {}, {each: text for each, text in carried.files.items() if each.name != "team-q2.yaml"} | {
            folder / "okrs" / "team-q2.yaml": "cycle: q2\n"})  # fmt: skip
    assert sorted(file.name for file in (folder / "okrs").iterdir()) == ["north.yaml", "team-q2.yaml", "team.yaml"]


def test_a_copy_that_would_not_load_is_not_written(folder: Path) -> None:
    carried = carry_over(_config(folder), "q1", "q2", {**STANDINGS, "nps-q1": Standing(90.0, 0.9)})
    with pytest.raises(ConfigError, match=r"team-q2\.yaml:15:50: by: 110 is outside"):
        write_drafts(folder, {}, carried.files)
    assert not (folder / "okrs" / "team-q2.yaml").exists()


def test_only_the_named_objectives_go_on_with_those_above(folder: Path) -> None:
    carried = carry_over(_config(folder), "q1", "q2", {}, ["side"])
    assert carried.ids == {"side-done": "side-done-q2", "side": "side-q2"}
    assert carried.left["nps-q1"] == "its objective is not named"
    assert "supports" not in carried.files[folder / "okrs" / "team-q2.yaml"]


def test_links_to_what_stays_behind_end(folder: Path) -> None:
    text = TEAM.replace("contributes_to: north", "contributes_to: north\n    # a link").replace("[side, north]", "side")
    (folder / "okrs" / "team.yaml").write_text(text, "utf-8")
    made = _carried(folder).files[folder / "okrs" / "team-q2.yaml"]
    assert "supports" not in made
    assert "contributes_to: north-q2" in made


def test_an_unknown_value_keeps_its_baseline_and_says_so(folder: Path) -> None:
    made = carry_over(_config(folder), "q1", "q2", {}).files[folder / "okrs" / "team-q2.yaml"]
    assert "      # baseline as in q1: it had no value at the end\n      - id: nps-q2\n" in made
    assert "baseline: 31, by: +20" in made


@pytest.mark.parametrize("by", ["-25 %", "{relative: -25 %}"])
def test_a_share_of_nothing_is_not_written(folder: Path, by: str) -> None:
    (folder / "okrs" / "team.yaml").write_text(TEAM.replace("by: +20", f"by: {by}"), "utf-8")
    standings = {**STANDINGS, "nps-q1": Standing(0.0, 0.9)}
    made = carry_over(_config(folder), "q1", "q2", standings).files[folder / "okrs" / "team-q2.yaml"]
    assert "# baseline as in q1: a share of its last value, 0, says nothing" in made
    assert f"baseline: 31, by: {by}" in made


def test_what_was_carried_already_stays_as_it_is(folder: Path) -> None:
    write_drafts(folder, {}, _carried(folder).files)
    with pytest.raises(UsageError, match="nothing of cycle q1 is left to carry over: nps-q1: nps-q2 is there already"):
        _carried(folder)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("q3", "q2", ()), "there is no cycle q3 in the config"),
        (("q1", "2027", ()), "there is no cycle 2027 in the config; declare its start and end under cycles first"),
        (("q1", "q1", ()), "a cycle can't be carried over into itself"),
        (("q1", "q2", ("sid",)), "there is no objective sid in cycle q1; did you mean side"),
        (("q2", "q1", ()), "nothing of cycle q2 is left to carry over: it has no key results"),
    ],
)
def test_what_is_not_there_is_refused(folder: Path, words: tuple[str, str, tuple[str, ...]], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        carry_over(_config(folder), words[0], words[1], {}, words[2])


PAGES = "measure: {metric: pages, baseline: 0, target: "
ALIASED = TEAM.replace(PAGES + "3}", "measure: &m {metric: pages, at_least: 3}").replace(PAGES + "1}", "measure: *m")
START_FIRST = TEAM.replace("- id: nps-q1", "- start: 2026-02-02\n        id: nps-q1").replace(
    "start: 2026-02-01", "weight: 1"
)


@pytest.mark.parametrize(
    ("text", "why"),
    [(ALIASED, r"it uses aliases \(\*name\)"), (START_FIRST, "it does not begin on a line of its own")],
)
def test_a_file_that_can_not_be_copied_line_by_line_says_why(folder: Path, text: str, why: str) -> None:
    (folder / "okrs" / "team.yaml").write_text(text, "utf-8")
    with pytest.raises(UsageError, match=f"can't be copied line by line: {why}"):
        _carried(folder)


FLOW = "{a: 1, b: 2, c: [x, y, z], d: 4}"


@pytest.mark.parametrize(
    ("keys", "left"),
    [
        ("a", "{b: 2, c: [x, y, z], d: 4}"),
        ("d", "{a: 1, b: 2, c: [x, y, z]}"),
        ("cd", "{a: 1, b: 2}"),
        ("ac", "{b: 2, d: 4}"),
        ("abcd", "{}"),
        ("bd", "{a: 1, c: [x, y, z]}"),
    ],
)
def test_any_part_of_a_line_can_go(keys: str, left: str) -> None:
    edits = Edits(FLOW)
    root = edits.root()
    for number, (key, _) in enumerate(root.value):
        if key.value in keys:
            edits.remove(root, number)
    assert edits.done() == left


def test_a_text_is_quoted_where_it_would_read_as_a_number() -> None:
    edits = Edits("a: x\nb: [x, y]\n")
    root = edits.root()
    listed = value_of(root, "b")
    assert listed is not None
    for node, text in zip([*items(listed)], ("2027", "2027-Q1"), strict=True):
        edits.replace(node, text)
    assert edits.done() == 'a: x\nb: ["2027", 2027-Q1]\n'


@pytest.fixture
def synced(folder: Path) -> Path:
    assert run("sync", "--config", str(folder)).code == 0
    assert run("check-in", "nps-q1", "--value", "44", "--config", str(folder)).code == 0
    return folder


def test_the_command_prints_and_then_writes_the_same(synced: Path) -> None:
    """The check-in came after the cycle, so its value does not count and the baseline stays."""
    printed = run("carry-over", "q1", "q2", "--dry-run", "--json", "--config", str(synced)).json()
    assert not (synced / "okrs" / "team-q2.yaml").exists()
    shown = run("carry-over", "q1", "q2", "--dry-run", "--config", str(synced)).out
    assert "# Nothing was written." in shown
    written = run("carry-over", "q1", "q2", "--json", "--config", str(synced))
    assert written.code == 0
    for name, text in printed["files"].items():
        assert Path(name).read_text("utf-8") == text
        assert text in shown
    assert written.json()["unread"] == []
    assert run("check", "--config", str(synced)).code == 0


def test_a_new_file_that_no_pattern_finds_is_told(synced: Path) -> None:
    main = synced / "okr-sync.yaml"
    main.write_text(MAIN + "okrs: [okrs/team.yaml, okrs/north.yaml]\n", "utf-8")
    said = run("carry-over", "q1", "q2", "--config", str(synced)).out
    assert "nps-q1 → nps-q2" in said
    assert said.count("is not read yet: add it to `okrs` in okr-sync.yaml") == 2


@pytest.mark.parametrize("baseline", ["capture", "{capture: mean, over: 14 d}"])
def test_a_captured_baseline_is_captured_anew_in_the_next_cycle(tmp_path: Path, baseline: str) -> None:
    """It stays a capture, whatever the last value was, and a comment says so."""
    (tmp_path / "okrs").mkdir()
    (tmp_path / "okr-sync.yaml").write_text(MAIN, "utf-8")
    text = f"""cycle: q1
objectives:
  - id: o
    title: O
    key_results:
      - id: nps
        title: Raise it
        measure: {{metric: nps, baseline: {baseline}, by: +20}}
"""
    (tmp_path / "okrs" / "team.yaml").write_text(text, "utf-8")
    made = carry_over(load(tmp_path, {}), "q1", "q2", {"nps": Standing(44, 0.6)})
    (copy,) = made.files.values()
    assert f"baseline: {baseline}, by: +20" in copy
    assert "# baseline as in q1: captured at the start of q2" in copy
    write_drafts(tmp_path / "okr-sync.yaml", {}, made.files)
