"""Fills settings and parameters into the places of a recipe, each encoded for where it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from okr_sync.connector import Referenced

__all__ = ["MISSING", "Filler", "places"]

_PLACE = re.compile(r"\{([a-z][a-z_]*)(\?|:[a-z_]+)?\}")
_EXPRESSIONS = frozenset({"rows", "value", "time", "pages"})  # of a request: JMESPath


class _Missing:
    """Stands for a value that nobody gave."""


MISSING = _Missing()


def places(value: Any) -> set[str]:
    """Return the names in all places like {name}, {name?} and {name:table}, at any depth."""
    if isinstance(value, Mapping):
        return {name for each in value.values() for name in places(each)}
    if isinstance(value, list):
        return {name for each in value for name in places(each)}
    return {match[1] for match in _PLACE.finditer(value)} if isinstance(value, str) else set()


class Filler:
    """Fills `values` (None: not given) into templates; names that it does not know stay as they are.

    A place alone is the value itself, with its type. Without a value {name?} leaves out its key, and is nothing in a
    longer text; {name} leaves out the mapping that it stands in, up to an item of a list or a key at the top.
    {name:table} is what the table says for the value.
    """

    def __init__(self, values: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> None:
        self._values = values
        self._tables = tables

    def settings(self, template: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings of the connector; text with a secret in it counts as referenced."""
        return self._top(template, str)

    def request(self, template: Mapping[str, Any]) -> dict[str, Any]:
        """Return the question to the connector. Raises ValueError when its address or an expression lacks a value."""
        found: dict[str, Any] = {}
        for key, value in template.items():
            if key == "path":
                found[key] = self._fill(value, lambda given: quote(str(given), safe=""))
            elif key in _EXPRESSIONS:
                found[key] = self._expression(value)
            elif isinstance(value, Mapping):
                found[key] = self._top(value, str)
            else:
                found[key] = self._fill(value, str)
        if isinstance(params := found.get("params"), dict):
            found["params"] = {name: _plain(value) for name, value in params.items()}
        if absent := [key for key, value in found.items() if value is MISSING]:
            raise ValueError(f"nothing to fill into {', '.join(absent)}")
        return found

    def _top(self, template: Mapping[str, Any], encode: Callable[[Any], str]) -> dict[str, Any]:
        filled = {key: self._fill(value, encode) for key, value in template.items()}
        return {key: value for key, value in filled.items() if value is not MISSING}

    def _fill(self, value: Any, encode: Callable[[Any], str]) -> Any:
        if isinstance(value, Mapping):
            return self._mapping(value, encode)
        if isinstance(value, list):
            return [filled for each in value if (filled := self._fill(each, encode)) is not MISSING]
        return self._text(value, encode) if isinstance(value, str) else value

    def _mapping(self, template: Mapping[str, Any], encode: Callable[[Any], str]) -> Any:
        filled = {key: self._fill(value, encode) for key, value in template.items()}
        absent = [key for key, value in filled.items() if value is MISSING]
        if any(not _is_optional(template[key]) for key in absent):
            return MISSING
        return {key: value for key, value in filled.items() if value is not MISSING}

    def _text(self, text: str, encode: Callable[[Any], str]) -> Any:
        found = [(match, self._value(match)) for match in _PLACE.finditer(text) if match[1] in self._values]
        if len(found) == 1 and found[0][0][0] == text and encode is str:
            value = found[0][1]
            return MISSING if value is None else _opened(value)
        if any(value is None and match[2] != "?" for match, value in found):
            return MISSING
        for match, value in found:
            text = text.replace(match[0], "" if value is None else encode(_opened(value))).strip()
        return Referenced(text) if any(isinstance(value, SecretStr) for _, value in found) else text

    def _expression(self, value: Any) -> Any:
        """Return JMESPath with literals in its places: `null` for what was not given."""
        if isinstance(value, Mapping):
            return {key: self._expression(each) for key, each in value.items()}
        if not isinstance(value, str):
            return value
        return _PLACE.sub(lambda match: self._literal(match) if match[1] in self._values else match[0], value)

    def _literal(self, match: re.Match[str]) -> str:
        value = self._value(match)
        text = json.dumps(list(value) if isinstance(value, tuple) else value)
        return "`" + text.replace("`", "\\u0060") + "`"

    def _value(self, match: re.Match[str]) -> Any:
        value, table = self._values[match[1]], match[2]
        if not table or table == "?" or value is None:
            return value
        known = self._tables[table.removeprefix(":")]
        return known.get(str(value), known["default"])


def _opened(value: Any) -> Any:
    return Referenced(value.get_secret_value()) if isinstance(value, SecretStr) else value


def _is_optional(template: Any) -> bool:
    return isinstance(template, str) and template.endswith("?}")


def _plain(value: Any) -> Any:
    """Return a parameter as it stands in an address: mappings as JSON, several texts with commas."""
    if isinstance(value, Mapping):
        return json.dumps(value, separators=(",", ":"))
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ",".join(map(str, value))
    return value
