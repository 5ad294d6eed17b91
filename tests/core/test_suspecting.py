"""Which falls of an answer need a second look, and which answers agree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.facts import Miss, Outcome, Reading, Sight, Unchanged
from okr_sync.core.model import MetricType
from okr_sync.core.suspecting import agree, compare, doubt, see

DAY = datetime(2026, 10, 1, tzinfo=UTC)
NO_DATA = Miss("no_data", "no rows")


def rows(*values: float, first: int = 0) -> tuple[Reading, ...]:
    """One reading a day."""
    return tuple(Reading(value, DAY + timedelta(days=first + day)) for day, value in enumerate(values))


def why(known: tuple[Reading, ...], outcome: Outcome, kind: MetricType = "level", guard: float = 0.5) -> str:
    compared = compare(known, outcome, kind)
    return "" if compared is None else doubt(*compared, guard)


@pytest.mark.parametrize(
    ("kind", "known", "outcome", "said"),
    [
        ("level", rows(500), (Reading(0),), "it fell from 500 to 0, by 1.00 of what it was"),
        ("level", rows(500), (Reading(249),), "it fell from 500 to 249, by 0.50 of what it was"),
        ("level", rows(500), (Reading(250),), ""),
        ("level", rows(500), (Reading(5000),), ""),
        ("level", rows(500), NO_DATA, "the source has no value any more, after 500"),
        ("level", rows(500), Unchanged(), ""),
        ("level", rows(500), Miss("denied", "no"), ""),
        ("level", (), (Reading(0),), ""),
        ("level", rows(0), (Reading(-5),), ""),
        ("level", rows(-10), (Reading(-16),), "it fell from -10 to -16, by 0.60 of what it was"),
        ("level", rows(-10), (Reading(0),), ""),
        ("level", rows(7, 7, 7, 7, 7), rows(7, 7), "only 2 of 5 rows are left"),
        ("level", rows(7, 7, 7, 7), rows(7, 7), ""),
        ("level", rows(9, 9, 4), rows(9, 9, 4, 5), ""),
        ("level", rows(500), (Reading(0, author="dora"),), ""),
        ("level", (Reading(500, DAY, author="dora"),), (Reading(0),), ""),
        ("counter", rows(500, 510), (Reading(3),), "it fell from 510 to 3, by 0.99 of what it was"),
        ("flow", rows(10, 10, 10), rows(10, 0, 2), "it fell from 30 to 12, by 0.60 of what it was"),
        ("flow", rows(10, 10, 10), rows(10, 10, 10, 0), ""),
        ("flow", rows(10, 10, 10), (Reading(0),), ""),
        ("flow", rows(10), rows(0, first=1), ""),
    ],
)
def test_a_fall_to_nothing_to_zero_or_beyond_the_guard_needs_a_second_look(
    kind: MetricType, known: tuple[Reading, ...], outcome: Outcome, said: str
) -> None:
    assert why(known, outcome, kind) == said


def test_rows_count_in_the_order_of_their_times() -> None:
    """The newest value has the latest time, wherever it stands in the answer; one without a time is newest."""
    late, early = Reading(9, DAY + timedelta(days=1)), Reading(1, DAY)
    assert see((late, early), "level") == Sight(9, 2)
    assert see((Reading(4), late, early), "level") == Sight(4, 3)


def test_nothing_was_known_of_an_empty_answer() -> None:
    """From nothing nothing can fall."""
    assert not doubt(Sight(None, 0), Sight(1.0), 0.5)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (Sight(None, 0), Sight(None, 0), True),
        (Sight(None, 0), Sight(0.0), False),
        (Sight(0.0), Sight(0.0), True),
        (Sight(0.0), Sight(100.0), False),
        (Sight(100.0), Sight(60.0), True),
        (Sight(5.0, 10), Sight(5.0, 4), False),
    ],
)
def test_answers_agree_when_neither_falls_beyond_the_guard(first: Sight, second: Sight, *, same: bool) -> None:
    assert agree(first, second, 0.5) is same
    assert agree(second, first, 0.5) is same


@given(
    st.floats(0.01, 1e9),
    st.floats(-1e9, 1e9),
    st.floats(0.01, 0.99),
)
def test_what_needs_no_second_look_lost_no_more_than_the_guard(before: float, now: float, guard: float) -> None:
    """Of a level above 0: not doubted means v' >= (1 - g) v and v' not 0; doubted means the contrary."""
    doubted = bool(why((Reading(before, DAY),), (Reading(now),), "level", guard))
    assert doubted == (before - now > guard * before or now == 0)
