"""Every command of the program can be imported, says what it is for, and is written about."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

from okr_sync.cli.program import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_there_are_commands_and_pages_to_look_at() -> None:
    assert len(COMMANDS) > 10
    assert [page.name for page in PAGES if not page.is_file()] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_can_be_imported_and_has_a_docstring_of_one_sentence_first(name: str) -> None:
    where, line = COMMANDS[name]
    module, _, function = where.partition(":")
    command = getattr(import_module(module), function)
    first = (inspect.getdoc(command) or "").splitlines()[0]
    assert first.endswith(".")
    assert len(first) > 20
    assert line.endswith(".")
    assert inspect.signature(command).return_annotation in (int, "int")  # the exit code


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_for_people_speaks_to_machines_too(name: str) -> None:
    module, _, function = COMMANDS[name][0].partition(":")
    parameters = inspect.signature(getattr(import_module(module), function)).parameters
    assert "json" in parameters or name == "schema"  # which prints nothing but JSON


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_written_about(name: str) -> None:
    mention = re.compile(rf"okr-sync {re.escape(name)}\b|`{re.escape(name)}`")
    assert [page.name for page in PAGES if mention.search(page.read_text("utf-8"))] != []
