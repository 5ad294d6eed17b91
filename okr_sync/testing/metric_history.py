"""The laws that a metric source with `HISTORY` must keep, beside those of `metrics`.

The world tells its truth by `moments`; without HISTORY that mapping is empty, and a question may be about any time.
"""
# ruff: noqa: S101 -- laws are assertions

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from okr_sync.connector import Ask, Caller, Outcome, Reading

if TYPE_CHECKING:
    from okr_sync.testing.metrics import MetricWorld

__all__ = ["MetricHistoryLaws"]

INSTANT = timedelta(seconds=1)


class MetricHistoryLaws:
    """Laws about the past; `MetricSourceContract` has them all."""

    def test_who_keeps_history_can_tell_what_was_true(self, world: MetricWorld) -> None:
        """HISTORY is said by those whose world knows past moments, and by no other."""
        source = world.connect(Caller())
        assert bool(world.moments) == source.HISTORY, f"HISTORY is {source.HISTORY}, moments: {sorted(world.moments)}"
        assert all(world.moments.values()), "a question without a past moment proves nothing"

    def test_a_past_window_gives_what_was_true_then(self, world: MetricWorld) -> None:
        """Asked for a time that is over, the last reading is the value at its end; later ones don't exist yet."""
        for ref, moments in world.moments.items():
            first = min(moments)
            for at, value in moments.items():
                found = _past(world, ref, first, at)
                assert found, f"{ref}: no reading from {first} to {at}"
                assert found[-1].value == value, f"{ref} at {at} was {value}, read as {found[-1]}"

    def test_both_ends_of_a_past_window_belong_to_it(self, world: MetricWorld) -> None:
        """A window of one instant holds the reading of that instant; one that ends just before does not."""
        for ref, moments in world.moments.items():
            at = max(moments)
            assert [each.time for each in _past(world, ref, at, at)] == [at], f"{ref}: nothing in [{at}, {at}]"
            times = {each.time for each in _past(world, ref, min(moments), at - INSTANT)}
            assert at not in times, f"{ref}: {at} is read in a window that ends before"

    def test_the_past_has_a_reading_for_each_day_that_had_one(self, world: MetricWorld) -> None:
        """Nothing of the window is thinned out below a day."""
        for ref, moments in world.moments.items():
            found = {each.time.date() for each in _past(world, ref, min(moments), world.now) if each.time}
            lacking = {at.date() for at in moments} - found
            assert not lacking, f"{ref}: no reading on {sorted(map(str, lacking))}"

    def test_the_present_is_the_end_of_the_past(self, world: MetricWorld) -> None:
        """Without `past` at least the newest reading comes, and it is the one with which the past ends."""
        for ref in world.moments:
            past, now = _past(world, ref, world.start, world.now), _read(world, ref, world.start, world.now, past=False)
            assert now, f"{ref}: nothing without past, though there is {past[-1:]}"
            newest = (now[-1].value, now[-1].time)
            assert newest == (past[-1].value, past[-1].time), f"{ref}: now {now[-1]}, the past ends with {past[-1]}"


def _past(world: MetricWorld, ref: str, start: datetime, end: datetime) -> tuple[Reading, ...]:
    return _read(world, ref, start, end, past=True)


def _read(world: MetricWorld, ref: str, start: datetime, end: datetime, *, past: bool) -> tuple[Reading, ...]:
    source = world.connect(Caller())
    query = source.Query.model_validate(world.questions()[ref])
    answer: Mapping[str, Outcome] = source.read(Ask({ref: query}, start, end, past=past, inbox=world.inbox()))
    outcome = answer[ref]
    return outcome if isinstance(outcome, tuple) else ()
