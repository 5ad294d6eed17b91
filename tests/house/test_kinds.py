"""Every kind of source is described well enough to be used: a page that is not stale, an example that loads."""

from __future__ import annotations

import io
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from okr_sync.config import load
from okr_sync.kit.describing import Description, describe
from okr_sync.registry import GROUP, Registry

ROOT = Path(__file__).parents[2]
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"][GROUP]
REGISTRY = Registry(EntryPoint(kind, target, GROUP) for kind, target in DECLARED.items())
KINDS = list(REGISTRY.kinds())
CYCLE = "cycles:\n  2026-Q4: {start: 2026-10-01, end: 2026-12-31}\n"


class AnySecret(dict[str, str]):
    """An environment in which every variable is set."""

    def __missing__(self, name: str) -> str:
        return '{"client_email": "a@b", "private_key": "k"}' if name.endswith("_JSON") else f"secret-{name}"

    def __contains__(self, name: object) -> bool:
        return True

    def get(self, name: str, default: object = None) -> str:
        return self[name]


def described(kind: str) -> Description:
    """Return the description of a declared kind."""
    return describe(kind, REGISTRY.connector_class(kind))


def test_there_are_kinds_of_both_sorts() -> None:
    assert {described(kind).brings for kind in KINDS} == {"numbers", "work"}
    assert len(DECLARED) >= 7
    assert len(KINDS) >= len(DECLARED) + 13


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_says_what_it_is_what_it_may_and_what_each_key_means(kind: str) -> None:
    found = described(kind)
    assert REGISTRY.connector_class(kind).kind == kind
    assert len(found.summary) > 15
    assert found.permissions.endswith(".")
    assert [key.name for key in (*found.settings, *found.question) if not key.description] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_a_kind_loads(kind: str, tmp_path: Path) -> None:
    """As it stands: its sources and metrics in the main file, its objectives in one of their own."""
    yaml = YAML(typ="safe", pure=True)
    example = yaml.load(described(kind).example)
    assert example["sources"]
    assert example.get("metrics") or example.get("objectives")
    main = {key: example[key] for key in ("sources", "metrics") if key in example}
    rest = {key: example[key] for key in example if key not in main}
    yaml.dump(main, text := io.StringIO())
    okrs = "okrs: []\n" if not rest else ""
    (tmp_path / "okr-sync.yaml").write_text(CYCLE + okrs + text.getvalue(), "utf-8")
    if rest:
        (tmp_path / "okrs").mkdir()
        yaml.dump({"cycle": "2026-Q4", **rest}, text := io.StringIO())
        (tmp_path / "okrs" / "one.yaml").write_text(text.getvalue(), "utf-8")
    config = load(tmp_path, AnySecret(), REGISTRY)
    assert {source.kind for source in config.sources.values()} == {kind}
    assert all(source.questions for source in config.sources.values())


def test_the_pages_are_as_the_models_say() -> None:
    """`make pages` would change nothing; a page that is missing is one to write."""
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "write_pages.py", "--check"],
        cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    assert [kind for kind in KINDS if not (ROOT / "docs" / "connectors" / f"{kind}.md").is_file()] == []
