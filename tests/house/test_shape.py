"""The house keeps its own rules: sizes, first sentences, names, imports on demand."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = sorted([*ROOT.glob("okr_sync/**/*.py"), *ROOT.glob("connectors/*.py")])
TRACKERS = re.compile("connectors/(jira|github)_")
EVERYTHING = sorted([*PRODUCT, *ROOT.glob("tests/**/*.py")])


def _functions(file: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{file.relative_to(ROOT)}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1


def _lines(file: Path) -> int:
    return file.read_text("utf-8").count("\n")


def test_there_is_a_house_to_look_at() -> None:
    assert len(PRODUCT) > 40


def test_a_function_reads_in_one_glance() -> None:
    """Half of all functions have at most 10 lines, nine in ten at most 28, none more than 60."""
    sizes = dict(each for file in PRODUCT for each in _functions(file))
    ordered = sorted(sizes.values())
    assert statistics.median(ordered) <= 10
    assert ordered[int(len(ordered) * 0.9)] <= 28
    assert {name: size for name, size in sizes.items() if size > 60} == {}


def test_a_file_is_one_subject() -> None:
    """Nine in ten have at most 300 lines, none more than 400; a tracker's module 300, a metric source's 150."""
    sizes = {str(file.relative_to(ROOT)): _lines(file) for file in PRODUCT}
    ordered = sorted(sizes.values())
    assert ordered[int(len(ordered) * 0.9)] <= 300
    assert {name: size for name, size in sizes.items() if size > 400} == {}
    modules = {name: size for name, size in sizes.items() if name.startswith("connectors/")}
    most = {name: 300 if TRACKERS.match(name) else 150 for name in modules}
    assert {name: size for name, size in modules.items() if size > most[name]} == {}


@pytest.mark.parametrize("file", PRODUCT, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_module_begins_with_one_sentence_that_says_what_it_is_for(file: Path) -> None:
    text = file.read_text("utf-8")
    if file.parent.name == "connectors" and file.name == "__init__.py":
        assert text == "", "connectors/__init__.py stays empty: a connector is found by its entry point"
        return
    first = (ast.get_docstring(ast.parse(text)) or "").split("\n\n")[0]
    assert len(first) > 20
    assert first.rstrip()[-1] in ".:"


def test_no_file_is_named_after_nothing() -> None:
    nothing = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "base"}
    assert [str(file) for file in EVERYTHING if file.stem in nothing] == []


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"]) + r")\b")
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in EVERYTHING
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if later.search(line)
    ]
    assert found == []


def test_a_test_uses_fakes_and_never_patches() -> None:
    patching = re.compile(r"monkeypatch\.setattr|mock\.patch|MagicMock|from unittest import mock")
    own = Path(__file__)
    assert [str(f) for f in EVERYTHING if f != own and patching.search(f.read_text("utf-8"))] == []


def test_help_is_fast_because_commands_are_loaded_when_used() -> None:
    code = "import sys, okr_sync.cli.program as p; p.build_app(); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "cyclopts" in loaded
    assert not loaded & {"sqlmodel", "sqlalchemy", "jira", "github", "pydantic", "ruamel.yaml", "httpx"}


def test_no_text_names_a_package_registry_or_a_place_on_one_machine() -> None:
    registry = re.compile(
        "|".join(["py" + "pi\\.org", "python" + "hosted", "npm" + "js", "deb\\." + "debian"]), re.IGNORECASE
    )
    place = re.compile(r"(?<![\w.$~])/(?:" + "|".join(["wo" + "rk", "fa" + "rm", "ro" + "ot"]) + r")/")
    listing = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    names = [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    if not names:
        pytest.skip("git lists no files here: not a checkout")
    for name in names:
        text = (ROOT / name).read_text("utf-8", errors="replace")
        assert not registry.search(text), name
        assert not place.search(text), name
