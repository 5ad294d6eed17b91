"""The pages of the connectors for tables are true: their YAML loads as it stands there."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from okr_sync.config import load
from okr_sync.registry import GROUP, Registry

ROOT = Path(__file__).parents[2]
KINDS = {"csv_file": "CsvFile", "sql": "Sql", "table_file": "TableFile"}
HEAD = "timezone: UTC\ncycles:\n  q: {start: 2026-10-01, end: 2026-12-31}\n"


@pytest.mark.parametrize("kind", KINDS)
def test_the_yaml_of_a_page_is_a_config(tmp_path: Path, kind: str) -> None:
    page = (ROOT / "docs" / "connectors" / f"{kind}.md").read_text("utf-8").partition("<!-- made from the models")[0]
    *sources, metrics = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "okr-sync.yaml").write_text(
        HEAD + sources[0] + "".join(each.removeprefix("sources:\n") for each in sources[1:]) + metrics, "utf-8"
    )
    registry = Registry([EntryPoint(name, f"connectors.{name}:{target}", GROUP) for name, target in KINDS.items()])
    config = load(tmp_path, {"SHOP_PASSWORD": "s3cret", "DATA_TOKEN": "t0ken"}, registry)
    assert all(source.kind == kind for source in config.sources.values())
    assert len(config.book.metrics) >= 3
    assert {metric.source for metric in config.book.metrics} <= set(config.sources)


def test_the_page_of_the_language_shows_readings_that_load(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "config.md").read_text("utf-8")
    text = page.partition("### What is made of readings")[2]
    metrics = re.findall(r"```yaml \S+\n(.*?)```", text, re.DOTALL)[0]
    main = f"{HEAD}sources:\n  survey: {{kind: csv_file, path: survey.csv}}\n{metrics}"
    (tmp_path / "okr-sync.yaml").write_text(main, "utf-8")
    assert all(metric.readings for metric in load(tmp_path, {}).book.metrics)


def test_a_key_of_every_page_is_a_key_of_its_model() -> None:
    """Each setting and each key of a query stands in its page, and no other."""
    registry = Registry([EntryPoint(name, f"connectors.{name}:{target}", GROUP) for name, target in KINDS.items()])
    for kind in KINDS:
        connector = registry.connector_class(kind)
        page = (ROOT / "docs" / "connectors" / f"{kind}.md").read_text("utf-8")
        source, _, metric = page.partition("## Metric")
        assert [key for key in connector.Settings.model_fields if f"`{key}`" not in source] == [], kind
        assert [key for key in connector.Query.model_fields if f"| `{key}` |" not in metric] == [], kind
