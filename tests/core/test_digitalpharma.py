"""The DigitalPharma example: every key result against a number worked out by hand from its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from okr_sync.config import load
from okr_sync.core.evaluate import evaluate
from okr_sync.core.kinds import All, Gate, Weighted
from okr_sync.core.model import Book, KeyResult
from okr_sync.core.snapshot import KeyResultState
from okr_sync.demo import Shown, show
from okr_sync.store.database import Store
from okr_sync.store.history import load_history
from okr_sync.sync.run import freshness_of

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


PARTS_BY_HAND = [
    # all 6 items are done
    ("academy 1", "done", 1.0),
    # 174 of 300 = 58 %, of 90 %
    ("academy 2", "ratio", 58 / 90),
    # 4 of 6 items
    ("hiring-cycle 1", "done", 0.0),
    # from 40 by -30 % to 28: (33 - 40) / -12
    ("hiring-cycle 2", "change", 7 / 12),
    # from 70 by 20 % to 84: (77 - 70) / 14
    ("hiring-cycle 3", "change", 0.5),
    # all 4 items are done
    ("training 1", "done", 1.0),
    # 135 of 300 = 45 %, of 100 %
    ("training 2", "ratio", 0.45),
    # 4 of 6 items
    ("encryption 1", "done", 0.0),
    # 0 + 0 + 0 + 0 + 0 + 0 + 0 + 0 incidents
    ("encryption 2", "threshold", 1.0),
    # one of two improvements
    ("ux 1", "total", 0.5),
    # 33 of 50 = 66 %, of 70 %
    ("ux 2", "ratio", 66 / 70),
    # 11 of 18 items
    ("adoption 1", "done", 0.0),
    # 5000 of 20000 = 25 %, of 75 %
    ("adoption 2", "ratio", 1 / 3),
    # nine of nine items
    ("insights 1", "done", 1.0),
    # 5400 of 20000 = 27 %, from 4 to 50 %: 23 / 46
    ("insights 2", "ratio", 0.5),
    # four of four items
    ("time-to-market 1", "done", 1.0),
    # from 60 by -50 % to 30: (44 - 60) / -30
    ("time-to-market 2", "change", 16 / 30),
    # 9 of 12 = 75 %, of 100 %
    ("satisfaction 1", "ratio", 0.75),
    # from 6 by 30 % to 7.8: (6.8 - 6) / 1.8
    ("satisfaction 2", "change", 0.8 / 1.8),
    # 57 of 10 a week in 90 days
    ("candidates 1", "rate", 57 / (10 * 90 / 7)),
    # from 38 by -10 % to 34.2: (33.5 - 38) / -3.8, overshot
    ("candidates 2", "change", 4.5 / 3.8),
    # live
    ("candidate-feedback 1", "done", 1.0),
    # 60 of 100 = 60 %, of 80 %
    ("candidate-feedback 2", "ratio", 0.75),
    # live
    ("onboarding-survey 1", "done", 1.0),
    # 93 of 100 = 93 %, of 90 %: overshot
    ("onboarding-survey 2", "ratio", 93 / 90),
    # checked in
    ("onboarding-survey 3", "done", 1.0),
    # 1 + 1 of 3 events
    ("hiring-events 1", "total", 2 / 3),
    # from 40 by 15 % to 46: (42 - 40) / 6
    ("hiring-events 2", "change", 1 / 3),
    # 2 of 4 countries
    ("new-markets 1", "change", 0.5),
    # 1 + 1 of 10 partners
    ("new-markets 2", "total", 0.2),
]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """What the example left after its last sync, through the real connectors against the sandbox."""
    return show(tmp_path_factory.mktemp("example") / "config", tell=lambda report, at: None)


@pytest.fixture(scope="module")
def states(shown: Shown) -> Mapping[str, KeyResultState]:
    """Every key result of the example."""
    return {state.id: state for state in shown.runs[-1].snapshot.key_results}


@pytest.fixture(scope="module")
def parts(shown: Shown) -> Mapping[str, KeyResultState]:
    """Every part of a measure that is made of several, as if it were a key result of its own."""
    env = dict.fromkeys(("JIRA_URL", "JIRA_EMAIL", "JIRA_TOKEN", "GITHUB_URL", "GITHUB_TOKEN"), "https://no.example")
    config = load(shown.folder / "okr-sync.yaml", env)
    with Store.open(shown.store_url).reading() as session:
        history = load_history(session, config.book, freshness_of(config))
    return {state.id: state for state in evaluate(_taken_apart(config.book), history, shown.at).key_results}


def _taken_apart(book: Book) -> Book:
    objectives = (
        replace(each, key_results=tuple(part for held in each.key_results for part in _parts(held)))
        for each in book.objectives
    )
    return replace(book, objectives=tuple(objectives))


def _parts(key_result: KeyResult) -> Iterator[KeyResult]:
    if isinstance(key_result.measure, All | Gate | Weighted):
        for number, part in enumerate(key_result.measure.parts, 1):
            yield replace(key_result, id=f"{key_result.id} {number}", measure=part.measure)


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


@pytest.mark.parametrize(("name", "kind", "progress"), PARTS_BY_HAND, ids=[each[0] for each in PARTS_BY_HAND])
def test_each_of_several_measures_has_the_number_worked_out_by_hand(
    parts: Mapping[str, KeyResultState], name: str, kind: str, progress: float
) -> None:
    assert parts[name].progress == pytest.approx(progress)
    assert parts[name].kind == kind


def test_every_part_of_the_example_has_been_worked_out(parts: Mapping[str, KeyResultState]) -> None:
    assert set(parts) == {name for name, *_ in PARTS_BY_HAND}
