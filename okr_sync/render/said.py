"""What people said about a key result in their check-ins, as text and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from okr_sync.render import words
from okr_sync.render.words import clean

NEWEST = 5  # check-ins in the text; machines get all


class SaidRecord(Protocol):
    """One check-in."""

    @property
    def at(self) -> datetime: ...  # noqa: D102 -- as in the store
    @property
    def author(self) -> str: ...  # noqa: D102
    @property
    def value(self) -> float | None: ...  # noqa: D102
    @property
    def confidence(self) -> float | None: ...  # noqa: D102
    @property
    def note(self) -> str: ...  # noqa: D102
    @property
    def blockers(self) -> str: ...  # noqa: D102


def render_said(said: Sequence[SaidRecord]) -> str:
    """Return the newest check-ins, newest first, as a section of an explanation; empty when nobody said anything."""
    if not said:
        return ""
    lines = [f"  {words.moment(each.at)}  {clean(each.author)}: {_words(each)}" for each in reversed(said[-NEWEST:])]
    older = [f"  and {len(said) - NEWEST} older"] if len(said) > NEWEST else []
    return "\n".join(["", "said by people", *lines, *older])


def said_documents(said: Sequence[SaidRecord]) -> list[dict[str, Any]]:
    """Return all check-ins, oldest first, with null for what was not said."""
    return [
        {
            "at": each.at.isoformat().replace("+00:00", "Z"),
            "author": each.author,
            "value": each.value,
            "confidence": each.confidence,
            "note": each.note or None,
            "blockers": each.blockers or None,
        }
        for each in said
    ]


def _words(each: SaidRecord) -> str:
    parts = [
        "" if each.value is None else f"value {words.amount(each.value)}",
        "" if each.confidence is None else f"confidence {each.confidence:g} of 10",
        clean(each.note),
        f"in the way: {clean(each.blockers)}" if each.blockers else "",
    ]
    return "; ".join(part for part in parts if part)
