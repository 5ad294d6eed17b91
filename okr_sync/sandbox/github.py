"""A site that plays GitHub: REST and GraphQL, as github.com or as an Enterprise server."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Literal

from okr_sync.sandbox.github_app import App
from okr_sync.sandbox.github_json import Addresses
from okr_sync.sandbox.github_limits import Limits, Resource, Window
from okr_sync.sandbox.github_rest import Rest, problem
from okr_sync.sandbox.graphql_engine import Query, prepare
from okr_sync.sandbox.graphql_fields import Context
from okr_sync.sandbox.graphql_kept import answer
from okr_sync.sandbox.repositories import GithubWorld
from okr_sync.sandbox.repositories_state import Pictures
from okr_sync.sandbox.server import JSON, Request, Response

__all__ = ["GithubSite"]

_BAD_GATEWAY = Response(
    502,
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n",
    {"Content-Type": "text/html", "Server": "GitHub.com"},
)

_LIMITED = {
    "RATE_LIMITED": {"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."},
    "RATE_LIMIT": {
        "type": "RATE_LIMIT",
        "code": "graphql_rate_limit",
        "message": "API rate limit already exceeded for user ID 1.",
    },
}


class GithubSite:
    """GitHub over `world` as it is at `clock()`.

    github.com answers at /… and /graphql; `enterprise` at /api/v3/… and /api/graphql, without rate limits. `limit` and
    `graphql_limit` are points an hour, `a_minute` requests in any minute. A GraphQL query for more than `too_big`
    milestone nodes gets 502 in HTML. Secondary limits and used-up hours come on demand, too. `limited_type` is what
    GraphQL calls a used-up hour: RATE_LIMITED is documented, RATE_LIMIT was seen in 2026
    (github.com/yanyongyu/githubkit/issues/271). Not `modern`: an Enterprise server of some years ago.
    `app` may sign in beside `token`.
    """

    def __init__(
        self,
        world: GithubWorld,
        clock: Callable[[], datetime],
        *,
        token: str = "sandbox-token",  # noqa: S107 -- the sandbox's own, worth nothing elsewhere
        login: str = "okr-bot",
        enterprise: bool = False,
        limit: int = 5000,
        graphql_limit: int = 5000,
        a_minute: Mapping[Resource, int] | None = None,
        too_big: int | None = None,
        limited_type: Literal["RATE_LIMITED", "RATE_LIMIT"] = "RATE_LIMITED",
        modern: bool = True,
        app: App | None = None,
    ) -> None:
        self.world = world
        self.limits = Limits({"core": Window(limit), "graphql": Window(graphql_limit)}, a_minute or {})
        self.too_big = too_big
        self._limited_type = limited_type
        self._clock = clock
        self._token = token
        self._login = login
        self._enterprise = enterprise
        self._modern = modern
        self._app = app
        self._pictures = Pictures(world)
        self._requests = itertools.count(1)

    def exhaust(self, resource: Resource = "core") -> None:
        """Use up the hour of REST ("core") or of GraphQL."""
        self.limits.exhaust(resource, self._clock())

    def limit_secondary(self, *, times: int = 1, status: Literal[403, 429] = 403, retry_after: int | None = 60) -> None:
        """Refuse the next `times` requests with a secondary limit; `retry_after` in seconds, None for no header."""
        self.limits.limit_secondary(times=times, status=status, retry_after=retry_after)

    def change_token(self, token: str) -> None:
        """Accept only `token` from now on."""
        self._token = token

    def respond(self, request: Request) -> Response:
        """Return GitHub's answer to `request`."""
        now = self._clock()
        if request.path in ("/graphql", "/api/graphql"):
            resource: Resource = "graphql"
            response = self._graphql(request, now)
        elif self._app is not None and request.path.endswith("/access_tokens"):
            resource = "core"
            response = self._app.grant(request, now)
        else:
            resource = "core"
            response = self._rest(request, now)
        return self._finish(response, resource, now)

    def _rest(self, request: Request, now: datetime) -> Response:
        base = "/api/v3" if self._enterprise else ""
        if not request.path.startswith(f"{base}/"):
            return Response(404, b"<html><body>Not Found</body></html>", {"Content-Type": "text/html"})
        path = request.path.removeprefix(base)
        if not self._knows(request, now):
            return problem(401, "Bad credentials")
        if path == "/rate_limit":
            return self._rate_limit(now)
        if refusal := self.limits.refusal("core", now):
            return refusal
        if not self._enterprise and not self.limits.charge("core", 1, now):
            return problem(403, "API rate limit exceeded for user ID 1.")
        world, addresses = self._pictures.at(now), self._addresses(request, base)
        rest = Rest(request, path.rstrip("/"), world, addresses, self._login, modern=self._modern)
        return self._tagged(request, rest.answer())

    def _tagged(self, request: Request, response: Response) -> Response:
        """Return `response` with its ETag, which belongs to the token, or 304, which is free."""
        if response.status != 200:
            return response
        digest = hashlib.sha256(self._token.encode() + request.path.encode() + response.body).hexdigest()
        headers = {**response.headers, "ETag": f'W/"{digest}"', "Cache-Control": "private, max-age=60, s-maxage=60"}
        asked = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
        if f'"{digest}"' not in asked:
            return replace(response, headers=headers)
        if not self._enterprise:
            self.limits.refund("core", 1)
        return Response(304, b"", {name: value for name, value in headers.items() if name != "Content-Type"})

    def _rate_limit(self, now: datetime) -> Response:
        if self._enterprise:
            return problem(404, "Rate limiting is not enabled.")
        shown = {resource: self.limits.shown(resource, now) for resource in self.limits.windows}
        return Response.of({"resources": shown, "rate": shown["core"]})

    def _graphql(self, request: Request, now: datetime) -> Response:
        if not self._knows(request, now):
            return problem(401, "Bad credentials" if "authorization" in request.headers else "Requires authentication")
        if request.method != "POST":
            return problem(404, "Not Found")
        if refusal := self.limits.refusal("graphql", now):
            return refusal
        try:
            payload = request.json()
        except ValueError:
            return problem(400, "Problems parsing JSON")
        query = prepare(payload, modern=self._modern)
        if self.too_big is not None and query.bill is not None and query.bill.milestones > self.too_big:
            return _BAD_GATEWAY
        return self._run(request, query, now)

    def _run(self, request: Request, query: Query, now: datetime) -> Response:
        bill = query.bill
        if bill is not None and not self._enterprise and not self.limits.charge("graphql", bill.cost, now):
            return Response.of({"errors": [_LIMITED[self._limited_type]]})
        rate_limit = None
        if bill is not None and not self._enterprise:
            shown: dict[str, Any] = self.limits.shown("graphql", now)
            reset = datetime.fromtimestamp(shown.pop("reset"), UTC)
            rate_limit = {**shown, "cost": bill.cost, "nodeCount": bill.nodes, "resetAt": f"{reset:%Y-%m-%dT%H:%M:%SZ}"}
        web = self._addresses(request, "").web
        return Response(200, answer(query, Context(self._pictures.at(now), web, rate_limit, self._login)), JSON)

    def _knows(self, request: Request, now: datetime) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        is_token = token.strip() == self._token or (self._app is not None and self._app.knows(token.strip(), now))
        return scheme.lower() in ("token", "bearer") and is_token

    def _addresses(self, request: Request, base: str) -> Addresses:
        host = f"http://{request.headers.get('host', 'localhost')}"
        return Addresses(host + base, host)

    def _finish(self, response: Response, resource: Resource, now: datetime) -> Response:
        known = response.status not in (401, 502) and "text/html" not in response.headers.get("Content-Type", "")
        rates = self.limits.headers(resource, now) if known and not self._enterprise else {}
        number = next(self._requests)
        stamp = {
            "Date": format_datetime(now.astimezone(UTC), usegmt=True),
            "X-GitHub-Request-Id": f"5A4D:{number:04X}:{number:06X}:{number * 7:06X}:{int(now.timestamp()):08X}",
            "X-GitHub-Media-Type": "github.v3; format=json",
            "Vary": "Accept, Authorization, Cookie, X-GitHub-OTP",
        }
        if self._enterprise:
            stamp["X-GitHub-Enterprise-Version"] = "3.14.0"
        return replace(response, headers={**response.headers, **rates, **stamp})
