"""What happens to projects and their fields in a GitHub world, and what items have in them at an instant."""

from __future__ import annotations

import threading
from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

Worth: TypeAlias = float | str | None
"""What an item has in a field: a number, the text of a text field, or nothing."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Since when an item has what in which project's field."""

    at: datetime
    project: int
    field: str
    value: Worth


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened to a project, or to its `field`; `name` is how the field is called since then."""

    at: datetime
    project: int
    kind: Literal["closed", "hidden", "shown", "renamed", "deleted"]
    field: str = ""
    name: str = ""


class Projects:
    """Projects by number; they are there once an item has something in one. `tell` hears of each instant.

    A field keeps its type for good, as at GitHub: one of another type is another field, made after the first is gone.
    """

    def __init__(self, lock: threading.RLock, tell: Callable[[datetime], None]) -> None:
        self._lock = lock
        self._tell = tell
        self._changes: list[Change] = []

    def rename_field(self, field: str, name: str, *, at: datetime, project: int = 1) -> None:
        """Call a field otherwise; what items have in it stays."""
        self._happen(Change(at, project, "renamed", field, name))

    def delete_field(self, field: str, *, at: datetime, project: int = 1) -> None:
        """Delete a field with all that items have in it."""
        self._happen(Change(at, project, "deleted", field))

    def close(self, project: int = 1, *, at: datetime) -> None:
        """Close a project; its items and their values stay readable."""
        self._happen(Change(at, project, "closed"))

    def hide(self, project: int = 1, *, at: datetime) -> None:
        """Take the token's permission away: the project is left out wherever it would be listed."""
        self._happen(Change(at, project, "hidden"))

    def show(self, project: int = 1, *, at: datetime) -> None:
        """Give the token's permission back."""
        self._happen(Change(at, project, "shown"))

    def until(self, now: datetime) -> list[Change]:
        """Return what happened so far, oldest first."""
        with self._lock:
            return [each for each in self._changes if each.at <= now]

    def _happen(self, change: Change) -> None:
        with self._lock:
            insort(self._changes, change, key=lambda one: one.at)
            self._tell(change.at)


def closed_among(changes: Iterable[Change]) -> frozenset[int]:
    """Return the projects that were closed."""
    return frozenset(each.project for each in changes if each.kind == "closed")


def values_of(estimates: Iterable[Estimate], changes: Iterable[Change]) -> dict[int, dict[str, Worth]]:
    """Return what an item has in the projects that can be seen, by the present names of their fields."""
    found: dict[int, dict[str, Worth]] = {}
    hidden: set[int] = set()
    told: list[Change | Estimate] = [*changes, *estimates]
    for each in sorted(told, key=lambda one: one.at):
        if isinstance(each, Estimate):
            found.setdefault(each.project, {})[each.field] = each.value
        elif each.kind in ("hidden", "shown"):
            (hidden.add if each.kind == "hidden" else hidden.discard)(each.project)
        elif each.kind != "closed" and each.field in (values := found.get(each.project, {})):
            kept = values.pop(each.field)
            values |= {each.name: kept} if each.kind == "renamed" else {}
    return {project: values for project, values in found.items() if project not in hidden}
