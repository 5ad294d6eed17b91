"""Turns rows of changed values into transitions, for any tracker."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

from okr_sync.connector import Transition, TransitionField

Row: TypeAlias = tuple[datetime, str | None, str | None]
"""When a value changed, from what, to what."""


def told(item: str, field: TransitionField, rows: Iterable[Row]) -> list[Transition]:
    """Return rows (oldest first) as transitions: those of one instant are one, and what changes nothing is none."""
    ends: dict[datetime, tuple[str | None, str | None]] = {}
    for at, before, after in rows:
        ends[at] = (ends[at][0] if at in ends else before, after)
    return [Transition(item, field, before, after, at) for at, (before, after) in ends.items() if before != after]
