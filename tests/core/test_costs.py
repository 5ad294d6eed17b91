"""How the costs of asking one source twice add up."""

from __future__ import annotations

import pytest

from okr_sync.core.costs import added


@pytest.mark.parametrize(
    ("one", "other", "both"), [(None, None, None), (None, 0, 0), (5, None, 5), (5, 7, 12), (0, 0, 0)]
)
def test_what_nobody_counted_is_unknown_and_adds_nothing(one: int | None, other: int | None, both: int | None) -> None:
    assert added(one, other) == both
