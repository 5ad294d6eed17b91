"""Simulated futures: counted all at once, they end exactly when they end followed one by one, week by week."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.simulating import FUTURES, HORIZON, LATEST, LIKELY, Draw, simulate_weeks


def followed(remaining: int, pace: Sequence[int], seed: int) -> tuple[float, float] | None:
    """What `simulate_weeks` returns, by following each future through all weeks."""
    draw = Draw(seed, len(pace))
    left = [remaining] * FUTURES
    ends: list[float] = []
    for week in range(HORIZON):
        if len(ends) == FUTURES:
            break
        for future, drawn in enumerate(draw.weeks()):
            done = pace[drawn]
            if 0 < left[future] <= done:
                ends.append(week + left[future] / done)
            left[future] -= done
    if len(ends) <= int(LATEST * FUTURES):
        return None
    return sorted(ends)[int(LIKELY * FUTURES)], sorted(ends)[int(LATEST * FUTURES)]


@given(st.data(), st.sampled_from([3, 127, 255, 256, 70_000, 10**8]))
def test_futures_end_when_they_end_followed_one_by_one(data: st.DataObject, most: int) -> None:
    """At each width of a lane: 2, 4 and 8 bytes."""
    pace = data.draw(st.lists(st.integers(0, most), min_size=1, max_size=8).filter(any))
    remaining = data.draw(st.integers(1, 3 * max(pace)) | st.integers(1, HORIZON * max(pace)))
    seed = data.draw(st.integers(0, 2**64 - 1))
    assert simulate_weeks(remaining, pace, seed) == followed(remaining, pace, seed)


@pytest.mark.parametrize("pace", [[1, 0], [2, 1, 0, 0], [126] * 3, [127] * 3, [300, 0, 0]])
@pytest.mark.parametrize("weeks", [1, HORIZON // 3, HORIZON - 1, HORIZON])
def test_the_last_weeks_that_are_looked_at_count(pace: list[int], weeks: int) -> None:
    """At the ends of the horizon, and where a lane is as full as it may be."""
    remaining = max(1, sum(pace) * weeks // len(pace))
    assert simulate_weeks(remaining, pace, 7) == followed(remaining, pace, 7)
