"""From an empty folder to a report in every format, without a network: init, check, plan, sync, status, report."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.edge.cli_play import run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that one stands in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_the_first_steps_work_one_after_the_other(folder: Path) -> None:
    started = run("init")
    assert (started.code, started.err) == (0, "")
    assert "Next: okr-sync check, then okr-sync plan, then okr-sync sync." in started.out
    for words in ("check", "plan", "sync", "status", "sources", "sources --test", "runs", "report"):
        ran = run(*words.split())
        assert (ran.code, ran.err) == (0, ""), words
    shown = run("status", "--json").json()
    scores = [each["score"] for objective in shown["objectives"] for each in objective["key_results"]]
    assert [score for score in scores if score is not None] != []


def test_init_into_a_folder_names_it_in_the_next_steps(folder: Path) -> None:
    ran = run("init", "company/okrs")
    assert ran.code == 0
    assert "okr-sync check --config company/okrs" in ran.out
    assert run("check", "--config", "company/okrs").code == 0
    told = run("init", "another", "--json").json()
    assert [Path(each).is_file() for each in told["written"]] == [True] * len(told["written"])


def test_a_second_init_overwrites_nothing_and_writes_nothing(folder: Path) -> None:
    run("init")
    (folder / "okr-sync.yaml").write_text((folder / "okr-sync.yaml").read_text("utf-8") + "# mine\n", "utf-8")
    (folder / "data" / "survey.csv").unlink()
    before = _files(folder)
    ran = run("init")
    assert (ran.code, ran.out) == (2, "")
    assert "okr-sync.yaml exists; nothing was written" in ran.err
    assert _files(folder) == before


def test_init_into_a_file_is_refused(folder: Path) -> None:
    (folder / "taken").write_text("x", "utf-8")
    ran = run("init", "taken")
    assert (ran.code, ran.out) == (2, "")
    assert "taken" in ran.err


class _Tags(HTMLParser):
    """Counts what opens and closes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in {"meta", "link", "br", "img", "hr", "input", "col"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def _is_html(text: str) -> bool:
    tags = _Tags()
    tags.feed(text)
    tags.close()
    return {"html", "body"} <= tags.seen and not tags.wrong and not tags.open


def _is_table(text: str) -> bool:
    rows = list(csv.reader(io.StringIO(text)))
    return len(rows) > 2 and len({len(row) for row in rows}) == 1


def _is_document(text: str) -> bool:
    return {"as_of", "objectives", "summary"} <= set(json.loads(text))


@pytest.mark.parametrize(
    ("form", "holds"),
    [
        ("html", _is_html),
        ("csv", _is_table),
        ("json", _is_document),
        ("md", lambda text: text.startswith("# ")),
        ("text", lambda text: text.startswith("OKR report\n")),
    ],
)
def test_a_report_in_every_format_is_whole_and_the_same_in_a_file(folder: Path, form: str, holds: object) -> None:
    assert callable(holds)
    run("init")
    run("sync")
    printed = run("report", "--format", form)
    assert (printed.code, printed.err) == (0, "")
    assert holds(printed.out)
    assert "Customers recommend us" in printed.out
    written = run("report", "--format", form, "--output", f"report.{form}")
    assert (written.code, written.out) == (0, f"wrote report.{form}\n")
    assert (folder / f"report.{form}").read_bytes() == printed.out.encode()
    assert run("report", "--format", form).out == printed.out


def test_a_published_report_is_what_the_next_one_compares_with(folder: Path) -> None:
    run("init")
    run("sync")
    published = run("report", "--format", "json", "--publish").json()
    assert run("report", "--format", "json").json()["since"] == published["as_of"]


def test_a_typed_value_counts_at_once(folder: Path) -> None:
    run("init")
    run("sync")
    ran = run("check-in", "guide", "--value", "1", "--note", "It is out", "--author", "ana")
    assert (ran.code, "~ guide  value unknown → 1" in ran.out) == (0, True)
    (objective,) = run("status", "--json").json()["objectives"]
    assert {each["id"]: each["value"] for each in objective["key_results"]}["guide"] == 1


def test_what_people_said_stands_beside_the_number(folder: Path) -> None:
    run("init")
    run("sync")
    assert "said by people" not in run("explain", "guide").out
    for number in range(7):
        run("check-in", "guide", "--confidence", str(number), "--note", f"Draft {number}", "--author", "ana")
    run("check-in", "guide", "--value", "1", "--blockers", "none \x1b[31mleft", "--author", "ben")
    shown = run("explain", "guide").out.partition("said by people\n")[2].splitlines()
    assert len(shown) == 6
    assert shown[0].endswith("UTC  ben: value 1; in the way: none �[31mleft")
    assert shown[1].endswith("UTC  ana: confidence 6 of 10; Draft 6")
    assert shown[5] == "  and 3 older"
    said = run("explain", "guide", "--json").json()["check_ins"]
    assert [each["confidence"] for each in said] == [*range(7), None]
    assert (said[-1]["author"], said[-1]["value"], said[-1]["note"]) == ("ben", 1, None)
    assert said[-1]["blockers"] == "none \x1b[31mleft"


def test_the_schemas_are_json_and_accept_what_init_writes(folder: Path) -> None:
    run("init")
    for shape in ("main", "okrs"):
        shown = run("schema", shape).json()
        assert shown["type"] == "object"
        assert json.loads((folder / ".okr-sync" / f"schema-{shape}.json").read_text("utf-8")) == shown
