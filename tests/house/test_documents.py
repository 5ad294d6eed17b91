"""The documents are true: links lead somewhere, commands exist, examples load, every connector has its page."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from okr_sync.cli.program import COMMANDS
from okr_sync.config import load
from okr_sync.core.measures import KINDS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SECRETS = {"JIRA_TOKEN": "x", "GITHUB_TOKEN": "x", "JIRA_EMAIL": "okr@example.com"}


def _blocks(page: Path, *, indent: str = "") -> list[tuple[str, str]]:
    """(file name, text) of the YAML blocks that name a file."""
    fence = re.compile(rf"^{indent}```yaml (\S+)\n(.*?)^{indent}```", re.MULTILINE | re.DOTALL)
    return [
        (name, "\n".join(line.removeprefix(indent) for line in text.splitlines()))
        for name, text in fence.findall(page.read_text("utf-8"))
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_command_that_a_page_names_exists(page: Path) -> None:
    named = re.findall(r"(?:`|bin/|^)okr-sync ([a-z][a-z-]*)", page.read_text("utf-8"), re.MULTILINE)
    prose = {"keeps"}  # the first words of the README
    assert [name for name in named if name not in COMMANDS and name not in prose] == []


def test_the_readme_config_loads(tmp_path: Path) -> None:
    blocks = _blocks(ROOT / "README.md", indent="   ")
    assert [name for name, _ in blocks] == ["okr-sync.yaml", "okrs/product.yaml"]
    for name, text in blocks:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    book = load(tmp_path / "okr-sync.yaml", SECRETS).book
    assert [each.id for each in book.key_results()] == ["nps", "launch"]


def test_the_example_loads_and_uses_every_kind() -> None:
    book = load(ROOT / "config" / "okr-sync.yaml", SECRETS).book
    kinds = {type(each.measure).__name__ for each in book.key_results()}
    assert kinds == {measure.__name__ for measure in KINDS}
    assert len(book.key_results()) >= 27


EXAMPLES = sorted(file for file in (ROOT / "config" / "examples").glob("*.yaml") if file.name != "main.yaml")


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_of_one_idea_loads(file: Path, tmp_path: Path) -> None:
    main = (file.parent / "main.yaml").read_text("utf-8")
    assert "okrs: []" in main
    (tmp_path / "okr-sync.yaml").write_text(main.replace("okrs: []", "okrs: [example.yaml]"), "utf-8")
    (tmp_path / "example.yaml").write_text(file.read_text("utf-8"), "utf-8")
    assert load(tmp_path / "okr-sync.yaml", SECRETS).book.key_results()


def test_every_example_is_listed() -> None:
    listed = set(re.findall(r"\]\(([a-z-]+\.yaml)\)", (ROOT / "config" / "examples" / "README.md").read_text("utf-8")))
    assert len(EXAMPLES) >= 8
    assert listed - {"main.yaml"} == {file.name for file in EXAMPLES}


def test_every_connector_has_a_page_and_a_line_in_the_readme() -> None:
    kinds = {entry.name for entry in entry_points(group="okr_sync.connectors")}
    assert len(kinds) >= 4
    assert {page.stem for page in (ROOT / "docs" / "connectors").glob("*.md")} >= kinds
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [kind for kind in kinds if f"docs/connectors/{kind}.md" not in readme] == []


def test_the_readme_names_the_two_commands_that_ci_runs() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    for command in ("make demo", "make test"):
        assert command in readme
        assert re.search(rf"^{command}$", ci, re.MULTILINE)


def test_every_decision_has_context_decision_and_consequences() -> None:
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert len(pages) >= 5
    for page in pages:
        heads = re.findall(r"^## (.*)$", page.read_text("utf-8"), re.MULTILINE)
        assert heads == ["Context", "Decision", "Consequences"], page.name
