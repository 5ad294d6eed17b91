"""The played GitHub's projects: what an item has in their fields while these are renamed, deleted, closed or hidden."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.repositories import GithubWorld
from okr_sync.sandbox.server import Server

START = datetime(2026, 10, 1, tzinfo=UTC)
TOKEN = "a-token"
QUESTION = """query($id: ID!) { node(id: $id) { ... on Issue { projectItems(first: 10) { totalCount nodes {
  project { number closed }
  estimate: fieldValueByName(name: "Estimate") { ...worth } size: fieldValueByName(name: "Size") { ...worth }
} } } } }
fragment worth on ProjectV2ItemFieldValue {
  __typename ... on ProjectV2ItemFieldNumberValue { number } ... on ProjectV2ItemFieldTextValue { text }
}"""


class Playing:
    """A world with one issue, whose places in projects can be asked for an hour after each deed."""

    def __init__(self) -> None:
        self.world = GithubWorld()
        self.now = START
        self.issue = self.world.add_issue(self.world.add_repository("acme/app", at=START), "An issue", at=START)
        self.server = Server(GithubSite(self.world, lambda: self.now, token=TOKEN))

    def later(self) -> datetime:
        self.now += timedelta(hours=1)
        return self.now

    def shown(self) -> list[dict[str, Any]]:
        """Return the issue's places in projects: number, closed, and what stands in both fields."""
        body = {"query": QUESTION, "variables": {"id": self.issue.node_id}}
        headers = {"Authorization": f"bearer {TOKEN}"}
        answer = httpx.post(f"{self.server.url}/graphql", json=body, headers=headers, trust_env=False).json()
        found = answer["data"]["node"]["projectItems"]
        assert found["totalCount"] == len(found["nodes"])
        return [{**each.pop("project"), **each} for each in found["nodes"]]


@pytest.fixture
def play() -> Iterator[Playing]:
    playing = Playing()
    with playing.server:
        yield playing


def place(number: int = 1, *, closed: bool = False, estimate: Any = None, size: Any = None) -> dict[str, Any]:
    return {"number": number, "closed": closed, "estimate": _worth(estimate), "size": _worth(size)}


def _worth(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    kind, name = ("Text", "text") if isinstance(value, str) else ("Number", "number")
    return {"__typename": f"ProjectV2ItemField{kind}Value", name: value}


def test_values_follow_a_field_to_its_new_name(play: Playing) -> None:
    """And a field made by the former name has its own. Seen red where a renamed field is taken for a deleted one."""
    play.world.estimate(play.issue, 5, at=play.later())
    play.world.projects.rename_field("Estimate", "Size", at=play.later())
    assert play.shown() == [place(size=5.0)]
    play.world.estimate(play.issue, 8, at=play.later())
    assert play.shown() == [place(estimate=8.0, size=5.0)]


def test_a_field_takes_its_values_with_it_and_may_come_back_as_another_type(play: Playing) -> None:
    """The item stays in the project. Seen red without the deletion, and where a text is told as a number."""
    play.world.estimate(play.issue, 5, at=play.later())
    play.world.projects.delete_field("Estimate", at=play.later())
    assert play.shown() == [place()]
    play.world.estimate(play.issue, "5", at=play.later())
    assert play.shown() == [place(estimate="5")]


def test_fields_of_one_project_are_none_of_another(play: Playing) -> None:
    """Seen red where a deletion reaches the fields of that name in all projects."""
    play.world.estimate(play.issue, 5, at=play.later())
    play.world.estimate(play.issue, 8, at=play.later(), project=2)
    play.world.projects.delete_field("Estimate", at=play.later(), project=2)
    assert play.shown() == [place(estimate=5.0), place(2)]


def test_a_closed_project_tells_all_and_a_hidden_one_nothing(play: Playing) -> None:
    """Until it is shown again. Seen red where hidden projects are listed, and where none is told as closed."""
    play.world.estimate(play.issue, 5, at=play.later())
    play.world.estimate(play.issue, 8, at=play.later(), project=2)
    play.world.projects.close(at=play.later())
    play.world.projects.hide(2, at=play.later())
    assert play.shown() == [place(closed=True, estimate=5.0)]
    play.world.projects.show(2, at=play.later())
    assert play.shown() == [place(closed=True, estimate=5.0), place(2, estimate=8.0)]
