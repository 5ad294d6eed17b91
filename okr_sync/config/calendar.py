"""What can't be meant in the calendar: cycles that overlap in part, and rates that are due on no day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import combinations

from okr_sync.core.kinds import All, Gate, Rate, Weighted
from okr_sync.core.model import Cycle, Measure
from okr_sync.core.periods import spans

__all__ = ["overlapping", "without_days"]


def overlapping(cycles: Mapping[str, Cycle]) -> Iterator[tuple[str, str]]:
    """Yield (id, message) of each cycle that has some days in common with one written before it.

    A cycle that lies inside a longer one, as a quarter in a year, is meant so.
    """
    for earlier, later in combinations(cycles.values(), 2):
        apart = later.first > earlier.last or earlier.first > later.last
        same = (earlier.first, earlier.last) == (later.first, later.last)
        if not apart and (same or not (_inside(earlier, later) or _inside(later, earlier))):
            first, last = max(earlier.first, later.first), min(earlier.last, later.last)
            yield (
                later.id,
                f"overlaps cycle {earlier.id!r} from {first} to {last}; move one, or put it inside the other",
            )


def without_days(measure: Measure, first: date, last: date) -> bool:
    """Return whether a rate in it has nothing due on any of the days [first, last], both inclusive."""
    match measure:
        case Rate():
            return all(span.share == 0 for span in spans(first, last, measure.per, measure.skip))
        case All() | Weighted() | Gate():
            return any(without_days(part.measure, first, last) for part in measure.parts)
        case _:
            return False


def _inside(one: Cycle, other: Cycle) -> bool:
    return other.first <= one.first and one.last <= other.last
