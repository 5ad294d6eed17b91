"""A question that was never answered says that its source fails, and nothing else is touched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import History, MetricFacts, Miss, Reading, ScopeFacts, SourceState
from okr_sync.core.model import Book, DeliveryScope, Initiative, Metric
from okr_sync.core.silence import explain_silence

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BOOK = Book(
    timezone="UTC",
    cycles=(),
    objectives=(),
    initiatives=(Initiative("work", "Work", scopes=(DeliveryScope("work/1", "tracker", "{}"),)),),
    metrics=(Metric("nps", "NPS", "tracker", "{}"),),
)
MISS = Miss("not_found", "no epic APP-9")


def _source(error: str | None) -> SourceState:
    return SourceState("tracker", None, timedelta(hours=1), error, "renew the token" if error else None)


def _explained(error: str | None, scope: ScopeFacts | None, metric: MetricFacts | None) -> History:
    history = History(
        metrics={} if metric is None else {"nps": metric},
        scopes={} if scope is None else {"work/1": scope},
        sources={"tracker": _source(error)},
    )
    return explain_silence(BOOK, history)


@pytest.mark.parametrize("known", [True, False])
def test_a_silent_question_tells_the_error_of_its_source_and_the_fix(known: bool) -> None:
    scope, metric = (ScopeFacts("work/1", "tracker"), MetricFacts()) if known else (None, None)
    explained = _explained("answered 401", scope, metric)
    miss = Miss("unreachable", "source tracker failed: answered 401 (renew the token)")
    assert explained.scopes["work/1"].miss == miss
    assert explained.metrics["nps"].miss == miss


@pytest.mark.parametrize(
    ("scope", "metric"),
    [
        (ScopeFacts("work/1", "tracker", resolved=True), MetricFacts((Reading(4.0, NOW),))),
        (ScopeFacts("work/1", "tracker", miss=MISS), MetricFacts(miss=MISS)),
    ],
    ids=["answered", "missed"],
)
def test_what_has_an_answer_or_a_reason_of_its_own_stays(scope: ScopeFacts, metric: MetricFacts) -> None:
    explained = _explained("answered 401", scope, metric)
    assert (explained.scopes["work/1"], explained.metrics["nps"]) == (scope, metric)


def test_a_healthy_source_explains_nothing() -> None:
    explained = _explained(None, None, None)
    assert (explained.scopes, explained.metrics) == ({}, {})


def test_the_state_of_the_work_says_it() -> None:
    history = History(sources={"tracker": _source("answered 401")})
    state = evaluate(BOOK, history, NOW).initiatives[0]
    assert state.total is None
    assert state.reason == "scope work/1: source tracker failed: answered 401 (renew the token)"
