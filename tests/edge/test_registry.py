"""Laws of the registry: connectors come by entry point, imported on first use."""

from __future__ import annotations

import sys

import pytest

from okr_sync import registry as installed
from okr_sync.connector import DeliverySource, MetricSource
from okr_sync.registry import ConnectorError, Registry, UnknownKindError
from tests.edge.config_builders import Numbers, Work, entry


def test_kinds_are_listed_by_name_and_nothing_is_imported() -> None:
    registry = Registry([entry("zeta", "not_there.zeta:Zeta"), entry("alpha", "not_there.alpha:Alpha")])
    assert list(registry.kinds()) == ["alpha", "zeta"]
    assert "not_there" not in sys.modules


def test_a_class_comes_by_its_kind_and_is_the_same_each_time() -> None:
    registry = Registry([entry("numbers", "Numbers"), entry("work", "Work")])
    assert registry.connector_class("numbers") is Numbers
    assert registry.connector_class("work") is Work
    assert registry.connector_class("work") is registry.connector_class("work")


def test_an_unknown_kind_names_the_nearest_and_all_known() -> None:
    registry = Registry([entry("numbers", "Numbers"), entry("work", "Work")])
    with pytest.raises(
        UnknownKindError, match=r"no connector of kind 'number'; did you mean 'numbers'\? known: numbers, work"
    ):
        registry.connector_class("number")


def test_without_connectors_an_unknown_kind_says_so() -> None:
    with pytest.raises(UnknownKindError, match="known: none"):
        Registry([]).connector_class("numbers")


@pytest.mark.parametrize("target", ["not_there:Gone", "tests.edge.config_builders:Gone"])
def test_a_connector_that_cannot_be_imported_says_which_and_why(target: str) -> None:
    with pytest.raises(ConnectorError, match=r"connector 'gone' \(.*\) can't be imported: .*install what it needs"):
        Registry([entry("gone", target)]).connector_class("gone")


@pytest.mark.parametrize("target", ["Folder", "entry"])
def test_what_is_no_connector_is_refused(target: str) -> None:
    with pytest.raises(ConnectorError, match="neither a MetricSource nor a DeliverySource"):
        Registry([entry("odd", target)]).connector_class("odd")


def test_every_installed_connector_can_be_used_under_its_own_word() -> None:
    assert {"csv_file", "github_milestones", "jira_epics", "manual"} <= set(installed.kinds())
    for kind in installed.kinds():
        found = installed.connector_class(kind)
        assert found.kind == kind
        assert issubclass(found, MetricSource | DeliverySource)
