"""A person's word: over what was computed, under what is unknown or stale, and only until it expires."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from okr_sync.core.changes import changes, describe
from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import Miss, Override, SaidStatus
from okr_sync.core.freshness import refresh
from okr_sync.core.model import Change
from okr_sync.core.snapshot import KeyResultState, Snapshot, Status
from tests.core.builders import DUE, HALF, book, day, fresh, history, key_result, one, reading, readings

MEASURE = Change("m", 0, target=1)


def said(status: SaidStatus = "at_risk", at: float = 45, until: float = 60) -> Override:
    return Override("kr", status, "ana", "the supplier quit", day(at), day(until))


def snapshot(
    word: Override | None, *, p: float | None = 0.5, now: datetime = HALF, miss: Miss | None = None
) -> Snapshot:
    """One key result at progress p on which a person said `word`."""
    facts = readings(*([] if p is None else [reading(p)]), miss=miss)
    known = history(now, facts)
    held = replace(known, overrides={} if word is None else {word.key_result: word})
    return evaluate(book(key_result(MEASURE)), held, now)


def judged(word: Override | None, **more: object) -> KeyResultState:
    return one(snapshot(word, **more))  # type: ignore[arg-type]


def test_a_word_counts_over_what_is_computed_and_names_both() -> None:
    state = judged(said())
    assert state.status == "at_risk"
    assert state.reason == (
        "ana says so until 2026-03-02 00:00 UTC: the supplier quit; computed on track: 0.50 of 0.50 expected by now"
    )
    assert state.override is not None
    assert (state.override.author, state.override.computed) == ("ana", "on_track")
    assert (state.progress, state.score, state.expected) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(("p", "computed"), [(1.0, "met"), (0.0, "off_track"), (-1.0, "off_track")])
def test_a_word_counts_over_any_computed_status(p: float, computed: Status) -> None:
    assert judged(None, p=p).status == computed
    assert judged(said("on_track"), p=p).status == "on_track"


def test_a_word_counts_over_pending() -> None:
    assert judged(said(at=1), now=day(5)).status == "at_risk"


@pytest.mark.parametrize(("at", "until"), [(51, 60), (40, 50), (40, 49)])
def test_a_word_counts_neither_before_it_is_said_nor_from_its_expiry_on(at: float, until: float) -> None:
    assert judged(said(at=at, until=until)) == judged(None)


def test_a_word_does_not_reach_beyond_the_due_date() -> None:
    assert judged(said("on_track", until=200), now=DUE).status == "missed"


def test_unknown_stays_unknown_and_stale_stays_stale() -> None:
    assert judged(said("on_track"), p=None).status == "unknown"
    state = judged(said("on_track"), miss=Miss("unreachable", "the survey is down"))
    assert state.status == "stale"
    assert "the survey is down; else on track: ana says so until" in state.reason


def test_a_word_that_expires_between_two_runs_gives_way_when_read() -> None:
    saved = snapshot(said())
    before = one(refresh(saved, fresh(day(59)), day(59)))
    after = one(refresh(saved, fresh(day(60)), day(60)))
    assert (before.status, before.override is None) == ("at_risk", False)
    assert (after.status, after.reason, after.override) == ("on_track", "0.50 of 0.50 expected by now", None)


def test_what_was_saved_as_stale_stays_so_when_the_word_expires() -> None:
    saved = snapshot(said(), miss=Miss("unreachable", "down"))
    assert one(refresh(saved, fresh(day(60)), day(60))).status == "stale"


def test_a_word_is_a_change_once_and_the_clock_makes_none() -> None:
    (key_result_change, *others) = changes(snapshot(None), snapshot(said()))
    assert others == []
    assert describe(key_result_change) == "~ kr  status on_track → at_risk, override unknown → at_risk by ana"
    later = snapshot(said(), now=HALF + timedelta(hours=1))
    assert changes(snapshot(said()), later) == ()
