"""The Cloud site keeps Jira Cloud's contract, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import httpx
import jira
import pytest

from okr_sync.sandbox.archive import load_archive
from okr_sync.sandbox.jira_access import Credentials
from okr_sync.sandbox.jira_catalogue import Flavour
from okr_sync.sandbox.jira_generate import generate_jira
from okr_sync.sandbox.jira_query import milliseconds
from okr_sync.sandbox.jira_truth import truth
from tests.edge.jira_sandbox import Site, Small, day, served, small_world

ARCHIVE = Path(__file__).parents[2] / "../shared/data/jira-archive"
GATEWAY = "/ex/jira/{cloud_id}/rest/api/3"


@pytest.fixture
def small() -> Small:
    return small_world()


@pytest.fixture
def site(small: Small) -> Iterator[Site]:
    with served(small.world, day(7), page_limit=2, credentials=Credentials(scoped_token="scoped")) as site:
        yield site


def test_the_library_knows_it_as_cloud_and_finds_issues(site: Site) -> None:
    credentials = site.site.credentials
    auth = (credentials.email, credentials.token)
    with closing(jira.JIRA(site.server.url, basic_auth=auth, max_retries=0, timeout=5)) as client:
        found = client.enhanced_search_issues(
            "parent in (A-1) ORDER BY updated ASC, key ASC", maxResults=5000, use_post=True, json_result=True
        )
        assert isinstance(found, dict)
        assert [issue["key"] for issue in found["issues"]] == ["A-4", "A-3"]
        assert found["nextPageToken"]
        assert not found["isLast"]
        assert client.approximate_issue_count("parent = A-1") == 3
        assert client.myself()["timeZone"] == "Asia/Kathmandu"


@pytest.mark.parametrize("version", ["2", "3", "latest"])
def test_the_removed_search_is_gone_and_says_where_to_go(site: Site, version: str) -> None:
    for method in ("GET", "POST"):
        answer = site.http.request(method, f"/rest/api/{version}/search", json={"jql": "project = A"})
        assert answer.status_code == 410
        assert "CHANGE-2046" in answer.json()["errorMessages"][0]


def test_a_search_returns_ids_alone_unless_asked_for_more(site: Site, small: Small) -> None:
    page = site.post("search/jql", jql="key = A-3")
    assert page == {"issues": [{"id": small.done.id}], "isLast": True}
    (issue,) = site.post("search/jql", jql="key = A-3", fields=["status", "nonsense"])["issues"]
    assert (issue["key"], list(issue["fields"])) == ("A-3", ["status"])
    (issue,) = site.post("search/jql", jql="key = A-3", fields=["*all", "-status"])["issues"]
    assert "status" not in issue["fields"]
    assert issue["fields"]["parent"]["key"] == "A-1"


def test_pages_are_no_longer_than_granted_and_ids_come_in_thousands(site: Site) -> None:
    full = site.pages("parent = A-1 order by key", ["status"], maxResults=5000)
    assert [[issue["key"] for issue in page["issues"]] for page in full] == [["A-3", "A-4"], ["B-1"]]
    assert "total" not in full[0]
    (ids,) = site.pages("project in (A, B)", ["id", "key"], maxResults=5000)
    assert len(ids["issues"]) == 6
    assert [len(page["issues"]) for page in site.pages("project = A", maxResults=3)] == [3, 2]


def test_a_get_with_repeated_fields_is_the_same_search(site: Site) -> None:
    body = site.post("search/jql", jql="key = A-3", fields=["status", "summary"])
    for fields in (["status", "summary"], "status,summary"):
        assert site.get("search/jql", jql="key = A-3", fields=fields) == body


def test_a_token_belongs_to_its_query_and_lives_seven_days(site: Site) -> None:
    token = site.post("search/jql", jql="project = A", maxResults=2)["nextPageToken"]
    site.post("search/jql", jql="project = A", maxResults=2, nextPageToken=token)
    for jql, wrong in (("project = B", token), ("project = A", "abc")):
        assert "token" in site.post("search/jql", 400, jql=jql, nextPageToken=wrong)["errorMessages"][0]
    site.clock.at += timedelta(days=7, seconds=1)
    site.post("search/jql", 400, jql="project = A", nextPageToken=token)


def test_an_issue_updated_while_paging_turns_up_again(site: Site, small: Small) -> None:
    jql = "parent = A-1 order by updated asc, key asc"
    first = site.post("search/jql", jql=jql, fields=["status"])
    small.world.touch(small.moving, at=day(6.5))
    second = site.post("search/jql", jql=jql, fields=["status"], nextPageToken=first["nextPageToken"])
    assert [[issue["key"] for issue in page["issues"]] for page in (first, second)] == [["A-4", "A-3"], ["B-1", "A-4"]]


@pytest.mark.parametrize(
    "body",
    [
        {"jql": ""},
        {"jql": "order by key"},
        {"jql": "parent in (A-99)"},
        {"jql": "project = A", "startAt": 0},
        {"jql": "project = A", "maxResults": "many"},
        {"jql": "project = A", "maxResults": -1},
        {"jql": "project = A", "fields": "status"},
        {"jql": "project = A", "nextPageToken": 5},
        [],
    ],
)
def test_a_bad_search_is_refused_with_messages(site: Site, body: object) -> None:
    answer = site.http.post(f"{site.api}/search/jql", json=body)
    assert answer.status_code == 400
    assert answer.json()["errorMessages"]
    assert site.http.post(f"{site.api}/search/jql", content=b"{").status_code == 400


def test_bulk_fetch_follows_moves_and_leaves_out_what_it_can_not_show(site: Site, small: Small) -> None:
    small.world.change_project(small.done, "B", at=day(7))
    small.world.delete(small.moving, at=day(7))
    asked = ["a-3", "A-1", small.epic.id, "A-4", "Z-1"]
    found = site.post("issue/bulkfetch", issueIdsOrKeys=asked, fields=["summary"])
    assert [issue["key"] for issue in found["issues"]] == ["A-1", "B-2"]
    assert found["issueErrors"] == []
    small.world.hide_project("B", at=day(7))
    assert [each["key"] for each in site.post("issue/bulkfetch", issueIdsOrKeys=asked)["issues"]] == ["A-1"]
    site.post("issue/bulkfetch", 400, issueIdsOrKeys=[str(number) for number in range(101)])
    site.post("issue/bulkfetch", 400, issueIdsOrKeys=[])


def test_an_issue_has_what_readers_need(site: Site, small: Small) -> None:
    fields = site.get("issue/a-3")["fields"]
    assert fields["status"]["statusCategory"]["key"] == "done"
    assert fields["resolution"]["name"] == "Done"
    assert fields["resolutiondate"] == fields["statuscategorychangedate"] == "2026-01-09T14:45:00.000+0545"
    assert fields["issuetype"]["hierarchyLevel"] == 0
    assert fields["customfield_10028"] == 3.0
    assert [task["key"] for task in fields["subtasks"]] == ["A-5"]
    assert site.get("issue/A-1")["fields"]["subtasks"] == []
    above = fields["parent"]
    assert (above["id"], above["key"], above["fields"]["issuetype"]["name"]) == (small.epic.id, "A-1", "Epic")
    assert above["self"] == f"{site.server.url}/rest/api/3/issue/{small.epic.id}"
    assert site.get("issue/B-1", fields="customfield_10016,customfield_10028")["fields"] == {
        "customfield_10016": 5.0, "customfield_10028": None,
    }  # fmt: skip
    assert site.get("issue/A-99", 404)["errorMessages"] == [
        "Issue does not exist or you do not have permission to see it."
    ]


def test_several_fields_look_like_points(site: Site) -> None:
    fields = {field["id"]: field for field in site.get("field")}
    numbers = [field["name"] for field in fields.values() if field["schema"]["type"] == "number"]
    assert numbers == ["Story point estimate", "Story Points", "QE Story Points"]
    assert fields["customfield_10016"]["schema"]["custom"].endswith(":jsw-story-points")


def test_the_change_log_tells_each_change_once_in_order(site: Site, small: Small) -> None:
    small.world.reparent(small.done, small.empty, at=day(5))
    small.world.edit(small.done, at=day(6), points=8.0)
    log = site.get("issue/A-3/changelog")
    items = [
        (entry["created"][:10], item["field"], item["fromString"], item["toString"])
        for entry in log["values"]
        for item in entry["items"]
    ]
    assert items == [
        ("2026-01-08", "status", "To Do", "In Progress"),
        ("2026-01-09", "status", "In Progress", "Done"),
        ("2026-01-09", "resolution", None, "Done"),
        ("2026-01-10", "IssueParentAssociation", "A-1", "A-2"),
        ("2026-01-11", "Story Points", "3.0", "8.0"),
    ]
    page = site.get("issue/A-3/changelog", startAt=1, maxResults=2)
    assert (page["values"], page["isLast"], page["total"]) == (log["values"][1:3], False, 4)


def test_a_move_to_another_project_is_in_the_change_log(site: Site, small: Small) -> None:
    small.world.change_project(small.moving, "B", at=day(6))
    small.world.add_version("1.0", release_date=date(2026, 2, 1))
    small.world.edit(small.moving, at=day(6), labels=("a", "b"), fix_versions=("1.0",))
    (entry,) = site.get("issue/A-4/changelog")["values"]
    assert [(item["field"], item["fromString"], item["toString"]) for item in entry["items"]] == [
        ("Key", "A-4", "B-2"), ("project", "Alpha", "Beta"), ("labels", "", "a b"), ("fixVersions", "", "1.0"),
    ]  # fmt: skip
    (version,) = site.get("issue/B-2")["fields"]["fixVersions"]
    assert (version["name"], version["released"], version["releaseDate"]) == ("1.0", False, "2026-02-01")


def test_an_epic_that_is_elsewhere_is_named_and_not_found(site: Site, small: Small) -> None:
    small.world.add_stranger("900", "ZED-9")
    small.world.reparent(small.moving, "900", at=day(6))
    assert site.get("issue/A-4")["fields"]["parent"]["key"] == "ZED-9"
    assert site.post("issue/bulkfetch", issueIdsOrKeys=["ZED-9", "900"])["issues"] == []
    (message,) = site.post("search/jql", 400, jql="parent in (ZED-9)")["errorMessages"]
    assert message == "An issue with key 'ZED-9' does not exist for field 'parent'."
    assert site.get("issue/A-4/changelog")["values"][-1]["items"][0]["toString"] == "ZED-9"


def test_bulk_change_logs_come_in_pages_and_by_field(site: Site) -> None:
    asked = {"issueIdsOrKeys": ["A-3", "B-1"], "fieldIds": ["status"]}
    whole = site.post("changelog/bulkfetch", **asked)
    sizes = [len(log["changeHistories"]) for log in whole["issueChangeLogs"]]
    assert sizes == [2, 1]
    assert {
        item["fieldId"] for log in whole["issueChangeLogs"] for e in log["changeHistories"] for item in e["items"]
    } == {"status"}
    first = site.post("changelog/bulkfetch", **asked, maxResults=2)
    rest = site.post("changelog/bulkfetch", **asked, maxResults=2, nextPageToken=first["nextPageToken"])
    assert first["issueChangeLogs"] + rest["issueChangeLogs"] == whole["issueChangeLogs"]
    assert "nextPageToken" not in rest
    site.post("changelog/bulkfetch", 400, **asked, nextPageToken="abc")
    site.post("changelog/bulkfetch", 400, issueIdsOrKeys=["A-3"], fieldIds=[str(number) for number in range(11)])


def test_projects_that_can_not_be_seen_are_not_found(site: Site, small: Small) -> None:
    assert [each["key"] for each in site.get("project/search")["values"]] == ["A", "B"]
    small.world.hide_project("B", at=day(7))
    assert [each["key"] for each in site.get("project/search", keys=["A", "B"])["values"]] == ["A"]
    assert site.get("project/a")["name"] == "Alpha"
    site.get("project/B", 404)
    assert site.keys("parent = A-1 order by key") == ["A-3", "A-4"]
    site.post("search/jql", 400, jql="project = B")


@pytest.mark.parametrize(
    "auth", [None, ("ana@example.com", "wrong"), ("ana@example.com", "scoped"), ("x", "jira-token")]
)
def test_wrong_credentials_get_401(site: Site, auth: tuple[str, str] | None) -> None:
    answer = httpx.get(f"{site.server.url}/rest/api/3/myself", auth=auth, trust_env=False)
    assert answer.status_code == 401
    assert answer.headers["x-seraph-loginreason"] == "AUTHENTICATED_FAILED"
    for odd in (f"Bearer {site.site.credentials.token}", "Basic %%%", "Basic /w=="):
        headers = {"Authorization": odd}
        assert httpx.get(f"{site.server.url}/rest/api/3/myself", headers=headers, trust_env=False).status_code == 401


def test_a_scoped_token_works_behind_the_gateway_only(site: Site) -> None:
    credentials = site.site.credentials
    gateway = site.server.url + GATEWAY.format(cloud_id=credentials.cloud_id)
    auth = (credentials.email, "scoped")
    issue = httpx.get(f"{gateway}/issue/A-1", auth=auth, trust_env=False).json()
    assert issue["self"].startswith(gateway)
    assert httpx.get(f"{gateway}/serverInfo", auth=auth, trust_env=False).json()["baseUrl"] == site.server.url
    assert httpx.get(f"{gateway}/myself", auth=(credentials.email, "no"), trust_env=False).status_code == 401
    other = site.server.url + GATEWAY.format(cloud_id="another")
    assert httpx.get(f"{other}/myself", auth=auth, trust_env=False).status_code == 401
    assert httpx.get(f"{site.server.url}/_edge/tenant_info", trust_env=False).json() == {
        "cloudId": credentials.cloud_id
    }


def test_the_search_index_may_lag_behind_the_issues(site: Site) -> None:
    site.clock.at = day(4)
    site.site.index_lag = timedelta(hours=1)
    late = f"updated >= {milliseconds(day(4))} and key = A-3"
    assert site.keys(late) == []
    assert site.get("issue/A-3")["fields"]["status"]["name"] == "Done"
    (stale,) = site.post("search/jql", jql="key = A-3", fields=["status"])["issues"]
    assert stale["fields"]["status"]["name"] == "In Progress"
    site.clock.at = day(4) + timedelta(hours=1)
    assert site.keys(late) == ["A-3"]


def test_paging_goes_wrong_on_demand(site: Site) -> None:
    ask = {"jql": "project = A", "maxResults": 2}
    first = site.post("search/jql", **ask)
    site.site.quirks.repeat_token = True
    again = site.post("search/jql", **ask, nextPageToken=first["nextPageToken"])
    assert again["nextPageToken"] == first["nextPageToken"]
    site.site.quirks.repeat_token = False
    site.site.quirks.empty_page_with_token = True
    token = first["nextPageToken"]
    for _ in range(3):
        empty = site.post("search/jql", **ask, nextPageToken=token)
        assert (empty["issues"], empty["isLast"]) == ([], False)
        assert empty["nextPageToken"] != token
        token = empty["nextPageToken"]
    site.site.quirks.empty_page_with_token = False
    site.site.quirks.short_pages = True
    assert [len(page["issues"]) for page in site.pages("project = A", maxResults=4)] == [2, 2, 1]


def test_a_rate_limit_says_when_to_come_back(site: Site) -> None:
    site.site.rate_limit_after = 2
    answers = [site.http.get(f"{site.api}/myself") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    headers = answers[2].headers
    assert (headers["retry-after"], headers["ratelimit-reason"]) == ("30", "jira-burst-based")
    site.clock.at += timedelta(seconds=30)
    site.get("myself")
    site.site.rate_limit_after = None
    assert [site.http.get(f"{site.api}/myself").status_code for _ in range(4)] == [200] * 4


def test_other_addresses_and_methods_are_refused(site: Site) -> None:
    assert site.http.get("/rest/api/3/nothing").status_code == 404
    assert site.http.get("/rest/agile/1.0/board").status_code == 404
    assert site.http.delete("/rest/api/3/issue/A-1").status_code == 405


def test_readers_are_served_while_the_world_changes(site: Site, small: Small) -> None:
    """Each answer is of one instant: the issue stands either in its old project or in its new one."""

    def look(_: int) -> tuple[int, str]:
        answer = site.http.post(
            f"{site.api}/search/jql", json={"jql": "parent = A-1", "fields": ["key"], "maxResults": 9}
        )
        key = site.get(f"issue/{small.moving.id}", expand="changelog")["key"]
        return len(answer.json()["issues"]), key

    with ThreadPoolExecutor(4) as pool:
        looks = pool.map(look, range(40))
        for number in range(1, 100):
            small.world.change_project(small.moving, "AB"[number % 2], at=day(6) + timedelta(seconds=number))
            small.world.touch(small.done, at=day(6))
        seen = list(looks)
    assert {count for count, _ in seen} == {3}
    assert {key[0] for _, key in seen} <= {"A", "B"}


@pytest.mark.parametrize(("flavour", "jql"), [("cloud", "parent = DAEMON-48"), ("dc", '"Epic Link" = DAEMON-48')])
def test_recorded_issues_are_found_below_their_epic_in_both_flavours(flavour: Flavour, jql: str) -> None:
    if not ARCHIVE.is_dir():
        pytest.skip(f"the recorded issues are not at {ARCHIVE}")
    dumps = [json.loads(file.read_text(encoding="utf-8")) for file in ARCHIVE.rglob("*.json")]
    below = {dump["key"] for dump in dumps if (dump["fields"].get("epic") or {}).get("key") == "DAEMON-48"}
    with served(load_archive(ARCHIVE), day(100), flavour) as site:
        path = "search/jql" if flavour == "cloud" else "search"
        found = site.post(path, jql=jql, fields=["key"], maxResults=1000)["issues"]
    assert {issue["key"] for issue in found} == below
    assert below


def test_a_big_world_pages_to_the_truth() -> None:
    now = day(100)
    world = generate_jira(3, 5, 30, 20, now)
    epics = [issue for issue in world.issues.values() if issue.type.level == 1]
    with served(world, now) as site:
        jql = f"parent in ({','.join(epic.key for epic in epics)}) ORDER BY updated ASC, key ASC"
        pages = site.pages(jql, ["parent", "status"], maxResults=5000)
        found = [(issue["fields"]["parent"]["id"], issue["id"]) for page in pages for issue in page["issues"]]
    assert {len(page["issues"]) for page in pages[:-1]} == {100}
    assert len(found) == len(set(found))
    counts = truth(world, [epic.id for epic in epics], now)
    assert {epic: {id_ for above, id_ in found if above == epic} for epic in counts} == {
        epic: set(each.members) for epic, each in counts.items()
    }
