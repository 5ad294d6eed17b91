"""What really happened, as Jira and GitHub recorded it: read, and compared with what the recordings show."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.github_fields import Fields
from connectors.github_items import item_of_rest
from connectors.github_past import Story, Titles, read_event
from connectors.github_past import read_transitions as read_events
from connectors.jira_dialect import read_dialect
from connectors.jira_items import read_issue
from connectors.jira_past import Words, learn_resolutions, read_log, read_states, read_transitions
from okr_sync.connector import Transition, WorkItem

_DATA = Path(__file__).parents[2] / "../shared/data"
DEVLAKE, FAROS = _DATA / "devlake", _DATA / "faros-jira/test/resources/issues/issues.json"
needs_devlake = pytest.mark.skipif(not DEVLAKE.is_dir(), reason=f"no recorded rows at {DEVLAKE}")
needs_faros = pytest.mark.skipif(not FAROS.is_file(), reason=f"no recorded issues at {FAROS}")


def rows(path: str) -> list[dict[str, Any]]:
    """Return the recorded rows of a kind."""
    limit = csv.field_size_limit(1 << 24)  # of the whole process: it must not outlive this
    try:
        with (DEVLAKE / path).open(encoding="utf-8-sig", newline="") as file:
            return [json.loads(row["data"]) for row in csv.DictReader(line for line in file if line.strip())]
    finally:
        csv.field_size_limit(limit)


def told(changes: list[Transition], field: str) -> list[tuple[str, str | None, str | None]]:
    return [(f"{each.at:%Y-%m-%dT%H:%M:%S.%f}", each.before, each.after) for each in changes if each.field == field]


@needs_devlake
def test_a_real_issue_is_followed_through_statuses_that_exist_no_more() -> None:
    """It was born in Inbox and went through Ready for Dev, which the site has deleted since; both count as open. Its
    resolution is told in the language that the site has now.
    """
    (issue,) = rows("jira/_raw_jira_api_issues_for_due_date.csv")
    states = read_states(rows("jira/_raw_jira_api_status.csv"))
    dialect = read_dialect(rows("jira/_raw_jira_api_issue_fields.csv"), cloud=True, address="", points=None)
    item = read_issue(issue, dialect, {}).item
    log = read_log(issue["changelog"]["histories"], dialect)
    changes = read_transitions(item, log, Words(states, learn_resolutions(item, log), {}), dialect)
    assert not {"10020", "10029"} & states.keys()
    assert told(changes, "state") == [
        ("2020-06-12T03:38:39.785000", "open", "in_progress"),
        ("2020-06-12T06:22:49.352000", "in_progress", "open"),
        ("2020-06-19T06:31:18.526000", "open", "done"),
    ]
    assert told(changes, "resolution") == [("2020-06-19T06:31:18.526000", None, item.resolution)]
    assert item.resolution not in (None, "Done")
    assert told(changes, "container") == told(changes, "parent")
    assert told(changes, "container") == [("2020-06-12T00:21:20.929000", None, "10073")]


@needs_faros
def test_real_logs_name_parents_without_a_field_id_and_points_without_a_value() -> None:
    """A parent is an IssueParentAssociation; points stand in the text alone, their value is null."""
    first, _, third, _ = json.loads(FAROS.read_text("utf-8"))
    fields = [{"id": "customfield_10028", "name": "Story Points", "schema": {"type": "number"}}]
    dialect, words = read_dialect(fields, cloud=True, address="", points=None), Words({"10000": "open"}, {}, {})
    log = read_log(first["changelog"]["histories"], dialect)
    task = read_transitions(WorkItem("1", "T-1", "", "", "subtask", "open"), log, words, dialect)
    assert told(task, "parent") == [("2024-07-04T12:40:59.361000", None, "11999")]
    assert {each.field for each in task} == {"parent"}
    log = read_log(third["changelog"]["histories"], dialect)
    story = read_transitions(WorkItem("3", "T-3", "", "", "issue", "open", points=1.0), log, words, dialect)
    assert told(story, "points") == [("2024-03-08T17:31:19.491000", None, "1.0")]


@needs_devlake
def test_real_events_end_in_what_their_issues_say() -> None:
    """Each closing is told with the issue's own reason, within a second of its own time of closing."""
    recorded = [row for row in rows("github/_raw_github_api_events.csv") if row["event"] == "closed"]
    assert len(recorded) >= 10
    for row in recorded:
        item = item_of_rest(row["issue"])
        story = Story(item.id, "panjf2000/ants", (read_event(Fields(row, "event"), "closed", "created_at"),), None)
        state, resolution, *more = read_events(item, story, Titles())
        assert (state.field, state.before, state.after) == ("state", "open", "done")
        assert (resolution.field, resolution.before, resolution.after) == ("resolution", None, item.resolution)
        assert not more
        assert abs(state.at - (item.done_at or datetime.min.replace(tzinfo=UTC))) <= timedelta(seconds=1)


@needs_devlake
def test_real_reasons_are_left_out_when_work_was_completed() -> None:
    """REST's events name no reason where the issue says completed, which is why none means completed."""
    recorded = [row for row in rows("github/_raw_github_api_events.csv") if row["event"] == "closed"]
    reasons = {(row["state_reason"], row["issue"].get("state_reason")) for row in recorded}
    assert {(None, "completed"), ("not_planned", "not_planned")} <= reasons
