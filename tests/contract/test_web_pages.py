"""What the pages of the web connectors show can be written into a config as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from connectors.http_json import HttpJson
from connectors.prometheus import Prometheus
from okr_sync.connector import MetricSource, Referenced, Settings

PAGES = Path(__file__).parents[2] / "docs" / "connectors"
SHARED = {"kind", "source", "title", "unit", "type", "minimum", "maximum", "max_age"}  # keys of every source and metric


def _written(page: str) -> dict[str, Any]:
    """Return the sections of all YAML blocks of a page; a `${NAME}` counts as given."""
    sections: dict[str, Any] = {}
    written = (PAGES / f"{page}.md").read_text("utf-8").partition("<!-- made from the models")[0]
    for text in re.findall(r"```yaml\n(.*?)```", written, re.DOTALL):
        sections |= YAML(typ="safe", pure=True).load(text)
    return sections


def _own(table: dict[str, Any]) -> dict[str, Any]:
    own = {key: each for key, each in table.items() if key not in SHARED}
    return {key: Referenced(each) if str(each).startswith("${") else each for key, each in own.items()}


@pytest.mark.parametrize("connector", [Prometheus, HttpJson])
def test_what_a_page_shows_is_understood(connector: type[MetricSource]) -> None:
    """Sources and metrics of the examples are valid."""
    sections = _written(connector.kind)
    assert {each["kind"] for each in sections["sources"].values()} == {connector.kind}
    for each in sections["sources"].values():
        connector.Settings.model_validate(_own(each))
    assert len(sections["metrics"]) >= 3
    for each in sections["metrics"].values():
        assert each["source"] in sections["sources"]
        connector.Query.model_validate(_own(each))


@pytest.mark.parametrize("connector", [Prometheus, HttpJson])
def test_a_page_names_every_key(connector: type[MetricSource]) -> None:
    """No setting and no key of a question is left to be found in the code."""
    page = (PAGES / f"{connector.kind}.md").read_text("utf-8")
    models: list[type[Settings | Any]] = [connector.Settings, connector.Query]
    assert [name for model in models for name in model.model_fields if f"`{name}`" not in page] == []
