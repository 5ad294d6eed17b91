"""Captured baselines are appended as versions; the newest counts, and none is ever changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import Session

from okr_sync.core.facts import Baseline, Miss, Reading, Unchanged
from okr_sync.store.baselines import freeze_baselines, load_baselines, versions
from okr_sync.store.ledger import open_run
from okr_sync.store.processes import this_process
from okr_sync.store.readings import load_metrics, past_questions, save_answers
from okr_sync.store.statements import insert_all
from okr_sync.store.tables import BaselineRow, sql
from tests.store.builders import HOUR, NOW, answered

NPS = Baseline("kr", "nps", 31.0, "last", NOW - HOUR, 1, "line 2", "nps from survey: {}", NOW, NOW)


@pytest.fixture
def run(session: Session) -> int:
    return open_run(session, NOW, "once", HOUR, this_process(), exclusive=False)


def test_the_newest_version_counts_and_the_others_stay(session: Session, run: int) -> None:
    anew = replace(NPS, value=21.0, at=NOW + HOUR)
    other = replace(NPS, key_result="other", subject="a/b", how="mean")
    assert freeze_baselines(session, run, [NPS, other], "okr-sync") == 2
    assert freeze_baselines(session, run, [anew], "ana", "wrong survey") == 1
    assert load_baselines(session, frozenset({"kr", "other"})) == {("kr", "nps"): anew, ("other", "a/b"): other}
    told = [(each.version, each.baseline, each.author, each.reason, each.run) for each in versions(session, "kr")]
    assert told == [(1, NPS, "okr-sync", "", run), (2, anew, "ana", "wrong survey", run)]
    assert load_baselines(session, frozenset()) == {}
    assert versions(session, "nobody") == ()


def test_a_version_is_there_once_and_its_number_is_finite(session: Session, run: int) -> None:
    freeze_baselines(session, run, [NPS], "okr-sync")
    row = {name: getattr(NPS, name) for name in Baseline.__dataclass_fields__}
    stamp = {"author": "x", "reason": "", "run_id": run}
    with pytest.raises(StatementError, match="not a finite number"):
        insert_all(session, sql(BaselineRow), [{**row, **stamp, "version": 2, "value": float("nan")}])
    with pytest.raises(IntegrityError):
        insert_all(session, sql(BaselineRow), [{**row, **stamp, "version": 1}])


def test_the_question_of_a_past_that_was_brought_is_kept_and_a_miss_keeps_the_one_before(
    session: Session, run: int
) -> None:
    nps = frozenset({"nps"})
    save_answers(session, run, replace(answered(Miss("no_data", "none yet")), past={"nps": "q1"}))
    assert past_questions(session, nps) == {}
    save_answers(session, run, replace(answered((Reading(1.0, NOW - HOUR),)), past={"nps": "q1"}))
    for outcome, past in ((Unchanged(), {}), (Miss("invalid", "broken"), {"nps": "q2"})):
        save_answers(session, run, replace(answered(outcome), past=past))
        assert past_questions(session, nps) == {"nps": "q1"}
    save_answers(session, run, replace(answered(Unchanged()), past={"nps": "q2"}))
    assert past_questions(session, nps) == {"nps": "q2"}


def test_an_answer_about_the_past_takes_nothing_back(session: Session, run: int) -> None:
    """What a whole answer would retract stays: a day's value may stand for many."""
    times = [NOW - 3 * HOUR, NOW - 2 * HOUR, NOW - HOUR]
    save_answers(session, run, answered(tuple(Reading(n, time) for n, time in enumerate(times))))
    thin = answered((Reading(0, times[0]), Reading(2, times[2])))
    save_answers(session, run, replace(thin, past={"nps": "q"}))
    assert [each.value for each in load_metrics(session, frozenset({"nps"}))["nps"].readings] == [0, 1, 2]
    save_answers(session, run, thin)
    assert [each.value for each in load_metrics(session, frozenset({"nps"}))["nps"].readings] == [0, 2]
