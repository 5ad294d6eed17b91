"""push keeps the laws of metric sources, and answers with what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.push import Push, PushQuery, PushSettings
from okr_sync.connector import Ask, Caller, Miss, Outcome, Reading
from okr_sync.testing.metrics import BadQuestion, MetricSourceContract, MetricWorld

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class PushWorld(MetricWorld):
    """Two metrics that were sent values, before the window and after now too, and one that never was."""

    def __init__(self) -> None:
        self.newest = 12.0
        moments = {"deploys": {START: 2.0, NOW - DAY: 12.0}, "errors": {START + DAY: 0.0}}
        super().__init__(
            START, NOW, requests=0, moments=moments, bad={"silent": BadQuestion({}, "okr-sync push silent")}
        )

    def connect(self, caller: Caller) -> Push:
        """Return a connector; there is nothing to connect to."""
        return Push(PushSettings.model_validate(self.settings()), caller)

    def settings(self) -> Mapping[str, Any]:
        """Return settings with all keys."""
        return {"expires_days": 14}

    def questions(self) -> Mapping[str, Mapping[str, Any]]:
        """Return questions for any number of refs: they begin with the name of what was sent."""
        return {"deploys": {}, "errors": {}}

    def inbox(self) -> Mapping[str, tuple[Reading, ...]]:
        """Return what was sent, out of the window on both sides too."""
        times = (START - DAY, START, NOW - DAY, NOW + DAY)
        deploys = tuple(map(Reading, (1.0, 2.0, self.newest, 99.0), times))
        return {"deploys": deploys, "errors": (Reading(0.0, START + DAY, "", "ci"),)}

    def truth(self, ref: str) -> tuple[float, ...]:
        """Return what was sent for times inside the window."""
        return {"deploys": (2.0, self.newest), "errors": (0.0,)}[ref]

    def change(self, ref: str) -> None:
        """Send a correction."""
        self.newest = 13.0


class TestPushContract(MetricSourceContract):
    @pytest.fixture
    def world(self) -> MetricWorld:
        return PushWorld()


def ask(*sent: Reading, **settings: Any) -> Outcome:
    """Return the outcome of one metric that was sent these values."""
    source = Push(PushSettings.model_validate(settings))
    return source.read(Ask({"kr": PushQuery()}, START, NOW, inbox={"kr": sent}))["kr"]


def test_a_value_counts_for_a_time() -> None:
    """35 days unless the source says else; the one who sent it and the evidence stay."""
    at = START + DAY
    sent = Reading(3, at, "sent with the token ci: pipeline 481", "ci")
    assert ask(sent) == (Reading(3, at, sent.evidence, "ci", at + 35 * DAY),)
    assert ask(sent, expires_days=2) == (Reading(3, at, sent.evidence, "ci", at + 2 * DAY),)


def test_nothing_sent_for_the_window_is_no_zero() -> None:
    """What lies before the window or after now is no value of it."""
    for sent in ((), (Reading(3, START - DAY),), (Reading(3, NOW + DAY),)):
        outcome = ask(*sent)
        assert isinstance(outcome, Miss)
        assert outcome.why == "no_data"


def test_of_two_values_for_one_time_the_later_one_counts() -> None:
    """A correction replaces what was sent before it."""
    outcome = ask(Reading(3, START), Reading(4, START))
    assert isinstance(outcome, tuple)
    assert [reading.value for reading in outcome] == [4]
