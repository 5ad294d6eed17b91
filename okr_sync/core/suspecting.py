"""Tells an answer that fell so far that it needs a second look from an ordinary one.

Guarded is what a fall would take away: the newest value of a level or a counter, the sum of a flow's dated amounts, and
the number of dated rows. A rise is never guarded, and neither is the single amount of a flow without a date: it only
adds to what there is. A counter is guarded although a drop counts as its reset: a false one would add all of it again.
What people type is their word already.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from okr_sync.core.facts import Miss, Outcome, Reading, Sight, Unchanged
from okr_sync.core.model import MetricType
from okr_sync.core.numbers import show, show_share

__all__ = ["agree", "compare", "doubt", "see"]

NOTHING = Sight(None, 0)


def see(outcome: Outcome, kind: MetricType) -> Sight | None:
    """Return what an answer amounts to; None for one that says nothing of values (a failure, nothing new)."""
    match outcome:
        case Unchanged():
            return None
        case Miss():
            return NOTHING if outcome.why == "no_data" else None
        case _:
            return _amount(_in_time(outcome), kind)


def compare(known: Sequence[Reading], outcome: Outcome, kind: MetricType) -> tuple[Sight, Sight] | None:
    """Return what was known and what the answer amounts to; None when there is nothing to compare.

    `known` are confirmed readings, oldest first, each with a time. The newest value is held against the newest that is
    known, rows and sums against those since the first time of the answer.
    """
    now = see(outcome, kind)
    measured = [reading for reading in known if reading.author is None]
    if now is None or not measured:
        return None
    if not isinstance(outcome, tuple):
        return Sight(measured[-1].value, len(measured)), now
    since = min((reading.time for reading in outcome if reading.time is not None), default=None)
    covered = [each for each in measured if since is not None and each.time is not None and each.time >= since]
    if any(reading.author is not None for reading in outcome) or (kind == "flow" and not covered):
        return None
    before = _amount(covered or measured[-1:], kind)
    return (before if kind == "flow" else Sight(measured[-1].value, len(covered))), now


def doubt(before: Sight, now: Sight, guard: float, unit: str = "") -> str:
    """Return why the step from one to the other needs a second look; empty when it does not.

    It does when nothing is left, when more than the share `guard` of the rows is gone, when the value fell to 0, and
    when it fell by more than that share of what it was. 0 has no share that could be lost.
    """
    if before.value is None:
        return ""
    if now.value is None:
        return f"the source has no value any more, after {show(before.value, unit)}"
    if now.rows < before.rows * (1 - guard):
        return f"only {now.rows} of {before.rows} rows are left"
    fall = before.value - now.value
    if now.value == 0 < before.value or fall > guard * abs(before.value) > 0:
        share = show_share(fall / abs(before.value))
        return f"it fell from {show(before.value, unit)} to {show(now.value, unit)}, by {share} of what it was"
    return ""


def agree(first: Sight, second: Sight, guard: float) -> bool:
    """Return whether two answers say the same: both nothing, or values and rows no further apart than `guard`."""
    if first.value is None or second.value is None:
        return first.value is None and second.value is None
    return _near(first.value, second.value, guard) and _near(first.rows, second.rows, guard)


def _near(first: float, second: float, guard: float) -> bool:
    return abs(first - second) <= guard * max(abs(first), abs(second))


def _amount(readings: Sequence[Reading], kind: MetricType) -> Sight:
    """Return the sum of a flow's amounts, of all else the last value."""
    value = math.fsum(reading.value for reading in readings) if kind == "flow" else readings[-1].value
    return Sight(value, len(readings))


def _in_time(readings: Sequence[Reading]) -> list[Reading]:
    """Return them oldest first; those without a time are the newest."""
    dated = sorted((each.time, place) for place, each in enumerate(readings) if each.time is not None)
    return [*(readings[place] for _, place in dated), *(each for each in readings if each.time is None)]
