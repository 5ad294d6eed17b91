"""What an interrupted pull was answered is kept for one pull, by the run that holds the lease, until it is complete."""

from __future__ import annotations

from datetime import timedelta

import pytest

from okr_sync.core.facts import Collected
from okr_sync.errors import StoreError
from okr_sync.store import ledger
from okr_sync.store.collecting import save_collected
from okr_sync.store.database import Store
from okr_sync.store.sources import declare_sources
from okr_sync.store.stages import (
    StageRecord,
    drop_old,
    drop_stage,
    forget_stage,
    load_stage,
    save_answers,
    staged_answer,
    staged_questions,
)
from tests.store.builders import HOUR, NOW, running

FIRST, SECOND = StageRecord("aa" * 32, NOW), StageRecord("bb" * 32, NOW + timedelta(microseconds=1))
ANSWER = bytes(range(256)) * 3


def keep(store: Store, stage: StageRecord, *questions: str, source: str = "tracker") -> int:
    """Save these questions in a run of their own; return the run."""
    with store.writing() as session:
        run = running(session)
        save_answers(session, run, source, stage, dict.fromkeys(questions, ANSWER))
    return run


def kept(store: Store, source: str = "tracker") -> tuple[StageRecord | None, set[str]]:
    with store.reading() as session:
        return load_stage(session, source), set(staged_questions(session, source))


def test_answers_of_one_pull_add_up_and_come_back_byte_by_byte(store: Store) -> None:
    keep(store, FIRST, "a", "b")
    keep(store, FIRST, "c")
    assert kept(store) == (FIRST, {"a", "b", "c"})
    with store.reading() as session:
        assert staged_answer(session, "tracker", "b") == ANSWER
        assert staged_answer(session, "tracker", "d") is None
        assert staged_answer(session, "other", "b") is None


def test_another_pull_takes_the_place_of_the_one_before_and_of_no_other_source(store: Store) -> None:
    """Red without the look at which pull is kept."""
    keep(store, FIRST, "a")
    keep(store, FIRST, "a", source="other")
    keep(store, SECOND, "b")
    assert kept(store) == (SECOND, {"b"})
    assert kept(store, "other") == (FIRST, {"a"})


def test_a_run_that_lost_its_lease_keeps_and_forgets_nothing(store: Store) -> None:
    """Red without `require_running`."""
    run = keep(store, FIRST, "a")
    with store.writing() as session:
        ledger.finish_run(session, run, NOW, "ok", "")
    with pytest.raises(StoreError, match="may write no more"), store.writing() as session:
        save_answers(session, run, "tracker", FIRST, {"b": ANSWER})
    with pytest.raises(StoreError, match="may write no more"), store.writing() as session:
        forget_stage(session, run, "tracker")
    assert kept(store) == (FIRST, {"a"})


@pytest.mark.parametrize(("outcome", "stays"), [("ok", False), ("partial", False), ("failed", True)])
def test_what_is_kept_goes_in_the_transaction_that_saves_the_answer(store: Store, outcome: str, stays: bool) -> None:
    """Red without the drop in `save_collected`."""
    run = keep(store, FIRST, "a")
    keep(store, FIRST, "a", source="other")
    with store.writing() as session:
        declare_sources(session, {"tracker": HOUR})
        save_collected(session, run, Collected("tracker", NOW, outcome, kept=7))  # type: ignore[arg-type] # as told
    assert kept(store) == ((FIRST, {"a"}) if stays else (None, set()))
    assert kept(store, "other") == (FIRST, {"a"})
    with store.reading() as session:
        found = ledger.run(session, run)
    assert found is not None
    assert [each.kept for each in found.sources] == [7]


def test_nothing_kept_is_nothing_to_drop(store: Store) -> None:
    with store.writing() as session:
        drop_stage(session, "tracker")
    assert kept(store) == (None, set())


def test_what_nobody_goes_on_with_does_not_stay(store: Store) -> None:
    """Sources may be taken out of the config, or be asked by hand only. Red without either half of the condition."""
    for name, stage in (("young", SECOND), ("old", FIRST), ("undeclared", SECOND)):
        keep(store, stage, "a", source=name)
    with store.writing() as session:
        drop_old(session, {"young": 1, "old": 2}, SECOND.begun_at)
    assert [kept(store, name)[0] for name in ("young", "old", "undeclared")] == [SECOND, None, None]
    assert [kept(store, name)[1] for name in ("young", "old", "undeclared")] == [{"a"}, set(), set()]
