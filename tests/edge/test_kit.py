"""The kit writes packages that anyone can start from, and refuses what would not work; kinds describe themselves."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from okr_sync.cli.exits import BROKEN_CONFIG, DONE
from okr_sync.connector import MetricSource, Query, SourceError, require
from okr_sync.errors import UsageError
from okr_sync.kit.describing import describe, markdown
from okr_sync.kit.writing import names_of, write_package
from okr_sync.registry import ConnectorError, Registry
from tests.edge.cli_play import run
from tests.edge.config_builders import Numbers, entry
from tests.edge.declared import declare


@pytest.fixture
def declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(declare(tmp_path / "declared"))


def test_a_package_is_written_where_one_wants_it(tmp_path: Path) -> None:
    """Every file is listed; the entry point leads to the class."""
    ran = run("new-connector", "ice-cream2", "--folder", str(tmp_path), "--json")
    assert ran.code == DONE
    said = json.loads(ran.out)
    assert (said["kind"], said["package"]) == ("ice_cream2", "okr-sync-ice-cream2")
    files = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    assert {str(Path(file).relative_to(tmp_path)) for file in said["written"]} == files
    project = tomllib.loads((tmp_path / "okr-sync-ice-cream2" / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["okr_sync.connectors"] == {"ice_cream2": "okr_sync_ice_cream2:IceCream2"}
    text = "".join((tmp_path / file).read_text("utf-8") for file in files)
    assert "__" not in text.replace("__init__", "").replace("__future__", "").replace("__all__", "").replace(
        "__name__", ""
    ).replace("__main__", "")


def test_people_are_told_what_to_do_next(tmp_path: Path) -> None:
    """The last line leads to the tests."""
    ran = run("new-connector", "tea", "--folder", str(tmp_path))
    assert ran.out.splitlines()[-1] == (
        f"Next: cd {tmp_path}/okr-sync-tea, then pip install -e . --group dev, then pytest."
    )


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Tea",
        "9tea",
        "tea time",
        "tea--time",
        "tea_",
        "-tea",
        "té",
        "../tea",
        "a/b",
        "t" * 31,
        "tea.py",
        "tea\n",
        "x;y",
    ],
)
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    """Nothing is written; the message shows what a name looks like."""
    with pytest.raises(UsageError, match="like weather-station"):
        write_package(names_of(name), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_words_of_python_and_kinds_that_exist_are_refused() -> None:
    """`import class` works for nobody, and one kind is one connector."""
    with pytest.raises(UsageError, match="class is a word of Python"):
        names_of("class")
    refused = run("new-connector", "csv-file")
    assert (refused.code, "there is a connector of kind csv_file already" in refused.err) == (BROKEN_CONFIG, True)


def test_no_file_is_overwritten_and_no_folder_invented(tmp_path: Path) -> None:
    """A second time, a missing folder, a file in the way, a folder that nobody may write to."""
    where = ("--folder", str(tmp_path))
    assert run("new-connector", "tea", *where).code == DONE
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    again = run("new-connector", "tea", *where)
    assert (again.code, "exists; nothing was written" in again.err) == (BROKEN_CONFIG, True)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before
    missing = run("new-connector", "tea", "--folder", str(tmp_path / "nowhere"))
    assert (missing.code, "there is no folder" in missing.err) == (BROKEN_CONFIG, True)
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "okr-sync-milk").write_text("in the way")
    with pytest.raises(UsageError, match="can't be written"):
        write_package(names_of("milk"), tmp_path)


@pytest.mark.usefixtures("declared")
def test_kinds_are_listed_by_what_they_bring() -> None:
    """Numbers for metrics, work for initiatives, a line each."""
    shown = run("sources", "--kinds").out
    numbers, _, work = shown.partition("For the work of initiatives:")
    assert "  exec                 Numbers that a command of yours prints\n" in numbers
    assert "  jira_epics " in work
    kinds = json.loads(run("sources", "--kinds", "--json").out)["kinds"]
    summary = "Values that programs of yours send, by token"
    assert {"kind": "push", "summary": summary, "brings": "numbers", "error": None} in kinds


def test_a_broken_package_does_not_hide_the_other_kinds(
    lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is listed with what it lacks."""
    info = tmp_path / "broken" / "broken-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 0\n", "utf-8")
    (info / "entry_points.txt").write_text(f"[okr_sync.connectors]\nlacking_one = {lacking}\n", "utf-8")
    monkeypatch.syspath_prepend(info.parent)
    shown = run("sources", "--kinds")
    assert shown.code == DONE
    assert "  csv_file " in shown.out
    assert "pip install 'okr-sync[files]'" in shown.out.partition("Can't be used:")[2]


