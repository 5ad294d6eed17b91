"""An explanation leads from a number to its questions, its inputs and every item behind it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from okr_sync.core.delivery import deliver
from okr_sync.core.explain import (
    Asked,
    Counting,
    Evidence,
    Explanation,
    ItemChange,
    explain_initiative,
    explain_key_result,
)
from okr_sync.core.facts import Container, ItemKind, ItemState, Miss, ScopeFacts, WorkItem
from okr_sync.core.model import CountedUnit, DeliveryScope, IncludedItems, Initiative
from okr_sync.core.snapshot import InitiativeState, Input, KeyResultState

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SINCE = datetime(2026, 11, 15, tzinfo=UTC)

STATE = KeyResultState(
    id="adoption", objective="experience", title="Adoption", kind="delivery", owner="ana", weight=1.0, unit="%",
    start=START, due=datetime(2027, 1, 1, tzinfo=UTC), definition="new", value=60.0, baseline=0.0, target=100.0,
    progress=0.6, status="on_track", inputs=(Input("tracker", "assistant"),),
)  # fmt: skip
EPIC = Container("10", "MED-1", "Assistant", "https://jira.example/browse/MED-1", "epic", "in_progress")
EMPTY = Container("11", "MED-2", "Later", "https://jira.example/browse/MED-2", "epic", "open")


def item(
    number: int,
    state: ItemState = "open",
    resolution: str | None = None,
    kind: ItemKind = "issue",
    parent: str | None = None,
) -> WorkItem:
    """Return an item with id and key of that number."""
    return WorkItem(
        str(number), f"MED-{number}", f"Item {number}", f"https://x/{number}", kind, state, resolution, parent
    )


ITEMS = (
    item(110, "done"),
    item(19, "done", "Done"),
    item(20, "open"),
    item(21, "in_progress"),
    item(22, "done", "Won't Do"),
    item(23, "open", kind="subtask", parent="20"),
    item(24, "done", kind="pull_request"),
    item(25, "open", kind="container"),
)
SCOPES = (
    ScopeFacts("assistant/1", "tracker", (EPIC, EMPTY), {"10": ITEMS}, resolved=True),
    ScopeFacts("assistant/2", "code", miss=Miss("denied", "no access to acme/app")),
)


def evidence(unit: CountedUnit = "issue", include: IncludedItems = "issues") -> Evidence:
    """Return an initiative over the items above."""
    return Evidence(InitiativeState("assistant", "Assistant", None, ("adoption",)), SCOPES, Counting(unit, include))


def listed(explanation: Explanation) -> dict[str, list[str]]:
    """Return class → keys, as listed in the first container."""
    classes: dict[str, list[str]] = {}
    for line in explanation.work[0].containers[0].items:
        classes.setdefault(line.counts_as, []).append(line.item.key)
    return classes


def test_items_are_listed_by_class_then_by_number() -> None:
    """Done first, what doesn't count last, MED-19 before MED-110."""
    assert listed(explain_initiative(evidence())) == {
        "done": ["MED-19", "MED-110"],
        "in_progress": ["MED-21"],
        "open": ["MED-20"],
        "dropped": ["MED-22"],
        "not_counted": ["MED-23", "MED-24", "MED-25"],
    }


@pytest.mark.parametrize(
    ("unit", "include", "not_counted"),
    [
        ("leaf", "issues", ["MED-20", "MED-24", "MED-25"]),
        ("issue", "prs", ["MED-19", "MED-20", "MED-21", "MED-22", "MED-23", "MED-25", "MED-110"]),
        ("issue", "both", ["MED-23", "MED-25"]),
    ],
)
def test_what_does_not_count_is_shown_as_such(
    unit: CountedUnit, include: IncludedItems, not_counted: list[str]
) -> None:
    """The rules of the initiative decide, and nothing is hidden."""
    assert listed(explain_initiative(evidence(unit, include)))["not_counted"] == not_counted


