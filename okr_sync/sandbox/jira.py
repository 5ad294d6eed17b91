"""Plays a Jira site, Cloud (REST v2 and v3) or Data Center (v2), from a world and a clock."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo

from okr_sync.sandbox.issues import Picture, take_picture
from okr_sync.sandbox.jira_access import (
    FAILED,
    Address,
    Credentials,
    holds_oauth_token,
    locate,
    may_be_nobody,
    refusal,
)
from okr_sync.sandbox.jira_catalogue import Flavour
from okr_sync.sandbox.jira_changelogs import ChangeLogs, LogQuirks
from okr_sync.sandbox.jira_limits import LimitWords, RateLimit
from okr_sync.sandbox.jira_resources import (
    accessible_resources,
    bulk_issues,
    fields,
    issue_types,
    my_permissions,
    myself,
    project,
    project_list,
    project_search,
    resolution_list,
    resolution_search,
    server_info,
    statuses,
)
from okr_sync.sandbox.jira_search import OffsetSearch, Quirks, TokenSearch, removed
from okr_sync.sandbox.jira_visit import JiraError, Visit
from okr_sync.sandbox.jira_world import JiraWorld
from okr_sync.sandbox.server import Request, Response

Endpoint: TypeAlias = Callable[[Visit], Response]
Clock: TypeAlias = Callable[[], datetime]


class JiraSite:
    """A Jira site whose state is that of `world` at `clock()`.

    `index_lag`: searches see things as they were that long ago; reads of single issues don't lag.
    `quirks`: what searches do wrong; `log_quirks`: how change logs differ. `rate_limit_after`: that many requests pass
    in each `rate_limit_window` of the clock, the others get 429 in the words of `limit_words`; None: all pass.
    `lets_nobody_in`: Cloud answers whom it refuses at its own address as it answers the public, which sees nothing.
    """

    def __init__(
        self,
        world: JiraWorld,
        clock: Clock,
        flavour: Flavour = "cloud",
        *,
        credentials: Credentials | None = None,
        page_limit: int | None = None,
        account_timezone: str = "Asia/Kathmandu",
        rate_limit_window: timedelta = timedelta(seconds=30),
    ) -> None:
        self.world = world
        self.clock = clock
        self.flavour: Flavour = flavour
        self.credentials = credentials or Credentials()
        self.index_lag = timedelta(0)
        self.quirks = Quirks()
        self.log_quirks = LogQuirks()
        self._zone = ZoneInfo(account_timezone)
        self.lets_nobody_in = False
        self.limit_words = LimitWords()
        self._limit = RateLimit(rate_limit_window, self.limit_words)
        self._pictures: list[Picture] = []
        self._developing = threading.Lock()
        self._routes = self._cloud(page_limit or 100) if flavour == "cloud" else self._dc(page_limit or 1000)

    @property
    def rate_limit_after(self) -> int | None:
        """How many requests pass in each window; None: all."""
        return self._limit.after

    @rate_limit_after.setter
    def rate_limit_after(self, after: int | None) -> None:
        self._limit.after = after

    @property
    def rate_limit_window(self) -> timedelta:
        """How long a window is."""
        return self._limit.window

    @rate_limit_window.setter
    def rate_limit_window(self, window: timedelta) -> None:
        self._limit.window = window

    def respond(self, request: Request) -> Response:
        """Return the site's answer: 404 off the API, 401, 429, or what the endpoint says."""
        now = self.clock()
        said = self._respond(request, now)
        return replace(said, headers={"Date": format_datetime(now.astimezone(UTC), usegmt=True), **said.headers})

    def _respond(self, request: Request, now: datetime) -> Response:
        address = locate(request, self.flavour)
        if address is None:
            return self._elsewhere(request)
        denied = refusal(request, address, self.flavour, self.credentials)
        if denied is not None and self.flavour == "cloud" and self.lets_nobody_in and may_be_nobody(address):
            seen = self._answer(request, address, self._visit(request, address, now, JiraWorld()))
            return replace(seen, headers={**seen.headers, **FAILED})
        denied = denied or self._limit.refusal(now, self.flavour)
        return denied or self._answer(request, address, self._visit(request, address, now, self.world))

    def _answer(self, request: Request, address: Address, visit: Visit) -> Response:
        try:
            return self._endpoint(request, address)(visit)
        except JiraError as error:
            return error.response()

    def _elsewhere(self, request: Request) -> Response:
        if self.flavour == "cloud" and request.path == "/_edge/tenant_info":
            return Response.of({"cloudId": self.credentials.cloud_id})
        if self.flavour == "cloud" and request.path == "/oauth/token/accessible-resources":
            if holds_oauth_token(request.headers.get("authorization", ""), self.credentials):
                return accessible_resources(request, self.credentials)
            return Response.of({"code": 401, "message": "Unauthorized"}, 401)
        return Response.of({"message": f"null for uri: {request.path}", "status-code": 404}, 404)

    def _endpoint(self, request: Request, address: Address) -> Endpoint:
        known = False
        for method, pattern, endpoint in self._routes:
            if re.fullmatch(pattern, address.path):
                known = True
                if method == request.method:
                    return endpoint
        raise JiraError(405 if known else 404, "Method Not Allowed" if known else f"No resource at {address.path}")

    def _visit(self, request: Request, address: Address, now: datetime, world: JiraWorld) -> Visit:
        picture = self._picture(world, now)
        indexed = self._picture(world, now - self.index_lag) if self.index_lag else picture
        return Visit(request, address, self.flavour, world, self._zone, now, picture, indexed)

    def _picture(self, world: JiraWorld, at: datetime) -> Picture:
        if world is not self.world:
            return take_picture(world, at)
        with self._developing:  # a picture is taken once, whoever waits for it
            kept = next((each for each in self._pictures if each.holds(self.world.version, at)), None)
            if kept is None:
                kept = take_picture(self.world, at)
                self._pictures = [kept, *self._pictures[:3]]
            return kept

    def _cloud(self, page_limit: int) -> list[tuple[str, str, Endpoint]]:
        tokens, logs = TokenSearch(page_limit, self.quirks), ChangeLogs(self.log_quirks)
        return [
            *self._shared(),
            ("GET", "resolution/search", resolution_search),
            ("GET", "project/search", project_search),
            ("GET", "project/[^/]+", project),
            ("GET", "search/jql", tokens.answer),
            ("POST", "search/jql", tokens.answer),
            ("POST", "search/approximate-count", tokens.count),
            ("GET", "search", removed),
            ("POST", "search", removed),
            ("POST", "issue/bulkfetch", bulk_issues),
            ("POST", "changelog/bulkfetch", logs.many),
        ]

    def _dc(self, page_limit: int) -> list[tuple[str, str, Endpoint]]:
        offsets = OffsetSearch(page_limit, self.quirks)
        return [
            *self._shared(),
            ("GET", "resolution", resolution_list),
            ("GET", "project", project_list),
            ("GET", "project/[^/]+", project),
            ("GET", "search", offsets.answer),
            ("POST", "search", offsets.answer),
        ]

    def _shared(self) -> list[tuple[str, str, Endpoint]]:
        logs = ChangeLogs(self.log_quirks)
        return [
            ("GET", "serverInfo", server_info),
            ("GET", "field", fields),
            ("GET", "status", statuses),
            ("GET", "issuetype", issue_types),
            ("GET", "myself", lambda visit: myself(visit, self.credentials.email)),
            ("GET", "mypermissions", my_permissions),
            ("GET", "issue/[^/]+", logs.issue),
            ("GET", "issue/[^/]+/changelog", logs.one),
        ]
