"""Plays Zendesk and Intercom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from okr_sync.testing.server import Request, Response
from tests.presets.vendor import FROM, TO, Asked, Vendor, basic, bearer, secret, wanted


class Zendesk(Vendor):
    """Counts by search; ratings in pages by cursor, the last page with a cursor, too."""

    kind = "zendesk"
    refusal: ClassVar[Any] = {"error": "Couldn't authenticate you"}
    counts: Mapping[str, int] = {
        "type:ticket status<solved": 12,
        "type:ticket created>=2026-10-01 created<=2026-11-15": 340,
        "type:ticket priority:urgent": 0,
    }

    def __init__(self) -> None:
        scores = ["good", "bad", "good_with_comment", "good"]
        self.ratings = [{"id": n, "score": scores[n % 4]} for n in range(240)]

    def settings(self) -> Mapping[str, Any]:
        return {"subdomain": "acme", "email": "okr@acme.example", "api_token": secret(self.secret)}

    def questions(self) -> Mapping[str, Asked]:
        return {
            "open": Asked({"query": "tickets_open"}, (12,)),
            "created": Asked({"query": "tickets_created"}, (340,)),
            "urgent": Asked({"query": "tickets_matching", "search": "priority:urgent"}, (0,)),
            "satisfaction": Asked({"query": "satisfaction"}, (75,), requests=3),
        }

    def knows(self, request: Request) -> bool:
        return basic(request, "okr@acme.example/token", self.secret)

    def answer(self, request: Request) -> Response:
        if request.path == "/api/v2/users/me":
            return Response.of({"user": {"id": 1, "role": "agent"}})
        if request.path == "/api/v2/search/count":
            return Response.of({"count": self.counts[request.query["query"]]})
        wanted(request.path, "/api/v2/satisfaction_ratings")
        bounds = [request.query[name] for name in ("score", "start_time", "end_time")]
        wanted(bounds, ["received", str(FROM), str(TO)])
        begin, size = int(request.query.get("page[after]", 0)), int(request.query["page[size]"])
        meta = {"has_more": begin + size < len(self.ratings), "after_cursor": str(begin + size)}
        return Response.of({"satisfaction_ratings": self.ratings[begin : begin + size], "meta": meta})


class Intercom(Vendor):
    """Searches conversations and contacts, at most 150 a page, with the cursor inside of `pagination`."""

    kind = "intercom"
    refusal: ClassVar[Any] = {
        "type": "error.list",
        "errors": [{"code": "unauthorized", "message": "Access Token Invalid"}],
    }

    def settings(self) -> Mapping[str, Any]:
        return {"token": secret(self.secret), "host": "api.eu.intercom.io"}

    def questions(self) -> Mapping[str, Asked]:
        return {
            "open": Asked({"query": "conversations_open"}, (7,)),
            "created": Asked({"query": "conversations_created"}, (320,)),
            "rating": Asked({"query": "rating"}, (4.5,), requests=3),
            "contacts": Asked({"query": "contacts_created"}, (55,)),
        }

    def knows(self, request: Request) -> bool:
        return bearer(request, self.secret) and request.headers.get("intercom-version") == "2.11"

    def answer(self, request: Request) -> Response:
        if request.path == "/me":
            return Response.of({"type": "admin", "name": "Ana"})
        body = request.json()
        window = [
            {"field": "created_at", "operator": ">", "value": str(FROM)},
            {"field": "created_at", "operator": "<", "value": str(TO)},
        ]
        if request.path == "/contacts/search":
            wanted(body["query"], {"operator": "AND", "value": window})
            return Response.of({"type": "list", "data": [], "total_count": 55, "pages": {"type": "pages"}})
        wanted(request.path, "/conversations/search")
        if body["query"].get("field") == "state":
            wanted(body["query"], {"field": "state", "operator": "=", "value": "open"})
            return _listed([], 7, {})
        rated = {"field": "conversation_rating.score", "operator": ">", "value": 0}
        if rated not in body["query"]["value"]:
            wanted(body["query"], {"operator": "AND", "value": window})
            return _listed([], 320, {"starting_after": "x"})
        wanted(body["query"], {"operator": "AND", "value": [*window, rated]})
        begin, size = int(body["pagination"].get("starting_after", 0)), body["pagination"]["per_page"]
        rows = [{"conversation_rating": {"rating": 4 + n % 2}} for n in range(320)][begin : begin + size]
        return _listed(rows, 320, {"starting_after": str(begin + size)} if begin + size < 320 else {})


def _listed(rows: list[Any], total: int, following: Mapping[str, Any]) -> Response:
    pages = {"type": "pages", **({"next": following} if following else {})}
    return Response.of({"type": "conversation.list", "conversations": rows, "total_count": total, "pages": pages})
