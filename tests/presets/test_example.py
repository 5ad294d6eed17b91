"""The example with presets loads, and asks what it shows."""

from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

from okr_sync.config import load
from okr_sync.registry import GROUP, Registry
from tests.contract.google_server import key_file

ROOT = Path(__file__).parents[2]


def test_the_example_of_presets_loads() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"][GROUP]
    registry = Registry(EntryPoint(kind, target, GROUP) for kind, target in declared.items())
    tokens = dict.fromkeys(["HUBSPOT_TOKEN", "ZENDESK_TOKEN", "STRIPE_KEY", "SENTRY_TOKEN"], "a-token")
    env = {**tokens, "SHEETS_JSON": key_file("https://oauth2.googleapis.com")}
    config = load(ROOT / "config" / "examples" / "presets" / "okr-sync.yaml", env, registry)
    assert len(config.book.key_results()) == 5
    assert all(source.questions for source in config.sources.values())


def test_the_readme_names_every_preset() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    registry = Registry([EntryPoint("http_json", "connectors.http_json:HttpJson", GROUP)])
    assert [kind for kind in registry.recipes() if f"docs/connectors/{kind}.md" not in readme] == []
