"""Closes what tests open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.outbound.web import MADE


@pytest.fixture(autouse=True)
def no_connection_stays_open() -> Iterator[None]:
    """Close every Http that a test made."""
    yield
    while MADE:
        MADE.pop().close()
