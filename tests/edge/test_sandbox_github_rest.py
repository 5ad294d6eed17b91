"""The laws of the played GitHub's REST API, tried over real HTTP with httpx and PyGithub."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from github import Auth, BadCredentialsException, Github, RateLimitExceededException, UnknownObjectException

from okr_sync.sandbox.github import GithubSite
from okr_sync.sandbox.repositories import GithubWorld, Milestone, Repository
from okr_sync.sandbox.server import Server

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOKEN = "a-token"


def day(number: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)


@dataclass
class Play:
    """A served world with its own clock."""

    world: GithubWorld
    home: Repository
    milestone: Milestone
    now: datetime = NOW
    base: str = ""
    enterprise: bool = False

    def __post_init__(self) -> None:
        self.site = GithubSite(self.world, lambda: self.now, token=TOKEN, enterprise=self.enterprise)
        self.server = Server(self.site)

    @property
    def url(self) -> str:
        return self.server.url + ("/api/v3" if self.enterprise else "")

    def get(self, path: str, headers: dict[str, str] | None = None, token: str = TOKEN) -> httpx.Response:
        return httpx.get(self.url + path, headers={"Authorization": f"Bearer {token}", **(headers or {})})

    def client(self, token: str = TOKEN, per_page: int = 30) -> Github:
        auth = Auth.Token(token)
        return Github(base_url=self.url, auth=auth, retry=None, seconds_between_requests=0, per_page=per_page)


def small_world() -> tuple[GithubWorld, Repository, Milestone]:
    """A milestone of issues 1 (done), 2 (not planned), 3 (open), pulls 4 (merged), 5 (open); issue 6 is in none."""
    world = GithubWorld()
    home = world.add_repository("acme/app", at=day(0))
    milestone = world.add_milestone(home, "Reminder", at=day(1), due_on=day(90))
    issues = [world.add_issue(home, f"Issue {one}", at=day(2), milestone=milestone) for one in range(3)]
    world.close(issues[0], at=day(3))
    world.close(issues[1], "not_planned", at=day(4))
    world.label(issues[2], "bug", at=day(4))
    world.merge(world.add_pull_request(home, "Fix", at=day(4), milestone=milestone), at=day(5))
    world.add_pull_request(home, "Later", at=day(4), milestone=milestone)
    world.add_issue(home, "Elsewhere", at=day(6))
    return world, home, milestone


@pytest.fixture
def play() -> Iterator[Play]:
    made = Play(*small_world())
    with made.server:
        yield made


@pytest.fixture
def enterprise() -> Iterator[Play]:
    made = Play(*small_world(), enterprise=True)
    with made.server:
        yield made


def test_a_milestone_counts_pull_requests_and_dropped_issues(play: Play) -> None:
    milestone = play.client().get_repo("acme/app").get_milestone(1)
    assert (milestone.open_issues, milestone.closed_issues, milestone.state) == (2, 3, "open")
    assert (milestone.due_on, milestone.updated_at) == (day(90), day(5))


def test_the_clock_decides_what_is_seen(play: Play) -> None:
    play.now = day(3)
    shown = play.get("/repos/acme/app/milestones/1").json()
    assert (shown["open_issues"], shown["closed_issues"]) == (2, 1)
    play.now = day(0)
    assert play.get("/repos/acme/app/milestones/1").status_code == 404


def test_issues_come_with_their_pull_requests_and_reasons(play: Play) -> None:
    repo = play.client(per_page=2).get_repo("acme/app")
    shown = repo.get_issues(milestone=repo.get_milestone(1), state="all", sort="created", direction="asc")
    told = [(one.number, one.state, one.state_reason, one.pull_request is not None) for one in shown]
    assert told == [
        (1, "closed", "completed", False),
        (2, "closed", "not_planned", False),
        (3, "open", None, False),
        (4, "closed", None, True),
        (5, "open", None, True),
    ]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("milestone=1", {3, 5}),
        ("milestone=*&state=all", {1, 2, 3, 4, 5}),
        ("milestone=none&state=all", {6}),
        ("state=closed", {1, 2, 4}),
        ("state=all&labels=bug", {3}),
        ("state=all&since=2026-01-06T00:00:00Z", {4, 6}),
    ],
)
def test_issue_filters_keep_what_they_say(play: Play, query: str, numbers: set[int]) -> None:
    assert {one["number"] for one in play.get(f"/repos/acme/app/issues?{query}").json()} == numbers


def test_an_unknown_milestone_filter_is_a_validation_error(play: Play) -> None:
    answer = play.get("/repos/acme/app/issues?milestone=99")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "milestone")


def test_lists_default_to_open_and_thirty_and_never_exceed_a_hundred(play: Play) -> None:
    for number in range(150):
        made = play.world.add_milestone(play.home, f"M{number}", at=day(7))
        if number == 0:
            play.world.close_milestone(made, at=day(8))
    assert len(play.get("/repos/acme/app/milestones").json()) == 30
    assert len(play.get("/repos/acme/app/milestones?per_page=500&state=all").json()) == 100
    assert [one["title"] for one in play.get("/repos/acme/app/milestones?state=closed").json()] == ["M0"]
    assert len(list(play.client().get_repo("acme/app").get_milestones(state="all"))) == 151


def test_links_lead_to_the_next_and_last_page_on_the_same_host_until_there_are_none(play: Play) -> None:
    pages, answer = 1, play.get("/repos/acme/app/issues?state=all&per_page=2")
    seen = [one["number"] for one in answer.json()]
    assert set(answer.links) == {"next", "last"}
    while "next" in answer.links:
        url = answer.links["next"]["url"]
        assert url.startswith(play.server.url + "/repos/acme/app/issues?")
        answer = play.get(url.removeprefix(play.server.url))
        seen += [one["number"] for one in answer.json()]
        pages += 1
    assert (pages, sorted(seen), len(seen)) == (3, [1, 2, 3, 4, 5, 6], 6)
    assert play.get("/repos/acme/app/issues?state=all&per_page=2&page=9").json() == []


def test_milestones_sort_by_due_date_with_undated_last_or_by_completeness(play: Play) -> None:
    play.world.add_milestone(play.home, "Undated", at=day(2))
    play.world.add_milestone(play.home, "Early", at=day(2), due_on=day(10))

    def titles(query: str) -> list[str]:
        return [one["title"] for one in play.get(f"/repos/acme/app/milestones?{query}").json()]

    assert titles("") == ["Early", "Reminder", "Undated"]
    assert titles("sort=completeness&direction=desc")[0] == "Reminder"


def test_a_milestone_without_authorisation_or_with_a_wrong_token_is_401(play: Play) -> None:
    assert httpx.get(f"{play.url}/repos/acme/app").json()["message"] == "Bad credentials"
    assert play.get("/user", token="wrong").status_code == 401
    with pytest.raises(BadCredentialsException):
        play.client(token="wrong").get_user().login  # noqa: B018 -- the attribute sends the request
    assert play.get("/user", headers={"Authorization": f"token {TOKEN}"}).json()["login"] == "okr-bot"
    play.site.change_token("new")
    assert (play.get("/user").status_code, play.get("/user", token="new").status_code) == (401, 200)


def test_what_is_unknown_hidden_or_deleted_is_not_found(play: Play) -> None:
    assert play.get("/repos/acme/app").json()["id"] == play.home.id
    play.world.hide(play.home, at=day(20))
    gone = play.world.add_repository("acme/gone", at=day(0))
    play.world.delete(gone, at=day(1))
    for path in ("/repos/acme/app", f"/repositories/{play.home.id}", "/repos/acme/gone", "/repos/acme/never", "/nope"):
        answer = play.get(path)
        assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")
    with pytest.raises(UnknownObjectException):
        play.client().get_repo("acme/app")


def test_a_renamed_repository_redirects_to_its_numeric_id(play: Play) -> None:
    play.world.rename(play.home, "umbrella/core", at=day(10))
    answer = play.get("/repos/acme/app/milestones?state=all")
    assert answer.status_code == 301
    assert answer.headers["location"] == f"{play.url}/repositories/{play.home.id}/milestones?state=all"
    assert len(play.get(f"/repositories/{play.home.id}/milestones").json()) == 1
    assert play.client().get_repo("acme/app").full_name == "umbrella/core"
    written = httpx.post(f"{play.url}/repos/acme/app/issues", headers={"Authorization": f"token {TOKEN}"})
    assert written.status_code == 307


def test_a_transferred_issue_redirects_and_a_deleted_one_is_gone(play: Play) -> None:
    web = play.world.add_repository("acme/web", at=day(0))
    issue, other = play.world.items[2], play.world.items[0]
    play.world.transfer(issue, web, at=day(10))
    play.world.delete(other, at=day(10))
    answer = play.get(f"/repos/acme/app/issues/{issue.number}")
    assert (answer.status_code, answer.headers["location"]) == (301, f"{play.url}/repositories/{web.id}/issues/1")
    assert play.get(f"/repos/acme/app/issues/{other.number}").status_code == 410
    assert [one["number"] for one in play.get("/repos/acme/web/issues").json()] == [1]
    assert play.get("/repos/acme/app/milestones/1").json()["open_issues"] == 1


def test_an_unchanged_answer_is_304_and_free_until_something_changes(play: Play) -> None:
    path = "/repos/acme/app/milestones?state=all"
    first = play.get(path)
    asked = {"If-None-Match": first.headers["etag"]}
    again = play.get(path, headers=asked)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]
    play.world.add_issue(play.home, "New", at=day(30), milestone=play.milestone)
    changed = play.get(path, headers=asked)
    assert (changed.status_code, changed.json()[0]["open_issues"]) == (200, 3)
    assert int(changed.headers["x-ratelimit-remaining"]) == int(first.headers["x-ratelimit-remaining"]) - 1


def test_an_etag_belongs_to_its_token(play: Play) -> None:
    first = play.get("/repos/acme/app").headers["etag"]
    play.site.change_token("new")
    assert play.get("/repos/acme/app", headers={"If-None-Match": first}, token="new").status_code == 200


def test_pygithub_gets_304_for_a_list_through_its_requester(play: Play) -> None:
    requester = play.client().requester
    _, headers, _ = requester.requestJson("GET", "/repos/acme/app/milestones")
    status, _, body = requester.requestJson(
        "GET", "/repos/acme/app/milestones", headers={"If-None-Match": str(headers["etag"])}
    )
    assert (status, body) == (304, "")


def test_a_used_up_hour_is_403_until_it_ends(play: Play) -> None:
    before = play.get("/user").headers
    assert (before["x-ratelimit-limit"], before["x-ratelimit-used"], before["x-ratelimit-resource"]) == (
        "5000",
        "1",
        "core",
    )
    play.site.exhaust()
    refused = play.get("/user")
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    assert refused.headers["x-ratelimit-reset"] == str(int((NOW + timedelta(hours=1)).timestamp()))
    with pytest.raises(RateLimitExceededException):
        play.client().get_repo("acme/app")
    assert play.get("/rate_limit").json()["resources"]["core"]["remaining"] == 0
    play.now += timedelta(hours=1)
    assert play.get("/user").status_code == 200


@pytest.mark.parametrize(("status", "wait"), [(403, 60), (429, 5), (429, None)])
def test_a_secondary_limit_refuses_as_often_as_asked(play: Play, status: Any, wait: int | None) -> None:
    play.site.limit_secondary(times=2, status=status, retry_after=wait)
    answers = [play.get("/user") for _ in range(3)]
    assert [one.status_code for one in answers] == [status, status, 200]
    assert answers[0].headers.get("retry-after") == (None if wait is None else str(wait))
    assert "secondary rate limit" in answers[0].json()["message"]
    assert int(answers[0].headers["x-ratelimit-remaining"]) > 0


def test_filters_that_make_no_sense_are_validation_errors(play: Play) -> None:
    assert play.get("/repos/acme/app/issues?since=yesterday").status_code == 422
    assert play.get("/repos/acme/app/milestones/x").status_code == 404
    assert play.get("/repos/acme/app/issues/99").status_code == 404
    assert play.get("/repositories/1").status_code == 404


def test_issues_can_be_ordered_by_their_last_change(play: Play) -> None:
    shown = play.get("/repos/acme/app/issues?state=all&sort=updated&direction=desc").json()
    updated = [one["updated_at"] for one in shown]
    assert updated == sorted(updated, reverse=True)
    assert [one["number"] for one in shown][:2] == [6, 4]


def test_answers_to_many_threads_at_once_never_mix(play: Play) -> None:
    """Each thread reads another milestone while the world goes on changing."""
    made = [play.world.add_milestone(play.home, f"M{number}", at=day(7)) for number in range(8)]

    def read(milestone: Milestone) -> list[str]:
        return [play.get(f"/repos/acme/app/milestones/{milestone.number}").json()["title"] for _ in range(10)]

    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(read, made)
        for number in range(50):
            play.world.add_issue(play.home, f"More {number}", at=day(8), milestone=made[number % 8])
        assert list(answers) == [[one.title] * 10 for one in made]
    assert play.get(f"/repos/acme/app/milestones/{made[0].number}").json()["open_issues"] == 7


def test_every_answer_has_its_own_request_id(play: Play) -> None:
    ids = {play.get("/user").headers["x-github-request-id"] for _ in range(3)}
    assert len(ids) == 3


def test_an_enterprise_server_answers_below_api_v3_and_has_no_rate_limits(enterprise: Play) -> None:
    answer = enterprise.get("/repos/acme/app/issues?per_page=1")
    assert answer.links["next"]["url"].startswith(f"{enterprise.url}/repos/acme/app/issues?")
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]
    assert answer.headers["x-github-enterprise-version"]
    assert enterprise.get("/rate_limit").status_code == 404
    outside = httpx.get(f"{enterprise.server.url}/repos/acme/app", headers={"Authorization": f"token {TOKEN}"})
    assert (outside.status_code, outside.headers["content-type"]) == (404, "text/html")
    assert enterprise.client().get_repo("acme/app").get_milestone(1).title == "Reminder"
