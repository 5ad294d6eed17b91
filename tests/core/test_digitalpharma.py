"""The DigitalPharma example: every key result against a number worked out by hand from its files."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from okr_sync.core.snapshot import KeyResultState
from okr_sync.demo import show

# Friday 20 November 2026, 18:00 UTC: 50.75 of 92 days have passed, 0.552 of the time.
BY_HAND = [
    # shop 3.5 M€ at 1.08 = 3.78 M$; partners 4 M$, of which 30 % = 1.2 M$; 4.98 of 10 M$
    ("sales", "total", 0.498, "on_track"),
    # 0.5 of 2.0 M€ revenue = 25 %, of 20 %: overshot
    ("advertising", "ratio", 1.25, "met"),
    # level 1, commit, is 0.3; 0.3 / 0.7 = 0.43 of the 0.55 expected
    ("market", "zone", 0.3, "at_risk"),
    # 2 of 4 licences, 2 of 10 partners: 0.7·0.5 + 0.3·0.2
    ("new-markets", "weighted", 0.41, "at_risk"),
    # the newest export says 0 and is not believed; the count before says 64 days, 4 above 60: 1 - 4 / 10
    ("stock", "range", 0.6, "suspect"),
    # six of eight measurements, two weeks have none
    ("footprint", "baseline", 0.75, "on_track"),
    # launched; 174 of 300 enrolled = 58 %, of 90 %
    ("academy", "all", 58 / 90, "on_track"),
    # from 20 by 40 % to 28 by 15 November; last read on the 12th: (25 - 20) / 8
    ("promotions", "change", 0.625, "missed"),
    # from 16 by -25 % to 12: (17 - 16) / -4
    ("turnover", "change", -0.25, "off_track"),
    # the platform isn't done: 0; least pace is quality, (77 - 70) / 14 = 0.5
    ("hiring-cycle", "all", 0.0, "on_track"),
    # designed; 135 of now 300 employees trained
    ("training", "all", 0.45, "at_risk"),
    # from 24 by 25 % to 30: (24.5 - 24) / 6; last read on 15 October
    ("leadership", "change", 0.5 / 6, "stale"),
    # one of three milestones, two are needed
    ("reminders", "steps", 0.5, "on_track"),
    # 2 + 2 + 3 + 2 + 2 + 3 + 2 = 16 of 20 users
    ("usability", "total", 0.8, "on_track"),
    # 4 of 6 items: not integrated, 0; no incident so far
    ("encryption", "all", 0.0, "on_track"),
    # from 2400 by -15 % to 2040: (1990 - 2400) / -360
    ("page-load", "change", 410 / 360, "met"),
    # 66 is 4 below 70: 1 - 4 / 20
    ("reminder-satisfaction", "threshold", 0.8, "at_risk"),
    # one of two improvements is finished; 33 of 50 = 66 %, of 70 %, is farther
    ("ux", "all", 0.5, "on_track"),
    # October 9, November so far 6: 15 of 30; attained 9 of 10
    ("user-issues", "rate", 0.5, "on_track"),
    # 62 of 98 points, missing ones as the median
    ("assistant-launch", "delivery", 62 / 98, "on_track"),
    # not launched yet: the gate is closed
    ("adoption", "gate", 0.0, "on_track"),
    # nine of nine items, before 30 November
    ("wearables-live", "done", 1.0, "met"),
    # integrated; 5400 of 20000 = 27 %, from 4 to 50 %: 23 / 46
    ("insights", "all", 0.5, "on_track"),
    # the framework is in place; from 60 to 30 days: (44 - 60) / -30
    ("time-to-market", "all", 16 / 30, "on_track"),
    # of three milestones that were due two were closed in time: 2 / 3 of 0.9
    ("punctual", "on_time", 2 / 3 / 0.9, "at_risk"),
    # from 31 by 20: (38 - 31) / 20
    ("nps", "change", 0.35, "at_risk"),
    # feedback in 9 of 12; satisfaction from 6 by 30 % to 7.8: 0.8 / 1.8 is the least
    ("satisfaction", "all", 0.8 / 1.8, "at_risk"),
    # 4 + 10 + 10 + 7 + 10 + 0 + 10 + 6 = 57; 92 days less 2 holidays = 12.857 weeks: 128.57; attained 51 of 65.71
    ("candidates", "all", 57 / (10 * 90 / 7), "at_risk"),
    # live; 60 of 100 answers = 60 %, of 80 %
    ("candidate-feedback", "all", 0.75, "on_track"),
    # live; 93 of 100 answers, 90 % wanted; areas listed by a check-in
    ("onboarding-survey", "all", 1.0, "met"),
    # October 3, November so far 2: 5 of 9; attained 3 of 3
    ("workshops", "rate", 5 / 9, "on_track"),
    # 2 of 3 events; diversity from 40 by 15 % to 46: (42 - 40) / 6 is the least
    ("hiring-events", "all", 2 / 6, "at_risk"),
    # completed, and one of three items of the roll-out: (1 + 1 / 3) / 2
    ("inclusion-module", "steps", 4 / 6, "on_track"),
]


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, KeyResultState]:
    """Every key result of the example after its last sync, through the real connectors against the sandbox."""
    shown = show(tmp_path_factory.mktemp("example") / "config", tell=lambda report, at: None)
    return {state.id: state for state in shown.runs[-1].snapshot.key_results}


@pytest.mark.parametrize(("name", "kind", "progress", "status"), BY_HAND, ids=[each[0] for each in BY_HAND])
def test_a_key_result_of_the_example_has_the_number_worked_out_by_hand(
    states: Mapping[str, KeyResultState], name: str, kind: str, progress: float, status: str
) -> None:
    state = states[name]
    assert state.progress == pytest.approx(progress)
    assert (state.kind, state.status) == (kind, status)


def test_every_key_result_of_the_example_has_been_worked_out(states: Mapping[str, KeyResultState]) -> None:
    assert set(states) == {name for name, *_ in BY_HAND}
    assert {kind for _, kind, *_ in BY_HAND} == {
        "all", "baseline", "change", "delivery", "done", "gate", "on_time", "range", "rate", "ratio", "steps",
        "threshold", "total", "weighted", "zone",
    }  # fmt: skip
