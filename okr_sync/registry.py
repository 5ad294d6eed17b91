"""Finds connectors by the word in config files: entry points and recipes, each read on first use."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, TypeAlias

from okr_sync.connector import DeliverySource, MetricSource
from okr_sync.core.spelling import nearest_word
from okr_sync.errors import OkrSyncError, SourceError
from okr_sync.presets.recipes import RecipeError, names, read_recipe

__all__ = [
    "GROUP",
    "ConnectorClass",
    "ConnectorError",
    "Registry",
    "UnknownKindError",
    "connector_class",
    "installed",
    "kinds",
]

GROUP = "okr_sync.connectors"
"""The entry point group that a package declares its connectors in."""

THROUGH = "http_json"
"""The kind that recipes are asked through; without it there are none."""

ConnectorClass: TypeAlias = type[MetricSource] | type[DeliverySource]


class UnknownKindError(OkrSyncError):
    """No installed package brings a connector of this kind."""


class ConnectorError(OkrSyncError):
    """A connector is declared but can't be used: its import fails or it is no connector."""


class Registry:
    """The connectors at hand, by kind; without `entries`, those that installed packages declare."""

    def __init__(self, entries: Iterable[EntryPoint] | None = None) -> None:
        found = entry_points(group=GROUP) if entries is None else entries
        declared = {entry.name: entry for entry in found}
        recipes = names() if THROUGH in declared else ()
        self._recipes = frozenset(recipes) - set(declared)
        known = {**declared, **{name: EntryPoint(name, f"okr_sync.presets:{name}", GROUP) for name in self._recipes}}
        self._entries: Mapping[str, EntryPoint] = MappingProxyType(dict(sorted(known.items())))
        self._classes: dict[str, ConnectorClass] = {}

    def kinds(self) -> Mapping[str, EntryPoint]:
        """Return kind → entry point, sorted by kind; nothing is imported. A declared one hides a recipe."""
        return self._entries

    def recipes(self) -> frozenset[str]:
        """Return the kinds that are recipes."""
        return self._recipes

    def connector_class(self, kind: str) -> ConnectorClass:
        """Return the class of `kind`, imported on first use.

        Raises UnknownKindError, naming the kinds at hand and the nearest spelling, and ConnectorError.
        """
        if kind not in self._classes:
            self._classes[kind] = self._import(kind)
        return self._classes[kind]

    def _import(self, kind: str) -> ConnectorClass:
        entry = self._entries.get(kind)
        if entry is None:
            raise UnknownKindError(self._unknown(kind))
        if kind in self._recipes:
            return self._expand(kind)
        try:
            found: Any = entry.load()
        except SourceError as error:
            raise ConnectorError(f"connector {kind!r} lacks something: {error}; {error.fix}") from error
        except (ImportError, AttributeError) as error:
            raise ConnectorError(
                f"connector {kind!r} ({entry.value}) can't be imported: {error}; install what it needs"
            ) from error
        if not (inspect.isclass(found) and issubclass(found, MetricSource | DeliverySource)):
            raise ConnectorError(
                f"connector {kind!r} ({entry.value}) is neither a MetricSource nor a DeliverySource; repair its package"
            )
        return found

    def _expand(self, kind: str) -> ConnectorClass:
        from okr_sync.presets.expanding import preset_class  # noqa: PLC0415 -- only who uses a recipe needs httpx

        try:
            recipe = read_recipe(kind)
        except RecipeError as error:
            raise ConnectorError(str(error)) from error
        through = self.connector_class(THROUGH)
        if not issubclass(through, MetricSource):
            raise ConnectorError(f"{THROUGH!r} brings no numbers, so {kind!r} can't be asked through it")
        return preset_class(kind, recipe, through)

    def _unknown(self, kind: str) -> str:
        near = nearest_word(kind, self._entries)
        hint = f"did you mean {near!r}? " if near else ""
        return f"there is no connector of kind {kind!r}; {hint}known: {', '.join(self._entries) or 'none'}"


@cache
def installed() -> Registry:
    """Return what is installed with this program; one a process, so that nothing is imported or read twice."""
    return Registry()


def kinds() -> Mapping[str, EntryPoint]:
    """Return kind → entry point of all installed connectors, sorted by kind; nothing is imported."""
    return installed().kinds()


def connector_class(kind: str) -> ConnectorClass:
    """Return the class of an installed `kind`, imported on first use; raises as `Registry.connector_class`."""
    return installed().connector_class(kind)
