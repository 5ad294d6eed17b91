"""What asking a source costs, and how two costs add up."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["COUNTED", "added"]

Number = TypeVar("Number", int, float)

COUNTED = ("requests", "retries", "seconds", "received", "not_modified", "points")
"""The fields of a cost: requests sent, those sent again, seconds, bytes of answers as they came, answers of status 304,
points of a rate limit. The last three are None where nobody counted them."""


def added(one: Number | None, other: Number | None) -> Number | None:
    """Return the sum of what was counted; None when neither was."""
    if one is None or other is None:
        return other if one is None else one
    return one + other
