"""Checked access to the fields of GitHub's JSON: what is missing or of another type is an error, never a zero."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from okr_sync.connector import ProtocolError


class Fields:
    """Checked access to a JSON object of GitHub; `what` names it in messages.

    Raises ProtocolError when a field is missing or of the wrong type: a hole in an answer is never a zero.
    """

    def __init__(self, raw: Any, what: str) -> None:
        if not isinstance(raw, dict):
            raise ProtocolError(f"GitHub's answer has no {what} where one belongs", fix="check `url` of this source")
        self._raw: Mapping[str, Any] = raw
        self._what = what

    def text(self, name: str) -> str:
        """Return a text that is not empty."""
        value = self._raw.get(name)
        if isinstance(value, str) and value:
            return value
        raise self._wrong(name)

    def number(self, name: str) -> int:
        """Return a whole number ≥ 0."""
        value = self._raw.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        raise self._wrong(name)

    def maybe_value(self, name: str) -> float | None:
        """Return a number; None when there is none."""
        value = self._raw.get(name)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        raise self._wrong(name)

    def inner(self, name: str) -> Fields:
        """Return the object below `name`."""
        return Fields(self._raw.get(name), f"{self._what} with {name}")

    def rows(self, name: str) -> list[Any]:
        """Return the list below `name`."""
        value = self._raw.get(name)
        if isinstance(value, list):
            return value
        raise self._wrong(name)

    def flag(self, name: str) -> bool:
        """Return a boolean."""
        value = self._raw.get(name)
        if isinstance(value, bool):
            return value
        raise self._wrong(name)

    def moment(self, name: str) -> datetime:
        """Return an instant, aware."""
        try:
            moment = datetime.fromisoformat(self.text(name))
        except ValueError:
            raise self._wrong(name) from None
        if moment.tzinfo is None:
            raise self._wrong(name)
        return moment

    def maybe_moment(self, name: str) -> datetime | None:
        """Return an instant, aware; None when it is null. The field itself must be there."""
        if name in self._raw and self._raw[name] is None:
            return None
        return self.moment(name)

    def has(self, name: str) -> bool:
        """Return whether a value other than null stands there."""
        return self._raw.get(name) is not None

    def _wrong(self, name: str) -> ProtocolError:
        seen = self._raw.get("html_url") or self._raw.get("url") or self._raw.get("id") or "unnamed"
        return ProtocolError(
            f"GitHub's answer lacks a proper {name!r} ({self._what} {seen})",
            fix="check `url` and that the token may read issues and pull requests; if both are right, report it",
        )
