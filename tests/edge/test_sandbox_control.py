"""The control of a served sandbox tells the log and the truth, and disturbs worlds on demand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import httpx
import pytest

from okr_sync.sandbox.__main__ import options, serve, sites
from okr_sync.sandbox.census import github_census, jira_census, jira_places
from okr_sync.sandbox.control import Control
from okr_sync.sandbox.deeds import disturb_github, disturb_jira
from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.github_generate import generate_github
from okr_sync.sandbox.github_generate import truth as github_truth
from okr_sync.sandbox.issues import take_picture
from okr_sync.sandbox.jira import JiraSite
from okr_sync.sandbox.jira_generate import generate_jira
from okr_sync.sandbox.jira_truth import truth as jira_truth
from okr_sync.sandbox.jira_world import JiraWorld
from okr_sync.sandbox.repositories import GithubWorld
from okr_sync.sandbox.server import Server

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=3)


def jira() -> JiraWorld:
    return generate_jira(3, 3, 6, 20, NOW)


def github() -> GithubWorld:
    return generate_github(3, repositories=3, milestones=6, items_per_milestone=20, now=NOW)


@contextmanager
def controlled() -> Iterator[tuple[Server, httpx.Client]]:
    """Serve a Jira with a control; yield its server and a client of the control."""
    site = JiraSite(jira(), lambda: LATER)
    with Server(site) as server:
        control = Control({"jira": (server, site.world)}, lambda: LATER)
        with Server(control) as door, httpx.Client(base_url=door.url, trust_env=False) as client:
            yield server, client


def test_the_census_of_jira_counts_as_the_truth_does() -> None:
    """Issues and sub-tasks of each epic, by the ids that the other count of the same timelines has."""
    world = jira()
    counted = jira_truth(world, [place.id for place in jira_places(world, LATER)], LATER)
    census = jira_census(world, LATER)
    assert {id_: {entry[0] for entry in entries} for id_, entries in census.items()} == {
        id_: set(each.members | each.subtasks) for id_, each in counted.items()
    }
    assert sum(map(len, census.values())) > 100


def test_the_census_of_github_counts_as_the_truth_does() -> None:
    world = github()
    for milestone in world.milestones:
        entries = github_census(world, LATER)[milestone.node_id]
        issues = [entry for entry in entries if not entry[0].startswith("PR_")]
        counted = github_truth(world, [milestone.node_id], LATER)
        assert len(issues) == counted.done + counted.open + counted.dropped
        assert sum(entry[2] == "completed" for entry in issues) == counted.done


def test_disturbed_jira_differs_in_as_many_issues_as_told() -> None:
    """Finished, reopened, moved and deleted ones, the same for the same seed; seen red with one deed left out."""
    world, other = jira(), jira()
    before = {row[0]: (row, epic) for epic, rows in jira_census(world, LATER).items() for row in rows}
    told = disturb_jira(world, 5, 0.5, LATER)
    after = {row[0]: (row, epic) for epic, rows in jira_census(world, LATER).items() for row in rows}
    levels = {issue.id: issue.type.level for issue in world.issues.values()}
    moved = {id_ for id_ in after if after[id_][1] != before[id_][1] and levels[id_] == 0}
    turned = {id_ for id_ in after if after[id_][0] != before[id_][0]}
    gone = {id_ for id_ in before.keys() - after.keys() if levels[id_] == 0}
    assert (len(gone), len(turned)) == (told["deleted"], told["finished"] + told["reopened"])
    assert 0 < len(moved) <= told["moved"]  # some are moved to where they were
    assert min(told.values()) > 0
    assert told == disturb_jira(other, 5, 0.5, LATER)
    assert jira_census(world, LATER) == jira_census(other, LATER)


def test_disturbed_github_differs_in_as_many_items_as_told() -> None:
    """Finished, reopened, moved and deleted ones, the same for the same seed; seen red with one deed left out."""
    world, other = github(), github()
    before = {row[0]: row for rows in github_census(world, LATER).values() for row in rows}
    told = disturb_github(world, 5, 0.5, LATER)
    after = {row[0]: row for rows in github_census(world, LATER).values() for row in rows}
    assert len(before) - len(after) == told["deleted"]
    assert sum(after[id_] != before[id_] for id_ in after) == told["finished"] + told["reopened"]
    assert min(told.values()) > 0
    assert told == disturb_github(other, 5, 0.5, LATER)
    assert github_census(world, LATER) == github_census(other, LATER)


def test_the_control_tells_what_was_asked_since_it_was_told_to_forget() -> None:
    with controlled() as (server, client):
        httpx.get(f"{server.url}/rest/api/2/serverInfo", params={"a": "b"}, trust_env=False)
        (line,) = client.get("/log").json()["jira"]
        assert (line["method"], line["path"], line["query"]) == ("GET", "/rest/api/2/serverInfo", {"a": "b"})
        assert (line["status"], line["body"]) == (200, "")
        client.post("/forget")
        assert client.get("/log").json() == {"jira": []}


def test_the_control_slows_the_sites_and_not_itself() -> None:
    with controlled() as (server, client):
        assert client.post("/latency", json={"seconds": 0.2}).json() == {"jira": 0.2}
        assert server.latency == 0.2
        assert client.get("/cost").json()["cpu"] > 0


def test_a_change_told_to_the_control_is_seen_in_its_truth_and_by_the_site() -> None:
    with controlled() as (server, client):
        places = client.get("/places").json()["jira"]
        before = client.get("/truth").json()["jira"]
        told = client.post("/change", json={"share": 0.2, "seed": 1}).json()["jira"]
        after = client.get("/truth").json()["jira"]
        assert {place["id"] for place in places} == before.keys() == after.keys()
        assert sum(before[id_] != after[id_] for id_ in before) > 0
        assert told["deleted"] > 0
        site = server.site
        assert isinstance(site, JiraSite)
        picture = take_picture(site.world, LATER)
        assert {row[0] for rows in after.values() for row in rows} <= picture.issues.keys()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("/nothing", {}, 404), ("/change", {"share": 1}, 400), ("/latency", {"seconds": "x"}, 400), ("/change", [], 400)],
)
def test_the_control_refuses_what_it_can_t_do(path: str, body: Any, status: int) -> None:
    with controlled() as (_, client):
        answer = client.post(path, json=body)
        assert answer.status_code == status
        assert answer.json()["error"]


def test_the_control_of_a_github_tells_its_milestones() -> None:
    site = GithubSite(github(), lambda: LATER)
    with Server(site) as server:
        control = Control({"github": (server, site.world)}, lambda: LATER)
        with Server(control) as door, httpx.Client(base_url=door.url, trust_env=False) as client:
            places = client.get("/places").json()["github"]
            assert (places[0]["key"], places[0]["number"]) == ("digital-pharma/service-1", 1)
            assert client.get("/truth").json()["github"].keys() == {place["id"] for place in places}
            assert client.post("/change", json={"share": 0.1, "seed": 1}).json()["github"]["places"] > 0


def test_nothing_happens_by_itself_in_a_settled_sandbox() -> None:
    """Seen red with the history not put back."""
    words = ["--jira", "cloud", "--projects", "2", "--epics", "20", "--issues", "60", "--github", "com", "--settled"]
    made = sites(options(words), lambda: NOW)
    worlds = made["jira"].world, made["github"].world
    assert isinstance(worlds[0], JiraWorld)
    assert isinstance(worlds[1], GithubWorld)
    assert max(change.at for issue in worlds[0].issues.values() for change in issue.changes) < NOW
    assert max(event.at for item in worlds[1].items for event in item.events) < NOW


def test_the_command_says_where_the_control_is(capsys: pytest.CaptureFixture[str]) -> None:
    stop = Event()
    stop.set()
    serve(options(["--jira", "dc", "--epics", "1", "--issues", "1", "--control"]), lambda: NOW, stop)
    assert set(json.loads(capsys.readouterr().out)) == {"jira", "control"}
