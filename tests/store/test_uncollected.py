"""Laws of pausing the collector: it goes on afterwards, whatever happens, and stays off where it was off."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from okr_sync.store.uncollected import uncollected


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    yield
    gc.enable()


def test_it_is_paused_and_goes_on_afterwards() -> None:
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_goes_on_when_something_fails_meanwhile() -> None:
    """Seen red without `finally`: a store that can't be read once leaves the process without its collector."""
    with pytest.raises(ZeroDivisionError), uncollected():
        raise ZeroDivisionError
    assert gc.isenabled()


def test_it_stays_off_where_it_was_off() -> None:
    """Seen red with `gc.enable()` in any case."""
    gc.disable()
    with uncollected():
        pass
    assert not gc.isenabled()
