"""The Data Center site keeps Jira Data Center's contract, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import httpx
import jira
import pytest

from tests.edge.jira_sandbox import Site, Small, day, served, small_world


@pytest.fixture
def small() -> Small:
    return small_world()


@pytest.fixture
def site(small: Small) -> Iterator[Site]:
    with served(small.world, day(7), "dc", page_limit=2) as site:
        yield site


def test_the_library_knows_it_as_a_server_and_pages_by_offset(site: Site) -> None:
    token = site.site.credentials.token
    with closing(jira.JIRA(site.server.url, token_auth=token, max_retries=0, timeout=5)) as client:
        assert client.deploymentType == "Server"
        found = client.search_issues('"Epic Link" in (A-1) ORDER BY key', maxResults=False, fields="status")
        assert [issue.key for issue in found] == ["A-3", "A-4", "B-1"]
        assert client.enhanced_search_issues("project = A") is None


def test_a_page_has_the_total_and_no_more_than_the_cap(site: Site) -> None:
    first = site.post("search", jql="project = A order by key", maxResults=1000, fields=["status"])
    assert (first["startAt"], first["maxResults"], first["total"]) == (0, 2, 5)
    pages = [site.get("search", jql="project = A order by key", startAt=start, maxResults=2) for start in (0, 2, 4, 6)]
    assert [[issue["key"] for issue in page["issues"]] for page in pages] == [
        ["A-1", "A-2"],
        ["A-3", "A-4"],
        ["A-5"],
        [],
    ]
    site.site.quirks.short_pages = True
    assert len(site.get("search", jql="project = A", maxResults=2)["issues"]) == 1


def test_unknown_names_spoil_a_query_unless_it_is_not_to_be_validated(site: Site) -> None:
    """The same query is refused and answered, in any order."""
    asked = {"jql": "key in (A-3, A-999) order by key", "fields": ["status"]}
    for _ in range(2):
        assert [issue["key"] for issue in site.post("search", **asked, validateQuery=False)["issues"]] == ["A-3"]
        assert "A-999" in site.post("search", 400, **asked)["errorMessages"][0]


def test_the_epic_stands_in_a_custom_field_by_key(site: Site) -> None:
    (link,) = [field for field in site.get("field") if field["schema"].get("custom", "").endswith(":gh-epic-link")]
    assert (link["id"], link["name"], link["clauseNames"]) == (
        "customfield_10008",
        "Epic Link",
        ["cf[10008]", "Epic Link"],
    )
    fields = site.get("issue/A-3")["fields"]
    assert fields["customfield_10008"] == "A-1"
    assert "parent" not in fields
    assert fields["customfield_10028"] == 3.0
    assert "statuscategorychangedate" not in fields
    assert "hierarchyLevel" not in fields["issuetype"]
    assert site.get("issue/B-1")["fields"]["customfield_10028"] == 5.0


def test_a_sub_task_has_a_parent_and_no_epic(site: Site) -> None:
    fields = site.get("issue/A-5")["fields"]
    assert (fields["parent"]["key"], fields["issuetype"]["subtask"]) == ("A-3", True)
    assert "customfield_10008" not in fields or fields["customfield_10008"] is None


def test_clouds_endpoints_and_versions_are_not_there(site: Site) -> None:
    assert site.http.post("/rest/api/2/search/jql", json={"jql": "project = A"}).status_code == 404
    assert site.http.post("/rest/api/2/issue/bulkfetch", json={"issueIdsOrKeys": ["A-1"]}).status_code == 405
    assert site.http.get("/rest/api/3/serverInfo").status_code == 404
    assert site.http.get("/rest/api/latest/serverInfo").json()["deploymentType"] == "Server"


def test_the_change_log_comes_with_the_issue_when_asked(site: Site, small: Small) -> None:
    small.world.reparent(small.done, small.empty, at=day(5))
    assert "changelog" not in site.get("issue/A-3")
    log = site.get("issue/A-3", expand="changelog")["changelog"]
    assert [item["field"] for entry in log["histories"] for item in entry["items"]] == [
        "status", "status", "resolution", "Epic Link",
    ]  # fmt: skip
    assert set(log["histories"][0]["items"][0]) == {"field", "fieldtype", "from", "fromString", "to", "toString"}


def test_a_wrong_token_gets_a_page_for_people(site: Site) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        answer = httpx.get(f"{site.server.url}/rest/api/2/myself", headers=headers, trust_env=False)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html;charset=UTF-8")
    assert httpx.get(f"{site.server.url}/rest/api/2/serverInfo", trust_env=False).status_code == 200


def test_a_rate_limit_is_html_with_the_size_of_the_bucket(site: Site) -> None:
    site.site.rate_limit_after = 0
    answer = site.http.get("/rest/api/2/myself")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
    assert answer.headers["x-ratelimit-interval-seconds"] == "30"
    assert answer.text.startswith("<html>")


def test_projects_are_one_list_and_hidden_ones_missing(site: Site, small: Small) -> None:
    assert [each["key"] for each in site.get("project")] == ["A", "B"]
    small.world.hide_project("B", at=day(7))
    assert [each["key"] for each in site.get("project")] == ["A"]
    site.get("project/B", 404)
    site.get("issue/B-1", 404)


def test_a_search_brings_change_logs_along_when_they_are_asked_for() -> None:
    small = small_world()
    with served(small.world, day(7), "dc") as site:
        found = site.get("search", jql=f"id in ({small.done.id})", fields="updated", expand="changelog")["issues"]
        alone = site.get(f"issue/{small.done.id}", expand="changelog")["changelog"]
    assert [each["changelog"] for each in found] == [alone]
    assert alone["total"] == 2