@pytest.mark.parametrize("unit", ["issue", "leaf"])
@pytest.mark.parametrize("include", ["issues", "prs", "both"])
def test_the_list_adds_up_to_the_number(unit: CountedUnit, include: IncludedItems) -> None:
    """Counting the listed items by hand gives the counts of the initiative's own arithmetic."""
    scope = DeliveryScope("assistant/1", "tracker", "{}")
    initiative = Initiative("assistant", "Assistant", scopes=(scope,), unit=unit, include=include)
    state = deliver(initiative, {"assistant/1": SCOPES[0]}).state
    container = explain_initiative(evidence(unit, include)).work[0].containers[0]
    counts = (
        container.count("done"),
        container.count("in_progress"),
        container.count("open"),
        container.count("dropped"),
    )
    assert counts == (state.done, state.in_progress, state.open, state.dropped)


def test_a_parent_counts_where_only_another_source_has_its_id() -> None:
    """Ids are unique inside a source: a child elsewhere makes nobody a parent."""
    child = item(99, kind="subtask", parent="20")
    scopes = (SCOPES[0], ScopeFacts("assistant/3", "other", (EPIC,), {"10": (child,)}))
    alone = replace(evidence("leaf"), scopes=(replace(SCOPES[0], items={"10": (item(20),)}), scopes[1]))
    assert listed(explain_initiative(alone)) == {"open": ["MED-20"]}


def test_every_container_and_every_unread_scope_is_named() -> None:
    """Empty containers stay visible; a scope that could not be read says why."""
    (work,) = explain_initiative(evidence()).work
    assert [(each.scope, each.source, each.container.key, len(each.items)) for each in work.containers] == [
        ("assistant/1", "tracker", "MED-1", 8),
        ("assistant/1", "tracker", "MED-2", 0),
    ]
    assert work.misses == (("assistant/2", "no access to acme/app"),)


def test_a_key_result_shows_its_questions_inputs_and_work() -> None:
    """All that the number rests on is there, and nothing is compared without a basis."""
    asked = (Asked("assistant/1", "tracker", '{"epics":["MED-1"]}'),)
    made = explain_key_result(STATE, asked=asked, evidence=[evidence()])
    assert (made.subject, made.asked, made.inputs) == (STATE, asked, STATE.inputs)
    assert [work.state.id for work in made.work] == ["assistant"]
    assert (made.since, made.differences, made.item_changes) == (None, (), ())


def test_what_changed_names_each_field_then_and_now() -> None:
    """Only fields that differ, in a fixed order; an unknown value is None."""
    before = replace(STATE, value=None, progress=0.4, status="at_risk", definition="old")
    made = explain_key_result(STATE, before=before, since=SINCE)
    assert [(each.field, each.before, each.after) for each in made.differences] == [
        ("value", None, 60.0),
        ("progress", 0.4, 0.6),
        ("status", "at_risk", "on_track"),
        ("definition", "old", "new"),
    ]
    assert explain_key_result(STATE, before=STATE, since=SINCE).differences == ()


def test_an_initiative_is_compared_by_its_items_and_weights() -> None:
    """Scope and work changed since, each with its own line."""
    now = InitiativeState("assistant", "Assistant", None, (), 6, 1, 1, 2, 8, 30.0, 40.0)
    before = replace(now, done=4, open=3, weight_done=20.0)
    made = explain_initiative(Evidence(now), before=before, since=SINCE)
    assert [(each.field, each.before, each.after) for each in made.differences] == [
        ("done", 4, 6),
        ("open", 3, 1),
        ("weight_done", 20.0, 30.0),
    ]


def test_changes_of_items_are_told_in_the_order_of_time() -> None:
    """Then by key as people count."""
    later = ItemChange("MED-9", "nine", "state", "open", "done", NOW)
    ten = ItemChange("MED-10", "ten", "state", "open", "done", SINCE)
    nine = replace(later, at=SINCE)
    for made in (
        explain_key_result(STATE, item_changes=(later, ten, nine)),
        explain_initiative(evidence(), item_changes=(ten, later, nine)),
    ):
        assert made.item_changes == (nine, ten, later)
