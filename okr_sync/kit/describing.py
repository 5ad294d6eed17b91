"""Describes a kind of source from its models: settings, questions, an example, what its credential must be allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel

from okr_sync.connector import MetricSource
from okr_sync.registry import ConnectorClass

__all__ = ["Description", "Key", "brought_by", "describe", "markdown"]

BEGIN, END = "<!-- made from the models by `make pages` -->", "<!-- end -->"
_FORMATS = {"password": "secret", "path": "path", "zoneinfo": "time zone", "date-time": "time", "date": "date"}
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "nothing",
}


@dataclass(frozen=True, slots=True)
class Key:
    """One key of settings or of a question. `default` is as one would write it; None: the key is required."""

    name: str
    type: str
    default: str | None
    description: str


@dataclass(frozen=True, slots=True)
class Description:
    """All that one may want to know of a kind before using it."""

    kind: str
    summary: str
    brings: str
    """numbers or work."""
    history: bool
    permissions: str
    settings: tuple[Key, ...]
    question: tuple[Key, ...]
    example: str

    def document(self) -> dict[str, Any]:
        """Return it as a JSON document."""
        return asdict(self)


def describe(kind: str, connector: ConnectorClass) -> Description:
    """Return the description of a connector's class under the word that config files use for it."""
    return Description(
        kind,
        connector.summary,
        brought_by(connector),
        connector.HISTORY,
        connector.permissions,
        _keys(connector.Settings),
        _keys(connector.Query),
        connector.example,
    )


def brought_by(connector: ConnectorClass) -> str:
    """Return numbers or work."""
    return "numbers" if issubclass(connector, MetricSource) else "work"


def markdown(description: Description) -> str:
    """Return the part of a page that is made from the models, marks included."""
    past = "It can say what was true in the past." if description.history else "It says what is true now."
    lines = [
        BEGIN,
        "## Every key",
        "",
        f"{description.summary}. {past} {description.permissions}".rstrip(),
        *_table("setting", description.settings),
        *_table("key of a question", description.question),
        "",
        "```yaml",
        description.example.rstrip(),
        "```",
        END,
    ]
    return "\n".join(lines) + "\n"


def _table(head: str, keys: tuple[Key, ...]) -> list[str]:
    if not keys:
        return ["", f"There is no {head}."]
    rows = [f"| `{key.name}` | {_cell(key.type)} | {_default(key)} | {_cell(key.description)} |" for key in keys]
    return ["", f"| {head} | type | default | meaning |", "|---|---|---|---|", *rows]


def _default(key: Key) -> str:
    if key.default is None:
        return "required"
    return f"`{_cell(key.default)}`" if key.default else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _keys(model: type[BaseModel]) -> tuple[Key, ...]:
    schema = model.model_json_schema()
    known: Mapping[str, Any] = schema.get("$defs", {})
    required = set(schema.get("required", ()))
    return tuple(
        Key(name, _type(part, known), None if name in required else _written(part.get("default")), _said(part))
        for name, part in schema.get("properties", {}).items()
    )


def _said(part: Mapping[str, Any]) -> str:
    return str(part.get("description", "")).replace("\n", " ").strip()


def _written(value: Any) -> str:
    if value is None or value in ([], {}, ""):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _type(part: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """Return what a JSON Schema allows, in words like "list of text"."""
    if "$ref" in part:
        return _type(known[part["$ref"].rpartition("/")[2]], known)
    if "const" in part or "enum" in part:
        return " | ".join(map(str, part.get("enum", [part.get("const")])))
    for word in ("anyOf", "oneOf", "allOf"):
        if word in part:
            kinds = dict.fromkeys(_type(each, known) for each in part[word])
            return " or ".join(kind for kind in kinds if kind != "nothing")
    if part.get("type") == "array":
        return f"list of {_type(part.get('items', {}), known)}"
    if part.get("type") == "object":
        return _object(part, known)
    return _FORMATS.get(part.get("format", ""), _TYPES.get(part.get("type", ""), "anything"))


def _object(part: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    if "properties" in part:
        return "{" + ", ".join(part["properties"]) + "}"
    values = part.get("additionalProperties")
    return f"mapping to {_type(values, known)}" if isinstance(values, dict) and values else "mapping"
