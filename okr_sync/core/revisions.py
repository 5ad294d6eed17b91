"""Versions of a definition told as what changed from one to the next, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

__all__ = ["Edit", "Plain", "RevisedKind", "Revision", "edits"]

Plain: TypeAlias = str | float | bool | None
RevisedKind: TypeAlias = Literal["cycle", "objective", "key_result", "initiative", "metric"]

SILENT = frozenset({"definition", "id"})
"""A hash of the rest, and what never changes."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One field, then and now; None: not given. `field` is a path like "target" or "steps.2.weight"."""

    field: str
    before: Plain
    after: Plain


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a definition in force in [since, until); `edits` lead to it from the version before.

    `kind` is what it is of (`key_result`, `metric` …), `id` of which one. The first version has no edits; one without
    edits after that changed in what it rests on.
    """

    kind: RevisedKind
    id: str
    version: int
    since: datetime
    until: datetime | None
    author: str
    reason: str
    edits: tuple[Edit, ...] = ()


def edits(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> tuple[Edit, ...]:
    """Return what differs between two stored bodies, in the order of the fields; nothing without `before`.

    A measure's fields stand for themselves. Lists of plain values are one text; of others each is told apart from 1.
    """
    if before is None:
        return ()
    old, new = dict(_leaves(before)), dict(_leaves(after))
    return tuple(
        Edit(name, old.get(name), new.get(name))
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name) and name not in SILENT
    )


def _leaves(body: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Plain]]:
    for name, value in body.items():
        here = path if name == "measure" else f"{path}.{name}".removeprefix(".")
        if isinstance(value, Mapping):
            yield from _leaves(value, here)
        elif isinstance(value, list) and any(isinstance(each, Mapping | list) for each in value):
            yield from _leaves({str(place): each for place, each in enumerate(value, 1)}, here)
        elif isinstance(value, list):
            yield here, ", ".join(map(str, value)) or None
        else:
            yield here, value
