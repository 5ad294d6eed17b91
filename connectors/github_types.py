"""Which issues count by their issue type, where a source counts only some of them; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from connectors.github_fields import Fields
from okr_sync.connector import AccessError

LACKING = "this GitHub server knows no issue types"
LEAVE_OUT = "leave out `only_types` and `except_types`"


@dataclass(frozen=True, slots=True)
class Types:
    """The names, in small letters, of the types that alone count (`only`) or don't (`but`); both empty: all count."""

    only: frozenset[str] = frozenset()
    but: frozenset[str] = frozenset()

    @classmethod
    def of(cls, only: Iterable[str], but: Iterable[str]) -> Types:
        """Return the choice that names of types make, in any letter case."""
        return cls(frozenset(map(str.casefold, only)), frozenset(map(str.casefold, but)))

    @property
    def chosen(self) -> bool:
        """Whether the type of an issue matters."""
        return bool(self.only or self.but)

    def count(self, raw: Any, name: str) -> bool:
        """Return whether an issue counts whose type stands in its field `name`; pull requests have none, and do.

        Raises AccessError when the field is missing: the server has no types.
        """
        if not self.chosen or "pull_request" in raw or raw.get("__typename") == "PullRequest":
            return True
        if name not in raw:
            raise AccessError(LACKING, fix=LEAVE_OUT)
        issue = Fields(raw, "issue")
        kind = issue.inner(name).text("name").casefold() if issue.has(name) else None
        return kind in self.only if self.only else kind not in self.but
