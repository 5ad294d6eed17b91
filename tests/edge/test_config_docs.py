"""Laws of what we hand out: the page, the starter and the example load, and the schemas accept them."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from okr_sync.config import json_schema, load
from okr_sync.config.entry import Entry
from okr_sync.config.language import InitiativeEntry, KeyResultEntry, MainFile, MetricEntry, ObjectiveEntry, SourceEntry
from okr_sync.config.measures import KINDS
from okr_sync.config.places import Mistakes
from okr_sync.config.reading import read_table
from okr_sync.config.references import References
from okr_sync.config.starter import starter
from okr_sync.errors import UsageError
from tests.edge.config_builders import MAIN, registry

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml (\S+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
TODAY = date(2026, 11, 22)
ENV = {
    "JIRA_TOKEN": "j-token",
    "GITHUB_TOKEN": "g-token",
    "PING_URL": "https://hc.example",
    "CHAT_HOOK": "https://a.example",
}

Shape = Literal["main", "okrs"]


def _tree(file: Path) -> Any:
    mistakes = Mistakes()
    table = read_table(file, str(file), References(ENV, file.parent, mistakes), mistakes)
    assert mistakes.told() == ()
    return table


def _flaws(shape: Shape, tree: Any) -> list[str]:
    return [f"{flaw.json_path}: {flaw.message}" for flaw in Draft202012Validator(json_schema(shape)).iter_errors(tree)]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    for name, text in BLOCKS:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


def test_every_yaml_block_of_the_page_is_named_and_they_load_together(page: Path) -> None:
    assert len(BLOCKS) == PAGE.count("```yaml") == 5
    config = load(page, ENV)
    assert len(config.files) == 5
    assert {type(each.measure).__name__ for each in config.book.key_results()} == {
        "Done", "Change", "Threshold", "Steps", "Delivery", "Total", "Ratio", "Rate", "Range", "Zone", "Samples",
        "OnTime", "All", "Weighted", "Gate",
    }  # fmt: skip


def test_every_word_of_the_language_stands_on_the_page() -> None:
    models: list[type[Entry]] = [MainFile, SourceEntry, MetricEntry, ObjectiveEntry, KeyResultEntry, InitiativeEntry]
    words = {name for model in [*models, *(kind for _, kind in KINDS)] for name in model.model_fields}
    assert {word for word in words if not re.search(rf"\b{word}\b", PAGE)} == set()


def test_the_schemas_are_valid_and_accept_every_block_of_the_page(page: Path) -> None:
    for shape in ("main", "okrs"):
        Draft202012Validator.check_schema(json_schema(shape))
    for name, _ in BLOCKS:
        assert _flaws("main" if name == "okr-sync.yaml" else "okrs", _tree(page / name)) == [], name


@pytest.mark.parametrize(
    ("shape", "tree"),
    [
        ("main", {"stor": "x"}),
        ("main", {"sources": {"a": {"kind": "nothing"}}}),
        ("main", {"sources": {"a": {"kind": "csv_file"}}}),
        ("main", {"sources": {"a": {"kind": "csv_file", "path": "x", "pat": "y"}}}),
        ("main", {"metrics": {"a": {"source": "b", "colum": "c"}}}),
        ("main", {"cycles": {"a": {"start": "2026-01-01"}}}),
        ("okrs", {"objectives": [{"id": "a"}]}),
        (
            "okrs",
            {"objectives": [{"id": "a", "title": "A", "key_results": [{"id": "k", "title": "K", "measure": {}}]}]},
        ),
        ("okrs", {"initiatives": [{"id": "a", "title": "A", "delivery": [{"source": "x", "nothing": 1}]}]}),
        ("okrs", {"initiatives": [{"id": "a", "title": "A", "weight_by": "size"}]}),
    ],
)
def test_a_schema_refuses_what_loading_refuses(shape: Shape, tree: dict[str, Any]) -> None:
    assert _flaws(shape, tree)


def test_a_schema_offers_the_connectors_at_hand(tmp_path: Path) -> None:
    schema = json.dumps(json_schema("main", registry()))
    assert '"const": "numbers"' in schema
    assert "csv_file" not in schema
    (tmp_path / "m.yaml").write_text(MAIN)
    validator = Draft202012Validator(json_schema("main", registry()))
    mistakes = Mistakes()
    tree = read_table(tmp_path / "m.yaml", "m", References({"TOKEN": "x"}, tmp_path, mistakes), mistakes)
    assert list(validator.iter_errors(tree)) == []


def test_the_starter_loads_without_any_variable_and_its_files_fit_their_schemas(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    written = starter(folder, TODAY)
    assert {file.relative_to(folder).as_posix() for file in written} == {
        "okr-sync.yaml", "okrs/first-team.yaml", "data/survey.csv",
        ".okr-sync/schema-main.json", ".okr-sync/schema-okrs.json",
    }  # fmt: skip
    config = load(folder, {})
    assert len(config.book.key_results()) == 2
    for file, shape in (("okr-sync.yaml", "main"), ("okrs/first-team.yaml", "okrs")):
        line = (folder / file).read_text().splitlines()[0]
        schema = (folder / file).parent / line.partition("$schema=")[2]
        assert json.loads(schema.read_text()) == json_schema("main" if shape == "main" else "okrs")
        assert list(Draft202012Validator(json.loads(schema.read_text())).iter_errors(_tree(folder / file))) == []


def test_the_starter_loads_with_all_its_trackers_once_their_variables_are_set(tmp_path: Path) -> None:
    starter(tmp_path, TODAY)
    for name, comment in (("okr-sync.yaml", "  # "), ("okrs/first-team.yaml", "    # ")):
        file = tmp_path / name
        lines = file.read_text().splitlines()
        uncommented = [re.sub(rf"^{comment}(?=[a-z ]+:|  |- )", comment[:-2], line) for line in lines]
        file.write_text(
            "\n".join(line for line in uncommented if "take the" not in line and "Work beneath" not in line)
        )
    assert set(load(tmp_path, ENV).sources) == {"survey", "people", "tracker", "code"}


@settings(max_examples=30, deadline=None)
@given(today=st.dates(date(2024, 1, 1), date(2032, 12, 31)))
def test_the_starter_is_about_the_quarter_of_its_first_day(today: date) -> None:
    with tempfile.TemporaryDirectory() as folder:
        starter(Path(folder), today)
        book = load(Path(folder), {}).book
        dates = re.findall(r"^(\d{4}-\d\d-\d\d),", (Path(folder) / "data" / "survey.csv").read_text(), re.MULTILINE)
    cycle = book.cycles[0]
    assert cycle.id == f"{today.year}-Q{(today.month + 2) // 3}"
    assert cycle.first <= today <= cycle.last
    assert (cycle.first.day, (cycle.last + timedelta(days=1)).day, len(dates)) == (1, 1, 3)
    assert all(cycle.first.isoformat() <= each <= cycle.last.isoformat() for each in dates)


@pytest.mark.parametrize("name", ["okr-sync.yaml", "okrs/first-team.yaml", "data/survey.csv"])
def test_the_starter_overwrites_nothing_and_then_writes_nothing(tmp_path: Path, name: str) -> None:
    mine = tmp_path / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine")
    with pytest.raises(UsageError, match=re.escape(str(mine))):
        starter(tmp_path, TODAY)
    assert mine.read_text() == "mine"
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [mine]


def test_a_starter_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="can't be written"):
        starter(tmp_path / "file" / "below", TODAY)


def test_the_example_of_the_project_loads_and_fits_the_schemas(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    env = dict.fromkeys(("JIRA_URL", "JIRA_EMAIL", "JIRA_TOKEN", "GITHUB_URL", "GITHUB_TOKEN"), "https://x.example")
    config = load(tmp_path / "config", env)
    assert config.book.key_results()
    for file in config.files:
        mistakes = Mistakes()
        tree = read_table(file, str(file), References(env, file.parent, mistakes), mistakes)
        assert _flaws("main" if file.name == "okr-sync.yaml" else "okrs", tree) == [], file
