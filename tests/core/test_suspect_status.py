"""Suspect: a status over the computed one, the number below it unchanged; objectives take it over."""

from __future__ import annotations

from datetime import timedelta

from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import Miss
from okr_sync.core.freshness import refresh
from okr_sync.core.model import Change, Delivery
from okr_sync.core.report import build_report
from okr_sync.core.snapshot import Snapshot
from tests.core.builders import (
    HALF,
    book,
    fresh,
    history,
    initiative,
    items,
    key_result,
    metric,
    objective,
    one,
    reading,
    readings,
    scope,
)

SUSPECT = Miss("suspect", "it fell from 0.5 to 0")
DENIED = Miss("denied", "no permission")
LATER = timedelta(days=30)


def measured(miss: Miss) -> Snapshot:
    """A change from 0 to 1 that stood at 0.5 when its source said something else."""
    held = book(key_result(Change("m", 0, target=1)), metrics=(metric(),))
    return evaluate(held, history(HALF, readings(reading(0.5, 3), undated=True, miss=miss)), HALF)


def worked(miss: Miss) -> Snapshot:
    held = book(key_result(Delivery(("i",))), initiatives=(initiative(),))
    return evaluate(held, history(HALF, scopes=(scope("i/1", items(done=1, todo=1), miss),)), HALF)


def test_a_suspect_metric_keeps_its_number_and_its_objective_rests_on_it() -> None:
    snapshot = measured(SUSPECT)
    state, (above,) = one(snapshot), snapshot.objectives
    assert (state.status, state.stale, state.value, state.progress) == ("suspect", True, 0.5, 0.5)
    assert state.reason.endswith("0.50 of 0.50 expected by now")
    assert (above.status, above.progress) == ("suspect", 0.5)
    assert above.reason.startswith("rests on suspect numbers: kr")


def test_suspect_stays_when_it_gets_old() -> None:
    snapshot = measured(SUSPECT)
    aged = refresh(snapshot, fresh(HALF), HALF + LATER)
    assert (one(aged).status, aged.objectives[0].status) == ("suspect", "suspect")


def test_a_suspect_initiative_makes_its_key_result_suspect_and_the_report_doubts_both() -> None:
    snapshot = worked(SUSPECT)
    (work,) = snapshot.initiatives
    assert (work.suspect, work.stale, work.done, work.total) == (True, True, 1, 2)
    assert one(snapshot).status == "suspect"
    assert {doubt.word for doubt in build_report(snapshot).doubts} == {"suspect"}


def test_what_misses_for_another_reason_is_stale() -> None:
    assert one(measured(DENIED)).status == "stale"
    assert (one(worked(DENIED)).status, worked(DENIED).initiatives[0].suspect) == ("stale", False)


def test_an_objective_is_stale_when_one_of_its_doubtful_numbers_is_only_stale() -> None:
    """Suspect says that an answer waits; stale, that there is none: the worse word stands over both."""
    own = (key_result(Change("m", 0, target=1), "a"), key_result(Change("n", 0, target=1), "b"))
    parent = objective(name="top")
    objectives = (objective(*own, contributes_to="top"), parent)
    held = book(metrics=(metric("m"), metric("n")), objectives=objectives)
    facts = {
        "m": readings(reading(0.5, 3), undated=True, miss=SUSPECT),
        "n": readings(reading(0.5, 3), undated=True, miss=DENIED),
    }
    snapshot = evaluate(held, history(HALF, facts), HALF)
    assert [state.status for state in snapshot.key_results] == ["suspect", "stale"]
    assert [state.status for state in snapshot.objectives] == ["stale", "stale"]
