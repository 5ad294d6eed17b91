"""Work items: mirrored, followed, and never made fewer by what can't be seen."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlmodel import Session

from okr_sync.core.facts import Collected, Miss, Reading, ScopeFacts, WorkItem
from okr_sync.store import Store
from okr_sync.store.collecting import Saved, save_collected
from okr_sync.store.evidence import evidence
from okr_sync.store.ledger import run
from okr_sync.store.mirror import cursor, items, members
from okr_sync.store.sources import declare_sources, source_states
from okr_sync.store.statements import fetch, fetch_one
from okr_sync.store.tables import MembershipRow, SourceRow, Table, TransitionRow, WorkItemRow, sql
from tests.store.builders import HOUR, NOW, TRIED, answered, failed, item, pulled, running


def _save(session: Session, collected: Collected) -> Saved:
    return save_collected(session, running(session, collected.at), collected)


def _save_and_fail(session: Session, run_id: int) -> None:
    save_collected(session, run_id, pulled(item("1")))
    raise ZeroDivisionError


def _scope(session: Session) -> ScopeFacts:
    (facts,) = evidence(session, "assistant")
    return facts


def _held(session: Session, epic: str = "e1") -> list[str]:
    return [held.id for held in _scope(session).items[epic]]


def _facts_tables(session: Session) -> dict[str, list[dict[str, Any]]]:
    runs = {"runs", "run_sources", "source_states"}
    return {name: fetch(session, select(table)) for name, table in Table.metadata.tables.items() if name not in runs}


def test_saving_the_same_twice_writes_nothing_new(session: Session) -> None:
    first = pulled(item("1", points=3.0), item("2", state="done"), held={"e1": "1 2"})
    assert _save(session, first) == Saved(items=2, members=2, containers=1, scopes=1)
    before = _facts_tables(session)
    assert sum(map(len, before.values())) == 6
    assert _save(session, replace(first, at=NOW + HOUR)).total() == 0
    assert _facts_tables(session) == before


def test_what_was_saved_is_what_is_read(session: Session) -> None:
    brought = (item("1", points=3.0), item("2"))
    collected = pulled(*brought, held={"e1": "1 2", "e2": "2"})
    _save(session, collected)
    facts = _scope(session)
    assert facts.containers == collected.containers
    assert facts.items == {"e1": brought, "e2": brought[1:]}
    assert (facts.source, facts.resolved, facts.miss) == ("tracker", True, None)
    assert items(session, "tracker", frozenset({"1", "9"})) == {"1": brought[0]}
    assert members(session, "tracker") == {"e1": frozenset({"1", "2"}), "e2": frozenset({"2"})}
    assert items(session, "other", frozenset({"1"})) == {}
    assert members(session, "other") == {}


WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
FINITE = st.floats(allow_nan=False, allow_infinity=False)
WORK = st.builds(
    WorkItem,
    id=st.just("1"),
    key=WORDS,
    title=WORDS,
    url=WORDS,
    kind=st.sampled_from(["issue", "subtask", "pull_request", "container"]),
    state=st.sampled_from(["open", "in_progress", "done"]),
    resolution=st.none() | WORDS,
    parent=st.none() | WORDS,
    points=st.none() | FINITE,
    created=st.none() | INSTANTS,
    done_at=st.none() | INSTANTS,
    updated=st.none() | INSTANTS,
    due=st.none() | st.dates(),
    labels=st.lists(WORDS, max_size=3).map(tuple),
)


@TRIED
@given(before=WORK, after=WORK)
def test_every_item_comes_back_as_it_was_and_updates_replace_it(
    store: Store, before: WorkItem, after: WorkItem
) -> None:
    with store.rehearsing() as session:
        for work in (before, after):
            _save(session, pulled(work))
            assert items(session, "tracker", frozenset({"1"})) == {"1": work}
        assert _save(session, pulled(after)).items == 0


def test_a_change_of_state_is_a_transition_at_the_time_it_was_done(session: Session) -> None:
    before = item("1")
    done = replace(before, state="done", done_at=NOW + HOUR, updated=NOW + 2 * HOUR, resolution="Done", points=5.0)
    _save(session, pulled(before))
    assert _save(session, pulled(done, at=NOW + 3 * HOUR)) == Saved(items=1, transitions=3, scopes=0)
    found = fetch(session, select(sql(TransitionRow)).order_by(sql(TransitionRow).c.id))
    assert [(row["field"], row["before"], row["after"], row["at"], row["recorded_at"]) for row in found] == [
        ("state", "open", "done", NOW + HOUR, NOW + 3 * HOUR),
        ("resolution", None, "Done", NOW + HOUR, NOW + 3 * HOUR),
        ("points", None, "5.0", NOW + 2 * HOUR, NOW + 3 * HOUR),
    ]


def test_a_new_title_is_mirrored_without_a_transition(session: Session) -> None:
    _save(session, pulled(item("1")))
    assert _save(session, pulled(replace(item("1"), title="Renamed"))) == Saved(items=1)


def test_an_item_without_a_time_of_change_changed_when_it_was_seen(session: Session) -> None:
    _save(session, pulled(replace(item("1"), updated=None)))
    _save(session, pulled(replace(item("1"), updated=None, parent="7"), at=NOW + HOUR))
    assert fetch_one(session, select(sql(TransitionRow).c.at)) == {"at": NOW + HOUR}


def test_an_item_that_left_keeps_a_membership_with_an_end(session: Session) -> None:
    _save(session, pulled(item("1"), item("2"), held={"e1": "1 2"}))
    assert _save(session, pulled(held={"e1": "1"}, at=NOW + HOUR)).members == 1
    assert _held(session) == ["1"]
    table = sql(MembershipRow)
    assert fetch(session, select(table.c.item, table.c.since, table.c.until).order_by(table.c.item)) == [
        {"item": "1", "since": NOW, "until": None},
        {"item": "2", "since": NOW, "until": NOW + HOUR},
    ]
    _save(session, pulled(held={"e1": "1 2"}, at=NOW + 2 * HOUR))
    assert _held(session) == ["1", "2"]


def test_a_partial_list_of_members_ends_nothing(session: Session) -> None:
    _save(session, pulled(item("1"), item("2"), held={"e1": "1"}))
    assert _save(session, pulled(held={"e1": "2"}, whole=False)).members == 1
    assert _held(session) == ["1", "2"]


def test_a_deleted_item_leaves_every_container_and_a_tombstone(session: Session) -> None:
    _save(session, pulled(item("1"), item("2"), held={"e1": "1 2", "e2": "2"}))
    saved = _save(session, pulled(gone="2", at=NOW + HOUR))
    assert (saved.items, saved.members) == (1, 2)
    assert members(session, "tracker") == {"e1": frozenset({"1"})}
    table = sql(WorkItemRow)
    rows = fetch(session, select(table.c.id, table.c.absence, table.c.absent_since).order_by(table.c.id))
    assert [tuple(row.values()) for row in rows] == [("1", None, None), ("2", "gone", NOW + HOUR)]
    assert _save(session, pulled(gone="2", at=NOW + 2 * HOUR)).items == 0


def test_a_hidden_item_stays_and_its_scope_misses_until_it_is_seen_again(session: Session) -> None:
    held = {"e1": "1 2"}
    _save(session, pulled(item("1"), item("2"), held=held))
    assert _save(session, pulled(held={"e1": "1"}, hidden="2")).members == 0
    facts = _scope(session)
    assert [work.id for work in facts.items["e1"]] == ["1", "2"]
    assert facts.miss is not None
    assert facts.miss.why == "denied"
    assert "tracker lists 1 that it does not show: MED-2;" in facts.miss.message
    _save(session, replace(pulled(), scopes={"assistant/1": ("e1",)}))
    assert _scope(session).miss is not None, "an answer about other things brings nothing to light"
    _save(session, pulled(held=held))
    assert _scope(session).miss is None


def test_a_deleted_item_that_comes_back_is_there_again(session: Session) -> None:
    _save(session, pulled(item("1"), held={"e1": "1"}))
    _save(session, pulled(gone="1"))
    _save(session, pulled(item("1"), held={"e1": "1"}))
    facts = _scope(session)
    assert (facts.items, facts.miss) == ({"e1": (item("1"),)}, None)


def test_an_item_that_is_listed_but_never_shown_makes_its_scope_miss(session: Session) -> None:
    _save(session, pulled(item("1"), held={"e1": "1 2 3 4 5 6 7 8"}))
    facts = _scope(session)
    assert facts.miss is not None
    assert "lists 7 that it does not show: 2, 3, 4, 5, 6 and 2 more" in facts.miss.message


def test_a_container_that_was_never_shown_makes_its_scope_miss(session: Session) -> None:
    _save(session, replace(pulled(item("1")), scopes={"assistant/1": ("e9",)}))
    facts = _scope(session)
    assert (facts.containers, facts.miss is None) == ((), False)


def test_a_scope_that_misses_keeps_its_last_good_facts(session: Session) -> None:
    _save(session, pulled(item("1"), held={"e1": "1"}))
    denied = Miss("denied", "no permission to browse MED")
    _save(session, pulled(misses={"assistant/1": denied}))
    facts = _scope(session)
    assert (facts.miss, facts.resolved, [held.id for held in facts.containers]) == (denied, True, ["e1"])
    _save(session, pulled(held={"e1": "1"}))
    assert _scope(session).miss is None


def test_a_scope_that_was_never_answered_is_not_resolved(session: Session) -> None:
    _save(session, pulled(misses={"assistant/1": Miss("not_found", "no epic MED-1")}))
    facts = _scope(session)
    assert (facts.resolved, facts.containers) == (False, ())


def test_a_failed_source_changes_no_fact_and_keeps_its_cursor(session: Session) -> None:
    good = pulled(item("1"), held={"e1": "1"})
    _save(session, good)
    before = _facts_tables(session)
    assert _save(session, replace(failed("tracker", at=NOW + HOUR), items=(item("2"),))) == Saved()
    assert _facts_tables(session) == before
    assert cursor(session, "tracker") == "cursor 09"
    state = source_states(session, NOW + HOUR)["tracker"]
    assert (state.last_success, state.error, state.fix) == (NOW, "it is down", "start it")


def test_a_success_clears_the_error(session: Session) -> None:
    _save(session, failed("tracker"))
    assert cursor(session, "tracker") is None
    _save(session, pulled(at=NOW + HOUR))
    state = source_states(session, NOW + HOUR)["tracker"]
    assert (state.last_success, state.error) == (NOW + HOUR, None)
    assert cursor(session, "tracker") == "cursor 10"


def test_a_partial_answer_without_a_cursor_keeps_the_one_before(session: Session) -> None:
    _save(session, pulled())
    _save(session, replace(pulled(at=NOW + HOUR), outcome="partial", cursor=None))
    assert cursor(session, "tracker") == "cursor 09"
    _save(session, replace(pulled(at=NOW + HOUR), cursor=None))
    assert cursor(session, "tracker") is None


def test_facts_and_cursor_are_saved_together_or_not_at_all(store: Store) -> None:
    with store.writing() as session:
        run_id = running(session)
    with pytest.raises(ZeroDivisionError), store.writing() as session:
        _save_and_fail(session, run_id)
    with store.reading() as session:
        assert cursor(session, "tracker") is None
        assert items(session, "tracker", frozenset({"1"})) == {}


def test_the_ledger_says_what_a_source_cost_and_brought(session: Session) -> None:
    run_id = running(session)
    save_collected(session, run_id, pulled(item("1"), item("2")))
    save_collected(session, run_id, answered((Reading(1.0),)))
    found = run(session, run_id)
    assert found is not None
    assert [(each.source, each.requests, each.seen, each.changed) for each in found.sources] == [
        ("survey", 1, 1, 1),
        ("tracker", 2, 2, 2),
    ]


def test_declared_sources_are_listed_with_their_window_and_others_are_not(session: Session) -> None:
    declare_sources(session, {"tracker": 2 * HOUR, "survey": HOUR})
    declare_sources(session, {"tracker": 3 * HOUR})
    (state,) = source_states(session, NOW + HOUR).values()
    assert (state.name, state.fresh_for, state.last_success) == ("tracker", 3 * HOUR, None)
    _save(session, pulled())
    assert source_states(session, NOW + HOUR)["tracker"].fresh_for == 3 * HOUR


def test_scopes_of_an_initiative_are_in_their_order_and_no_others_are_taken(session: Session) -> None:
    refs = ("a/2", "a/10", "a/1", "a_b/1", "ab/1", "a/b/1")
    _save(session, replace(pulled(), scopes=dict.fromkeys(refs, ())))
    assert [facts.ref for facts in evidence(session, "a")] == ["a/1", "a/2", "a/10"]
    assert [facts.ref for facts in evidence(session, "a/b")] == ["a/b/1"]
    assert [facts.ref for facts in evidence(session, "a_b")] == ["a_b/1"]
    assert evidence(session, "nobody") == ()


def test_ten_thousand_items_are_many_rows_and_few_statements(session: Session) -> None:
    many = [item(str(number)) for number in range(10_000)]
    held = {f"e{epic}": " ".join(str(n) for n in range(epic, 10_000, 50)) for epic in range(50)}
    assert _save(session, pulled(*many, held=held)) == Saved(items=10_000, members=10_000, containers=50, scopes=1)
    changed = pulled(*(replace(work, state="done") for work in many[:100]), held=held)
    assert _save(session, changed) == Saved(items=100, transitions=100)
    assert sum(map(len, _scope(session).items.values())) == 10_000
    assert fetch_one(session, select(func.count().label("n")).select_from(sql(SourceRow))) == {"n": 1}


def test_labels_are_kept_in_their_order(session: Session) -> None:
    _save(session, pulled(item("1")))
    row = fetch_one(session, select(sql(WorkItemRow).c.labels))
    assert row is not None
    assert json.loads(row["labels"]) == ["b", "a"]


def test_half_a_surrogate_pair_in_a_title_does_not_stop_the_source(session: Session) -> None:
    _save(session, pulled(replace(item("1"), title="Rocket \ud83d é"), item("2")))
    found = items(session, "tracker", frozenset({"1", "2"}))
    assert [work.title for work in found.values()] == ["Rocket ? é", "Item 2"]
