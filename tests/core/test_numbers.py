"""How numbers compare and read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.numbers import at_least, at_most, clamp, close, show, show_instant, show_share, show_span


def test_inclusive_comparisons_forgive_rounding() -> None:
    assert at_most(0.1 + 0.2, 0.3)
    assert at_least(0.3, 0.1 + 0.2)
    assert close(1e9, 1e9 + 0.5)
    assert not at_most(0.3001, 0.3)
    assert not at_least(0.2999, 0.3)


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (62.5, "%", "62.5 %"),
        (1234, "ms", "1,234 ms"),
        (0.5555555, "", "0.556"),
        (-0.15, "", "-0.15"),
        (20, "", "20"),
        (0, "", "0"),
        (0.00001, "", "1e-05"),
        (1e20, "", "1e+20"),
        (float("nan"), "", "nan"),
    ],
)
def test_numbers_read_the_same_everywhere(number: float, unit: str, text: str) -> None:
    assert show(number, unit) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.4, "0.40"),
        (1.0, "1.00"),
        (0.999, "0.99"),
        (0.0, "0.00"),
        (0.004, "0.004"),
        (-0.004, "-0.004"),
        (1.139, "1.14"),
    ],
)
def test_a_share_short_of_1_never_reads_1_nor_one_beside_0_as_0(share: float, text: str) -> None:
    assert show_share(share) == text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(minutes=45), "45 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(days=3, hours=12), "3.5 d"),
        (timedelta(seconds=20), "20 s"),
    ],
)
def test_spans_read_in_their_largest_unit(span: timedelta, text: str) -> None:
    assert show_span(span) == text


def test_instants_read_in_utc() -> None:
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    assert show_instant(datetime(2026, 11, 20, 15, 45, tzinfo=kathmandu)) == "2026-11-20 10:00 UTC"
    assert show_instant(datetime(2026, 11, 20, 10, 0, tzinfo=UTC)) == "2026-11-20 10:00 UTC"


@given(st.floats(-1e300, 1e300))
def test_a_score_lies_between_0_and_1_and_is_the_progress_inside(progress: float) -> None:
    score = clamp(progress)
    assert 0 <= score <= 1
    assert score == progress or close(score, progress) or not 0 < progress < 1
