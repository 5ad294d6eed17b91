"""Where a line of points breaks: from there on its numbers answer another question and can't be compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

__all__ = ["Asked", "breaks"]


class Asked(Protocol):
    """A point with the hash of what was asked for it; None: not known, which breaks nothing."""

    @property
    def question(self) -> str | None: ...  # noqa: D102 -- as the class says


AnyPoint = TypeVar("AnyPoint", bound=Asked)


def breaks(points: Sequence[AnyPoint]) -> tuple[AnyPoint, ...]:
    """Return the first point of each later series, oldest first; `points` are in the order of time."""
    return tuple(_breaks(points))


def _breaks(points: Sequence[AnyPoint]) -> Iterator[AnyPoint]:
    before: str | None = None
    for point in points:
        if point.question is not None:
            if before is not None and point.question != before:
                yield point
            before = point.question