@pytest.mark.usefixtures("declared")
def test_a_kind_is_described_for_people_and_machines() -> None:
    """Settings and questions with types, defaults and meanings, permissions and an example."""
    shown = run("sources", "--describe", "table_file").out
    assert "table_file: Numbers from Parquet files and Excel workbooks; brings numbers" in shown
    assert "  path               path; required; a .parquet" in shown
    assert "  date_column        text; default: the column `date`, if there is one" in shown
    assert "Permissions: The files must be readable" in shown
    assert "path: staff.xlsx" in shown
    said = json.loads(run("sources", "--describe", "exec", "--json").out)
    assert said["settings"][0] == {
        "name": "env",
        "type": "mapping to secret or text",
        "default": "",
        "description": "the whole environment of the program; nothing else",
    }
    unknown = run("sources", "--describe", "cvs_file")
    assert (unknown.code, "did you mean 'csv_file'?" in unknown.err) == (BROKEN_CONFIG, True)


def test_types_are_told_in_words() -> None:
    """Secrets, paths, mappings, lists, choices and what is optional; a bar does not break a table."""
    found = describe("numbers", Numbers)
    assert {key.name: (key.type, key.default) for key in found.settings} == {
        "token": ("secret", ""),
        "path": ("path", ""),
        "url": ("text", "https://numbers.example"),
        "limit": ("whole number", "10"),
    }
    assert [(key.name, key.type) for key in found.question] == [("column", "text"), ("where", "mapping to text")]
    assert "There is no key of a question." in markdown(describe("silent", Silent))
    manual = Registry([entry("manual", "connectors.manual:Manual")]).connector_class("manual")
    assert describe("manual", manual).question[0].type == "list of {value, on, by, note, expires}"
    assert describe("manual", manual).settings[1].type == "time zone"


class Silent(Numbers):
    """A source whose questions have no keys."""

    Query = Query  # type: ignore[assignment] # it has fewer keys


def test_a_missing_extra_says_what_to_install() -> None:
    """The command can be copied; a package that is there is returned."""
    assert require("json", extra="files").loads("1") == 1
    with pytest.raises(SourceError, match="package not_there can't be imported") as caught:
        require("not_there.deep", extra="files")
    assert caught.value.fix == "pip install 'okr-sync[files]'"


@pytest.fixture
def lacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A connector's module that needs an extra as soon as it is imported."""
    (tmp_path / "lacking_one.py").write_text(
        "from okr_sync import connector as api\napi.require('not_there', extra='files')\n", "utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return "lacking_one:Lacking"


def test_a_connector_that_lacks_an_extra_is_an_error_with_the_command(lacking: str) -> None:
    """Also when it is missed while the module is imported."""
    with pytest.raises(ConnectorError, match=r"lacks something: .* pip install 'okr-sync\[files\]'"):
        Registry([entry("lacking", lacking)]).connector_class("lacking")


def test_a_source_keeps_nothing_unless_it_says_so() -> None:
    """What a connector does not declare, the engine does not do for it."""
    assert (MetricSource.CONTINUES, MetricSource.INBOX, MetricSource.example, MetricSource.permissions) == (
        False,
        False,
        "",
        "",
    )
