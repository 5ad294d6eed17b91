"""manual keeps the laws of metric sources, and dates, signs and limits what people type."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.manual import Manual, ManualQuery, ManualSettings
from okr_sync.connector import Ask, Caller, Miss, Outcome, Reading, Unchanged
from okr_sync.testing.metrics import BadQuestion, MetricSourceContract, MetricWorld

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)


MOMENTS = {
    "mood": {
        datetime(2026, 9, 30, tzinfo=UTC): 1.0,
        datetime(2026, 10, 5, tzinfo=UTC): 3.0,
        datetime(2026, 11, 2, 8, 30, tzinfo=UTC): 4.5,
    },
    "once": {datetime(2026, 10, 5, tzinfo=UTC): 3.0},
}


class ManualWorld(MetricWorld):
    """Three metrics: one with entries in disorder, one measured once, one that only check-ins feed."""

    def __init__(self) -> None:
        self.newest = 4.5
        late = {"entries": [{"value": 1, "on": "2026-12-24", "by": "ana"}]}
        super().__init__(START, NOW, requests=0, bad={"late": BadQuestion(late, "in the future")}, moments=MOMENTS)

    def connect(self, caller: Caller) -> Manual:
        """Return a connector; there is nothing to connect to."""
        return Manual(ManualSettings(), caller)

    def settings(self) -> Mapping[str, Any]:
        """Return settings with all keys."""
        return {"expires_days": 7, "timezone": "Europe/Paris"}

    def questions(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the entries as they stand in a file."""
        newest = {"value": self.newest, "on": "2026-11-02T09:30+01:00", "by": "ana", "note": "survey"}
        older = {"value": 3, "on": "2026-10-05", "by": "ben", "expires": "2026-12-31"}
        before = {"value": 1, "on": "2026-09-30", "by": "ben"}
        future = {"value": 9, "on": "2027-01-01", "by": "ana"}
        return {"mood": {"entries": [newest, future, before, older]}, "once": {"entries": [older]}, "talked": {}}

    def truth(self, ref: str) -> tuple[float, ...] | None:
        """Return what is inside the window."""
        return {"mood": (3.0, self.newest), "once": (3.0,), "talked": None}[ref]

    def change(self, ref: str) -> None:
        """Correct the newest entry."""
        self.newest = 4.0


class TestManualContract(MetricSourceContract):
    @pytest.fixture
    def world(self) -> MetricWorld:
        return ManualWorld()


def ask(*entries: Mapping[str, Any], **settings: Any) -> Outcome:
    """Return the outcome of one query."""
    query = ManualQuery.model_validate({"entries": list(entries)})
    return Manual(ManualSettings.model_validate(settings)).read(Ask({"kr": query}, START, NOW))["kr"]


def test_an_entry_is_signed_dated_and_expires() -> None:
    """The reading carries author, instant, end of life and the note; 35 days when none are said."""
    at = datetime(2026, 11, 2, tzinfo=UTC)
    expected = Reading(3, at, "typed by ana on 2026-11-02: by phone", "ana", at + timedelta(days=35))
    assert ask({"value": 3, "on": "2026-11-02", "by": "ana", "note": "by phone"}) == (expected,)


def test_the_life_of_entries_can_be_set() -> None:
    """`expires_days` of the source counts from the entry's own time."""
    (reading,) = readings(ask({"value": 3, "on": "2026-11-02", "by": "ana"}, expires_days=2))
    assert reading.expires == datetime(2026, 11, 4, tzinfo=UTC)


def test_an_entry_that_expires_on_a_date_lives_through_it() -> None:
    """A date as expiry means the end of that local day; a time means that time."""
    zone = {"timezone": "Asia/Kathmandu"}
    (by_date,) = readings(ask({"value": 3, "on": "2026-11-02", "by": "ana", "expires": "2026-11-03"}, **zone))
    (by_time,) = readings(ask({"value": 3, "on": "2026-11-02", "by": "ana", "expires": "2026-11-03T00:00"}, **zone))
    assert by_date.expires == datetime(2026, 11, 3, 18, 15, tzinfo=UTC)
    assert by_time.expires == datetime(2026, 11, 2, 18, 15, tzinfo=UTC)


def test_dates_that_yaml_has_read_already_mean_the_same() -> None:
    """A date or time object gives what its text gives."""
    text = ask({"value": 3, "on": "2026-11-02", "by": "ana"})
    assert ask({"value": 3, "on": date(2026, 11, 2), "by": "ana"}) == text
    (reading,) = readings(ask({"value": 3, "on": datetime(2026, 11, 2, 8, tzinfo=UTC), "by": "ana"}))
    assert reading.time == datetime(2026, 11, 2, 8, tzinfo=UTC)


def test_of_two_entries_at_one_time_the_later_in_the_list_counts() -> None:
    """A correction below replaces the entry above."""
    first = {"value": 3, "on": "2026-11-02", "by": "ana"}
    assert [each.value for each in readings(ask(first, {**first, "value": 4}))] == [4]


def test_entries_of_an_older_cycle_say_nothing_new() -> None:
    """They neither count nor trouble the values that come by check-in."""
    assert ask({"value": 3, "on": "2026-03-02", "by": "ana"}) == Unchanged()


def test_an_entry_in_the_future_alone_is_a_miss() -> None:
    """Most likely a typing error: said, not waited for in silence."""
    expected = Miss("no_data", "the entry on 2027-11-02 by ana lies in the future")
    assert ask({"value": 3, "on": "2027-11-02", "by": "ana"}) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": float("nan")},
        {"value": float("inf")},
        {"value": "three"},
        {"by": ""},
        {"on": 2026},
        {"on": "next week"},
        {"on": "9999-12-31"},
        {"on": "0001-01-01"},
        {"expires": 35},
        {"confidence": 3},
    ],
)
def test_what_can_not_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    """NaN, no author, a bare year, a key that isn't there: mistakes in the file, never values."""
    with pytest.raises(ValidationError):
        ManualQuery.model_validate({"entries": [{"value": 3, "on": "2026-11-02", "by": "ana", **wrong}]})


def readings(outcome: Outcome) -> tuple[Reading, ...]:
    """Return the readings; fails on anything else."""
    assert isinstance(outcome, tuple), outcome
    return outcome
