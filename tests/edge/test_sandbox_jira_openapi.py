"""What the Cloud site sends has the shapes of Jira's published OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.edge.jira_sandbox import Site, day, served, small_world

DOCUMENT = Path(__file__).parents[2] / "../shared/data/jira-cloud-openapi/swagger-v3.v3.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    if not DOCUMENT.is_file():
        pytest.skip(f"Jira's OpenAPI document is not at {DOCUMENT}")
    loaded: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture
def site() -> Iterator[Site]:
    small = small_world()
    small.world.change_project(small.moving, "B", at=day(6))
    with served(small.world, day(7), page_limit=2) as site:
        yield site


def without_null_ends(payload: Any) -> Any:
    """Leave out null ends of changes: the document's schema has only text there, its own examples have null."""
    if isinstance(payload, list):
        return [without_null_ends(each) for each in payload]
    if not isinstance(payload, dict):
        return payload
    ends = {"from", "fromString", "to", "toString"}
    return {name: without_null_ends(value) for name, value in payload.items() if value is not None or name not in ends}


def problems(document: dict[str, Any], method: str, path: str, payload: Any) -> list[str]:
    answer = document["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
    schema = {**answer, "components": document["components"]}
    errors = Draft7Validator(schema).iter_errors(without_null_ends(payload))
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors]


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("serverInfo", "serverInfo"),
        ("field", "field"),
        ("myself", "myself"),
        ("status", "status"),
        ("issuetype", "issuetype"),
        ("project/search", "project/search"),
        ("resolution/search", "resolution/search?maxResults=3"),
        ("project/{projectIdOrKey}", "project/A"),
        ("issue/{issueIdOrKey}", "issue/A-3?expand=changelog"),
        ("issue/{issueIdOrKey}/changelog", "issue/B-2/changelog"),
        ("search/jql", "search/jql?jql=project=A&fields=*all"),
    ],
)
def test_a_get_has_the_published_shape(document: dict[str, Any], site: Site, path: str, asked: str) -> None:
    response = site.http.get(f"{site.api}/{asked}")
    assert response.status_code == 200, response.text
    assert problems(document, "get", f"/rest/api/3/{path}", response.json()) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("search/jql", {"jql": "project = A", "fields": ["*all"]}),
        ("search/jql", {"jql": "project = A", "maxResults": 5000}),
        ("search/approximate-count", {"jql": "project = A"}),
        ("issue/bulkfetch", {"issueIdsOrKeys": ["A-1", "A-4", "A-5"]}),
        ("changelog/bulkfetch", {"issueIdsOrKeys": ["A-3", "A-4"], "maxResults": 1}),
    ],
)
def test_a_post_has_the_published_shape(document: dict[str, Any], site: Site, path: str, body: dict[str, Any]) -> None:
    payload = site.post(path, **body)
    assert payload
    assert problems(document, "post", f"/rest/api/3/{path}", payload) == []


def test_a_wrong_shape_would_be_seen(document: dict[str, Any]) -> None:
    assert problems(document, "post", "/rest/api/3/search/jql", {"issues": [{"id": 1}], "total": 3})


def test_every_published_request_property_of_a_search_is_taken(document: dict[str, Any], site: Site) -> None:
    known = document["components"]["schemas"]["SearchAndReconcileRequestBean"]["properties"]
    body = dict.fromkeys(known, None) | {"jql": "project = A"}
    assert len(site.post("search/jql", **body)["issues"]) == 4
