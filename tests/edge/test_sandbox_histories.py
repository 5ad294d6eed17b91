"""The laws of what the played trackers tell of the past, and of their own truth about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okr_sync.sandbox import github_generate, github_truth, jira_truth
from okr_sync.sandbox.github_generate import generate_github
from okr_sync.sandbox.issues import take_picture
from okr_sync.sandbox.jira_generate import generate_jira
from okr_sync.sandbox.repositories_state import ItemState, replay
from tests.edge.github_play import NOW, TOKEN, Play, day, played
from tests.edge.jira_sandbox import Small, served, small_world
from tests.edge.jira_sandbox import day as jira_day

EVENTS = """
query($id: ID!, $after: String) { node(id: $id) {
  ... on Issue {
    timelineItems(first: 2, after: $after, itemTypes: [MILESTONED_EVENT, DEMILESTONED_EVENT, CLOSED_EVENT]) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes { __typename
      ... on MilestonedEvent { createdAt milestoneTitle } ... on DemilestonedEvent { createdAt milestoneTitle }
      ... on ClosedEvent { createdAt stateReason } } } } } }
"""


def rest(play: Play, path: str, repo: str = "acme/app") -> list[dict[str, Any]]:
    answer = httpx.get(f"{play.server.url}/repos/{repo}/{path}", headers={"Authorization": f"bearer {TOKEN}"})
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()
    return rows


def test_github_tells_milestones_by_the_title_of_their_day() -> None:
    """Out of the one and into the other come in one instant; the deletion of a milestone is told to nobody."""
    with played() as play:
        item, second = play.world.items[0], play.world.add_milestone(play.home, "Second", at=day(5))
        play.world.retitle_milestone(play.milestone, "Renamed", at=day(6))
        play.world.set_milestone(item, second, at=day(7))
        play.world.delete(second, at=day(8))
        play.world.set_milestone(item, play.milestone, at=day(9))
        page = play.ask(EVENTS, id=item.node_id)["data"]["node"]["timelineItems"]
        nodes = list(page["nodes"])
        while page["pageInfo"]["hasNextPage"]:
            after = page["pageInfo"]["endCursor"]
            page = play.ask(EVENTS, id=item.node_id, after=after)["data"]["node"]["timelineItems"]
            nodes += page["nodes"]
        told = [(each["__typename"], each["createdAt"][:10], each.get("milestoneTitle")) for each in nodes]
        assert told == [
            ("MilestonedEvent", "2026-01-03", "Reminder"),
            ("ClosedEvent", "2026-01-04", None),
            ("MilestonedEvent", "2026-01-08", "Second"),
            ("DemilestonedEvent", "2026-01-08", "Renamed"),
            ("MilestonedEvent", "2026-01-10", "Renamed"),
        ]
        assert page["totalCount"] == len(told)
        assert nodes[1]["stateReason"] == "COMPLETED"


def test_github_tells_the_same_events_by_rest() -> None:
    """A merge closes too; completed is not named as a reason, as in recorded answers."""
    with played() as play:
        kinds = {number: [each["event"] for each in rest(play, f"issues/{number}/events")] for number in (1, 4, 5, 6)}
        assert kinds == {
            1: ["milestoned", "closed"],
            4: ["milestoned", "closed", "reopened"],
            5: ["milestoned", "merged", "closed"],
            6: ["milestoned", "closed"],
        }
        reasons = [rest(play, f"issues/{number}/events")[1]["state_reason"] for number in (1, 2, 3)]
        assert reasons == [None, "not_planned", "duplicate"]
        assert rest(play, "issues/1/events")[0]["milestone"] == {"title": "Reminder"}
        assert len(rest(play, "issues/5/events?per_page=2&page=2")) == 1


def test_a_transferred_issue_brings_its_events_along() -> None:
    with played() as play:
        target = play.world.add_repository("acme/new", at=day(1))
        moved = play.world.transfer(play.world.items[3], target, at=day(8))
        told = rest(play, f"issues/{moved.number}/events", "acme/new")
        assert [each["event"] for each in told] == ["milestoned", "closed", "reopened", "transferred"]
        assert github_truth.states_at(play.world, NOW)[moved.node_id] == github_truth.Was("open", None, None)
        assert play.world.items[3].node_id not in github_truth.states_at(play.world, day(8))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), days=st.floats(0, 130))
def test_githubs_truth_is_what_the_site_shows(seed: int, days: float) -> None:
    """State, ending and milestone of each item at any instant, told by timelines, are those of the replayed world."""
    world = generate_github(seed, repositories=2, milestones=3, items_per_milestone=6, now=NOW)
    at = NOW - timedelta(days=days)
    shown = {id_: node for id_, node in replay(world, at).nodes.items() if isinstance(node, ItemState)}
    true = github_truth.states_at(world, at)
    assert true.keys() == shown.keys()
    for id_, was in true.items():
        node = shown[id_]
        assert (was.state == "open") == (node.state == "OPEN")
        assert was.milestone == (node.milestone.milestone.node_id if node.milestone else None)
        assert (was.resolution == "merged") == (node.state == "MERGED")
        if was.state == "done" and not node.item.pull_request:
            assert was.resolution == (node.reason or "").lower()
    ids = [each.node_id for each in world.milestones]
    counts = github_generate.truth(world, ids, at)
    assert counts.open + counts.pulls_open == sum(was.state == "open" and was.milestone in ids for was in true.values())


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), days=st.floats(0, 180))
def test_jiras_truth_is_what_the_site_shows(seed: int, days: float) -> None:
    """State, resolution and what stands above each issue at any instant are those of the picture of the world."""
    at = NOW - timedelta(days=days)
    world = generate_jira(seed, projects=2, epics=2, issues_per_epic=8, now=NOW)
    shown, true = take_picture(world, at).issues, jira_truth.states_at(world, at)
    words = {"new": "open", "indeterminate": "in_progress", "done": "done"}
    assert true.keys() == shown.keys()
    for id_, was in true.items():
        view = shown[id_]
        assert (was.state, was.resolution) == (words[view.status.category.key], view.resolution)
        assert was.above == view.parent
        assert was.points is None or was.points == float(str(view.points))


def histories(pages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (log["issueId"], entry["id"])
        for each in pages
        for log in each["issueChangeLogs"]
        for entry in log["changeHistories"]
    ]


@pytest.fixture
def small() -> Small:
    return small_world()


def test_jiras_pages_of_many_logs_are_the_whole(small: Small) -> None:
    """However small the pages, together they hold each entry once, in the same order; 10,000 are the most."""
    with served(small.world, jira_day(10)) as site:
        ids = list(small.world.issues)
        whole = site.post("changelog/bulkfetch", issueIdsOrKeys=ids)
        site.site.log_quirks.page_limit = 1
        pages = [site.post("changelog/bulkfetch", issueIdsOrKeys=ids)]
        while "nextPageToken" in pages[-1]:
            token = pages[-1]["nextPageToken"]
            pages.append(site.post("changelog/bulkfetch", issueIdsOrKeys=ids, nextPageToken=token))
        assert histories(pages) == histories([whole])
        assert len(pages) == len(histories([whole])) == 3
        site.post("changelog/bulkfetch", 400, issueIdsOrKeys=ids, maxResults=10_001)
        site.post("changelog/bulkfetch", 400, issueIdsOrKeys=ids, nextPageToken="other")


def test_jiras_filter_by_parent_finds_what_has_no_field_id(small: Small) -> None:
    small.world.reparent(small.done, small.empty, at=jira_day(5))
    with served(small.world, jira_day(10)) as site:
        for field, found in (("parent", 1), ("IssueParentAssociation", 1), ("resolution", 1), ("summary", 0)):
            answer = site.post("changelog/bulkfetch", issueIdsOrKeys=[small.done.id], fieldIds=[field])
            items = [
                item for log in answer["issueChangeLogs"] for each in log["changeHistories"] for item in each["items"]
            ]
            assert len(items) == found
            assert all("fieldId" not in item for item in items if item["field"] == "IssueParentAssociation")


def test_data_center_cuts_a_log_only_when_told_and_then_has_pages(small: Small) -> None:
    small.world.reparent(small.task, small.moving, at=jira_day(5))
    with served(small.world, jira_day(10), "dc") as site:
        path = f"issue/{small.done.id}"
        site.get(f"{path}/changelog", 404)
        whole = site.get(path, expand="changelog")["changelog"]
        site.site.log_quirks.cap = 1
        cut = site.get(path, expand="changelog")["changelog"]
        assert (cut["histories"], cut["total"]) == (whole["histories"][-1:], 2)
        assert site.get(f"{path}/changelog")["values"] == whole["histories"]
        (line,) = site.get(f"issue/{small.task.id}/changelog")["values"][0]["items"]
        assert (line["field"], line["from"], line["to"]) == ("Parent", small.done.id, small.moving.id)


def test_changes_of_one_millisecond_follow_each_other_in_the_log(small: Small) -> None:
    """From the first to the second, then from the second to the third; not twice from the first."""
    for status in ("In Progress", "Done", "To Do"):
        small.world.move(small.moving, status, at=jira_day(5))
    with served(small.world, jira_day(10)) as site:
        (entry,) = site.get(f"issue/{small.moving.id}/changelog")["values"]
        ends = [(each["fromString"], each["toString"]) for each in entry["items"]]
        assert ends == [("To Do", "In Progress"), ("In Progress", "Done"), ("Done", "To Do")]
        assert datetime.fromisoformat(entry["created"]) == jira_day(5)
