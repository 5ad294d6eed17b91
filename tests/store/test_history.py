"""What `evaluate` gets to know, and marks of reports."""

from __future__ import annotations

from dataclasses import replace

from sqlmodel import Session

from okr_sync.core.facts import MetricFacts, Reading, SourceState
from okr_sync.core.model import Book, DeliveryScope, Initiative, Metric
from okr_sync.store.collecting import save_collected
from okr_sync.store.definitions import save_definitions
from okr_sync.store.evidence import evidence, transitions
from okr_sync.store.history import load_history
from okr_sync.store.reports import last_report, mark_report
from tests.store.builders import HOUR, NOW, answered, failed, item, pulled, running

BOOK = Book(
    timezone="UTC",
    metrics=(Metric("nps", "NPS", "survey", "{}"), Metric("load", "Load time", "survey", "{}")),
    initiatives=(
        Initiative(
            "assistant",
            "Assistant",
            scopes=(DeliveryScope("assistant/1", "tracker", "{}"), DeliveryScope("assistant/2", "tracker", "{}")),
        ),
    ),
)
WINDOWS = {"survey": HOUR, "tracker": 2 * HOUR, "idle": HOUR}


def test_an_empty_store_knows_nothing_and_says_so(session: Session) -> None:
    history = load_history(session, BOOK, WINDOWS)
    assert history.metrics == {"load": MetricFacts(), "nps": MetricFacts()}
    assert history.scopes == {}
    assert history.sources["idle"] == SourceState("idle", None, HOUR)


def test_history_holds_the_facts_of_the_book_and_the_state_of_each_source(session: Session) -> None:
    run_id = running(session)
    save_collected(session, run_id, answered((Reading(31.0),)))
    save_collected(session, run_id, pulled(item("1"), held={"e1": "1"}))
    save_collected(session, running(session, NOW + HOUR), failed("survey", at=NOW + HOUR))
    history = load_history(session, BOOK, WINDOWS)
    assert history.metrics["nps"] == MetricFacts((Reading(31.0, NOW),), undated=True)
    assert dict(history.scopes) == {facts.ref: facts for facts in evidence(session, "assistant")}
    assert history.scopes["assistant/1"].items == {"e1": (item("1"),)}
    assert history.sources["survey"] == SourceState("survey", NOW, HOUR, "it is down", "start it")
    assert history.sources["tracker"] == SourceState("tracker", NOW, 2 * HOUR)


def test_facts_outside_the_book_are_left_out(session: Session) -> None:
    save_collected(session, running(session), answered((Reading(1.0),), metric="secret"))
    assert "secret" not in load_history(session, BOOK, WINDOWS).metrics


def test_since_the_last_report_means_the_newest_instant_told_under_that_name(session: Session) -> None:
    assert last_report(session, "weekly") is None
    mark_report(session, "weekly", running(session), NOW)
    mark_report(session, "weekly", None, NOW + HOUR)
    mark_report(session, "monthly", None, NOW + 2 * HOUR)
    assert last_report(session, "weekly") == NOW + HOUR


def test_a_scope_that_is_defined_no_more_is_no_evidence(session: Session) -> None:
    run_id = running(session)
    first, second = BOOK.initiatives[0].scopes
    both = replace(pulled(item("1"), held={"e1": "1"}), scopes={first.ref: ("e1",), second.ref: ("e1",)})
    save_collected(session, run_id, both)
    save_definitions(session, run_id, BOOK, NOW, "ana")
    assert [facts.ref for facts in evidence(session, "assistant")] == [first.ref, second.ref]
    without = replace(BOOK, initiatives=(replace(BOOK.initiatives[0], scopes=(first,)),))
    save_definitions(session, run_id, without, NOW + HOUR, "ana")
    assert [facts.ref for facts in evidence(session, "assistant")] == [first.ref]


def test_what_changed_since_a_run_is_what_was_recorded_after_it(session: Session) -> None:
    late = replace(item("2"), state="in_progress", updated=NOW + 2 * HOUR)
    done = replace(item("1"), state="done", done_at=NOW + HOUR)
    save_collected(session, running(session), pulled(item("1"), item("2"), item("3")))
    save_collected(session, running(session), pulled(replace(item("1"), points=2.0), at=NOW + HOUR))
    save_collected(session, running(session), pulled(late, replace(done, points=2.0), at=NOW + 3 * HOUR))
    found = transitions(session, "tracker", frozenset({"1", "2"}), NOW + HOUR)
    assert [(move.item, move.field, move.before, move.after, move.at) for move in found] == [
        ("1", "state", "open", "done", NOW + HOUR),
        ("2", "state", "open", "in_progress", NOW + 2 * HOUR),
    ]
    assert [move.field for move in transitions(session, "tracker", frozenset({"1"}), NOW)] == ["points", "state"]
    assert transitions(session, "tracker", frozenset({"3"}), NOW) == ()
    assert transitions(session, "other", frozenset({"1"}), NOW) == ()
