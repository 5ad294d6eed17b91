"""An explanation in words names every number, question, item and link, and can't be steered by them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from okr_sync.core.explain import (
    Asked,
    Difference,
    Evidence,
    Explanation,
    ItemChange,
    explain_initiative,
    explain_key_result,
)
from okr_sync.core.facts import Container, Miss, ScopeFacts, WorkItem
from okr_sync.core.snapshot import InitiativeState, Input, KeyResultState
from okr_sync.render.document import explain_document
from okr_sync.render.explanation import render_explanation
from tests.edge.render_samples import BEFORE, INITIATIVES, NOW, key_result
from tests.edge.test_render_hostile import HOSTILE, has_steering

EPIC = Container("10", "MED-1", "Assistant", "https://jira.example/browse/MED-1", "epic", "open", due=date(2026, 12, 1))
CLOSED = Container("11", "MED-2", "Preparation", "https://jira.example/browse/MED-2", "epic", "done")
LATER = Container("12", "MED-3", "Later", "https://jira.example/browse/MED-3", "epic", "open")


def item(number: int, **fields: Any) -> WorkItem:
    """Return an open issue, but for `fields`."""
    url = f"https://jira.example/browse/MED-{number}"
    return replace(WorkItem(str(number), f"MED-{number}", f"Item {number}", url, "issue", "open"), **fields)


ITEMS = (
    item(101, state="done", points=5.0, done_at=datetime(2026, 11, 3, 23, tzinfo=UTC)),
    item(102, state="done", resolution="Won't Do"),
    item(103, state="in_progress", points=0.5),
    item(104),
)
SCOPES = (
    ScopeFacts("assistant/1", "tracker", (EPIC, CLOSED, LATER), {"10": ITEMS}, resolved=True),
    ScopeFacts("assistant/2", "code", miss=Miss("denied", "no access to acme/app")),
)
ASSISTANT = replace(INITIATIVES[0], shared=("MED-104",))


def whole(state: KeyResultState) -> Explanation:
    """Return an explanation with everything in it."""
    return explain_key_result(
        state,
        asked=(Asked("assistant/1", "tracker", '{"epics":["MED-1","MED-2","MED-3"]}'),),
        evidence=(Evidence(ASSISTANT, SCOPES),),
        before=replace(state, value=None, progress=0.4, status="at_risk"),
        since=BEFORE,
        item_changes=(ItemChange("MED-101", "Item 101", "state", "in_progress", "done", NOW),),
    )


def test_a_key_result_is_explained_down_to_the_items() -> None:
    """Value, formula with its numbers, question, inputs, items with links, and what changed."""
    inputs = (
        Input("tracker", "assistant"),
        Input(
            "surveys",
            "nps",
            NOW,
            max_age_days=14,
            evidence="nps.csv, line 12",
            basis="median of 12 readings, 2026-10-01…2026-10-28",
        ),
        Input("people", "mood", NOW, expires=datetime(2026, 12, 1, tzinfo=UTC)),
    )
    said = render_explanation(whole(key_result("nps", "Increase NPS", inputs=inputs)))
    for fact in (
        "Increase NPS [nps]",
        "● on track; 65 %; as of 2026-11-22 00:46 UTC",
        "0.65 of 0.57 expected by now",
        "value       44 points",
        "baseline    31 points",
        "target      51 points",
        "formula     (44 − 31) / (51 − 31) = 0.65",
        "kind        change, from 2026-10-01 through 2026-12-31",
        "weight      1 in experience",
        "owner       ana",
        "definition  4f1c2d3e5a6b7c8d",
        "the value expires 2026-12-01 00:00 UTC",
        'assistant/1 from tracker: {"epics":["MED-1","MED-2","MED-3"]}',
        "assistant from tracker: as fresh as the last success of its source",
        (
            "nps from surveys: 2026-11-22 03:46 UTC, at most 14 days old; nps.csv, line 12; "
            "median of 12 readings, 2026-10-01…2026-10-28"
        ),
        "AI health assistant [assistant]",
        "items       12 of 20 done, 5 in progress, 3 open, 2 dropped",
        "weight      47 of 80; points, 1 item without points counted as median 5",
        "works for   adoption",
        "shared      MED-104",
        "! assistant/2: no access to acme/app",
        "epic MED-1 Assistant (open; due 2026-12-01)",
        "1 done, 1 in progress, 1 open, 1 dropped; tracker, scope assistant/1",
        "no items; itself done; tracker, scope assistant/1",
        "no items; tracker, scope assistant/1",
        "done         MED-101  Item 101 (5 points, done 2026-11-03)  https://jira.example/browse/MED-101",
        "dropped      MED-102  Item 102 (Won't Do)  https://jira.example/browse/MED-102",
        "in progress  MED-103  Item 103 (0.5 points)",
        "open         MED-104  Item 104  https",
        "changed since 2026-11-15 08:00 UTC",
        "value: unknown → 44 points",
        "progress: 40 % → 65 %",
        "status: at risk → on track",
        "2026-11-22 03:46 UTC  MED-101 Item 101: state in progress → done",
    ):
        assert fact in said, f"{fact!r} is missing in\n{said}"


def test_an_initiative_is_explained_without_saying_itself_twice() -> None:
    """Its own facts stand once at the top, then its containers."""
    before = replace(ASSISTANT, done=9)
    said = render_explanation(explain_initiative(Evidence(ASSISTANT, SCOPES), before=before, since=BEFORE))
    assert said.count("[assistant]") == 1
    assert "● in progress; 58.8 %; as of 2026-11-22 03:41 UTC" in said
    assert "done: 9 → 12" in said
    assert "owner       ana" in said


def test_what_is_unknown_says_so() -> None:
    """No number, no formula and no bound read as such; a stale one is marked."""
    nothing = key_result(
        "nps", "NPS", value=None, baseline=None, target=None, progress=None, formula="", owner=None, stale=True,
        status="unknown", reason="no reading", as_of=None, inputs=(),
    )  # fmt: skip
    said = render_explanation(explain_key_result(nothing, since=BEFORE))
    assert "? unknown; unknown; never read; stale" in said
    assert "value       unknown" in said
    assert "baseline    none" in said
    assert "target      none" in said
    ranged = render_explanation(explain_key_result(replace(nothing, bounds=(40.0, 60.0), unit="days"), since=BEFORE))
    assert "target      between 40 and 60 days" in ranged
    assert "formula     none: there is no number" in said
    assert "nothing" in said.split("changed since")[1]
    assert "owner" not in said
    bare = InitiativeState("i", "Bare", None, (), reason="never read")
    said = render_explanation(explain_initiative(Evidence(bare)))
    assert "items       unknown" in said
    assert "never read" in said
    assert "changed since" not in said


def foreign(text: str) -> Explanation:
    """Return an explanation whose every foreign text is `text`."""
    state = key_result("nps", text, reason=text, formula=text, owner=text, unit=text, definition=text)
    issue = item(1, key=text, title=text, url=text, state="done", resolution="Won't Do")
    held = replace(EPIC, key=text, title=text, url=text)
    scope = ScopeFacts(text, text, (held,), {"10": (issue,)}, miss=Miss("denied", text))
    made = explain_key_result(
        state,
        asked=(Asked(text, text, text),),
        evidence=(Evidence(replace(ASSISTANT, title=text, policy=text, reason=text, shared=(text,)), (scope,)),),
        since=BEFORE,
        item_changes=(ItemChange(text, text, text, text, text, NOW),),
    )
    return replace(made, differences=(Difference("definition", text, text),))


@pytest.mark.parametrize("evil", HOSTILE)
def test_foreign_text_can_not_steer_the_reader_of_an_explanation(evil: str) -> None:
    """Titles, keys, links and messages stay on one line and free of control."""
    said = render_explanation(foreign(evil))
    assert not has_steering(said)
    assert said.count("\n") == render_explanation(foreign("harmless")).count("\n")
    said.encode()


def test_the_document_holds_every_raw_number() -> None:
    """JSON has the numbers themselves, times in UTC, and each item with its class and link."""
    state = key_result("nps", "Increase NPS")
    made = explain_document(whole(state))
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert (made["explains"], made["id"], made["value"], made["progress"]) == ("key_result", "nps", 44.0, 0.65)
    assert made["formula"] == state.formula
    (work,) = made["work"]
    assert work["misses"] == [{"scope": "assistant/2", "message": "no access to acme/app"}]
    assert [each["key"] for each in work["containers"]] == ["MED-1", "MED-2", "MED-3"]
    first = work["containers"][0]["items"][0]
    assert (first["key"], first["counts_as"], first["points"]) == ("MED-101", "done", 5.0)
    assert first["done_at"] == "2026-11-03T23:00:00Z"
    assert made["differences"][0] == {"field": "value", "before": None, "after": 44.0}
    assert explain_document(explain_initiative(Evidence(ASSISTANT)))["explains"] == "initiative"
