"""JSON Schema of the config files, for editors; it includes the settings and questions of every connector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from okr_sync.config.alerting import AlertsEntry
from okr_sync.config.entry import Entry
from okr_sync.config.language import MainFile, MetricEntry, OkrsFile, ScopeEntry, SourceEntry
from okr_sync.connector import MetricSource, WebSettings
from okr_sync.registry import ConnectorClass, Registry, installed

__all__ = ["json_schema"]

Schema = dict[str, Any]

_FILES: Mapping[str, tuple[type[Entry], str]] = {
    "main": (MainFile, "okr-sync.yaml"),
    "okrs": (OkrsFile, "A file with objectives of okr-sync"),
}


def json_schema(shape: Literal["main", "okrs"] = "main", registry: Registry | None = None) -> Schema:
    """Return the JSON Schema (2020-12) of okr-sync.yaml ("main") or of the files with objectives ("okrs").

    Raises ConnectorError when a declared connector can't be imported.
    """
    registry = registry or installed()
    connectors = {kind: registry.connector_class(kind) for kind in registry.kinds()}
    model, title = _FILES[shape]
    models: list[type[BaseModel]] = [
        model,
        SourceEntry,
        MetricEntry,
        ScopeEntry,
        AlertsEntry,
        WebSettings,
        *(part for each in connectors.values() for part in _parts(each)),
    ]
    names, whole = models_json_schema(
        [(each, "validation") for each in dict.fromkeys(models)], ref_template="#/$defs/{model}"
    )
    definitions: Schema = whole["$defs"]
    pointers = {each: names[each, "validation"]["$ref"].rpartition("/")[2] for each in dict.fromkeys(models)}
    _Weaver(definitions, pointers, connectors).weave()
    top = definitions.pop(pointers[model])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_closed(top),
        "title": title,
        "$defs": {name: _closed(part) for name, part in _reached(top, definitions).items()},
    }


def _parts(connector: ConnectorClass) -> tuple[type[BaseModel], type[BaseModel]]:
    return connector.Settings, connector.Query


class _Weaver:
    """Puts the keys of connectors into the entries that are open to them."""

    def __init__(
        self, definitions: Schema, pointers: Mapping[type[BaseModel], str], connectors: Mapping[str, ConnectorClass]
    ) -> None:
        self.definitions = definitions
        self.pointers = pointers
        self.connectors = connectors

    def weave(self) -> None:
        """Replace each open entry by its kinds."""
        self._replace(SourceEntry, {kind: each.Settings for kind, each in self.connectors.items()}, kinds=True)
        numbers = {kind: each.Query for kind, each in self.connectors.items() if issubclass(each, MetricSource)}
        work = {kind: each.Query for kind, each in self.connectors.items() if kind not in numbers}
        self._replace(MetricEntry, numbers, kinds=False)
        self._replace(ScopeEntry, work, kinds=False)
        self._replace(AlertsEntry, {"": WebSettings}, kinds=False)

    def _replace(self, entry: type[Entry], parts: Mapping[str, type[BaseModel]], *, kinds: bool) -> None:
        name = self.pointers[entry]
        own = self.definitions[name]
        choices = [self._joined(own, part, kind if kinds else None) for kind, part in parts.items()]
        self.definitions[name] = {"description": own.get("description", ""), "anyOf": choices or [own]}

    def _joined(self, own: Schema, part: type[BaseModel], kind: str | None) -> Schema:
        theirs = self.definitions[self.pointers[part]]
        properties = {**theirs.get("properties", {}), **own["properties"]}
        if kind is not None:
            properties["kind"] = {"const": kind}
        return {
            "type": "object",
            "properties": properties,
            "required": [*own.get("required", []), *theirs.get("required", [])],
            **({"oneOf": theirs["oneOf"]} if "oneOf" in theirs else {}),
            "additionalProperties": False,
        }


def _closed(schema: Schema) -> Schema:
    """Return an object's schema that allows its own properties only; another is returned as it is."""
    if schema.get("type") == "object" and "properties" in schema:
        return {**schema, "additionalProperties": False}
    return schema


def _reached(top: Schema, definitions: Schema) -> Schema:
    """Return the definitions that `top` needs, directly or not."""
    reached: Schema = {}
    waiting = list(_references(top))
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached[name] = definitions[name]
            waiting.extend(_references(definitions[name]))
    return dict(sorted(reached.items()))


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for part in schema.values():
            yield from _references(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _references(part)
