"""Bars are for people who look: on a terminal, or where they say that there is one; what draws them else stays away."""

from __future__ import annotations

import pytest

from okr_sync.cli.progressing import SAYING, progress_of_past


@pytest.fixture(autouse=True)
def _untold(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SAYING:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", SAYING)
def test_who_says_that_there_is_a_terminal_sees_bars(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen red with the look at the stream alone, which under pytest is a file."""
    monkeypatch.setenv(name, "1")
    with progress_of_past(("tracker",), quiet=False) as (watch, steps):
        assert watch is not None
        assert steps is not None
        watch("tracker", 3)
        steps(1, 2)


@pytest.mark.parametrize(("sources", "quiet"), [(("tracker",), False), (("tracker",), True), ((), True), ((), False)])
def test_nobody_is_told_off_a_terminal_or_when_there_is_nothing_to_tell(sources: tuple[str, ...], quiet: bool) -> None:
    """Seen red with bars for whatever stream there is."""
    with progress_of_past(sources, quiet=quiet) as told:
        assert told == (None, None)


def test_who_says_that_there_is_none_sees_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen red without the look that the bars themselves take."""
    monkeypatch.setenv("TTY_COMPATIBLE", "0")
    with progress_of_past(("tracker",), quiet=False) as told:
        assert told == (None, None)
