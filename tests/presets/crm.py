"""Plays HubSpot and Salesforce."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from okr_sync.testing.server import Request, Response
from tests.presets.vendor import FROM, TO, Asked, Vendor, bearer, secret, wanted


class HubSpot(Vendor):
    """Deals of which every other one is won; search gives at most 200 a page, amounts as text."""

    kind = "hubspot"
    refusal: ClassVar[Any] = {
        "status": "error",
        "category": "INVALID_AUTHENTICATION",
        "message": "Authentication credentials not found",
    }

    def __init__(self) -> None:
        self.deals = [
            {
                "id": str(n),
                "properties": {
                    "amount_in_home_currency": None if n == 3 else "" if n == 5 else f"{n}.50",
                    "hs_is_closed_won": "true" if n % 2 else "false",
                    "hs_is_closed": "true" if n % 2 else "false",
                    "closedate": FROM * 1000 + n,
                    "pipeline": "default" if n < 400 else "big",
                },
            }
            for n in range(900)
        ]

    def settings(self) -> Mapping[str, Any]:
        return {"token": secret(self.secret)}

    def questions(self) -> Mapping[str, Asked]:
        won = [n for n in range(1, 900, 2) if n not in (3, 5)]
        big = range(401, 900, 2)
        return {
            "won": Asked({"query": "deals_won_amount"}, (sum(n + 0.5 for n in won),), requests=3),
            "big": Asked({"query": "deals_won_amount", "pipeline": "big"}, (sum(n + 0.5 for n in big),), requests=2),
            "count": Asked({"query": "deals_won"}, (450,)),
            "open": Asked({"query": "deals_open_amount"}, (sum(n + 0.5 for n in range(0, 900, 2)),), requests=3),
            "contacts": Asked({"query": "contacts_created"}, (31,)),
        }

    def knows(self, request: Request) -> bool:
        return bearer(request, self.secret)

    def answer(self, request: Request) -> Response:
        if request.method == "GET":
            wanted((request.path, request.query["limit"]), ("/crm/v3/objects/deals", "1"))
            return Response.of({"results": []})
        body = request.json()
        (group,) = body["filterGroups"]
        if request.path == "/crm/v3/objects/contacts/search":
            bounds = {"value": str(FROM * 1000), "highValue": str(TO * 1000)}
            wanted(group["filters"], [{"propertyName": "createdate", "operator": "BETWEEN", **bounds}])
            return Response.of({"total": 31, "results": [], "paging": {"next": {"after": "1"}}})
        wanted(request.path, "/crm/v3/objects/deals/search")
        found = [each for each in self.deals if all(_fits(each, part) for part in group["filters"])]
        begin, limit = int(body.get("after", 0)), body["limit"]
        assert limit <= 200
        rows = [
            {**each, "properties": _only(each, body.get("properties", []))} for each in found[begin : begin + limit]
        ]
        more = {"paging": {"next": {"after": str(begin + limit)}}} if begin + limit < len(found) else {}
        return Response.of({"total": len(found), "results": rows, **more})


def _fits(deal: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
    value = deal["properties"][part["propertyName"]]
    if part["operator"] == "BETWEEN":
        return bool(int(part["value"]) <= value <= int(part["highValue"]))
    wanted(part["operator"], "EQ")
    return bool(value == part["value"])


def _only(deal: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: value for name, value in deal["properties"].items() if name in names}


class Salesforce(Vendor):
    """Grants a token to a connected app, and answers aggregates of SOQL; a sum of nothing is null."""

    kind = "salesforce"
    refusal: ClassVar[Any] = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]

    def __init__(self) -> None:
        self.sums: dict[str, float | None] = {
            "SELECT SUM(Amount) total FROM Opportunity WHERE IsWon = true"
            " AND CloseDate >= 2026-10-01 AND CloseDate <= 2026-11-15": 125000.5,
            "SELECT COUNT(Id) total FROM Opportunity WHERE IsWon = true"
            " AND CloseDate >= 2026-10-01 AND CloseDate <= 2026-11-15": 12,
            "SELECT SUM(Amount) total FROM Opportunity WHERE IsClosed = false": None,
            "SELECT COUNT(Id) total FROM Lead WHERE CreatedDate >= 2026-10-01T00:00:00Z"
            " AND CreatedDate <= 2026-11-15T12:30:00Z": 40,
            "SELECT COUNT(Id) total FROM Case WHERE Priority = 'High' AND ClosedDate >= 2026-10-01": 3,
        }

    def settings(self) -> Mapping[str, Any]:
        return {"domain": "acme.my.salesforce.com", "client_id": "3MVG9", "client_secret": secret(self.secret)}

    def questions(self) -> Mapping[str, Asked]:
        own = "SELECT COUNT(Id) total FROM Case WHERE Priority = 'High' AND ClosedDate >= {start:date}"
        return {
            "won": Asked({"query": "won_amount"}, (125000.5,)),
            "count": Asked({"query": "won"}, (12,)),
            "nothing open": Asked({"query": "open_amount"}, (0,)),
            "leads": Asked({"query": "leads_created"}, (40,)),
            "own": Asked({"query": "soql", "soql": own}, (3,)),
        }

    def knows(self, request: Request) -> bool:
        form = dict(parse_qsl(request.body.decode()))
        is_client = (form.get("client_id"), form.get("client_secret")) == ("3MVG9", self.secret)
        return is_client if request.path == "/services/oauth2/token" else bearer(request, "00D-granted")

    def answer(self, request: Request) -> Response:
        if request.path == "/services/oauth2/token":
            wanted(dict(parse_qsl(request.body.decode()))["grant_type"], "client_credentials")
            return Response.of({"access_token": "00D-granted", "instance_url": "https://acme", "token_type": "Bearer"})
        if request.path == "/services/data/v62.0/limits":
            return Response.of({"DailyApiRequests": {"Max": 15000, "Remaining": 14998}})
        wanted(request.path, "/services/data/v62.0/query")
        if request.query["q"] not in self.sums:
            return Response.of([{"message": "unexpected token", "errorCode": "MALFORMED_QUERY"}], 400)
        total = self.sums[request.query["q"]]
        record = {"attributes": {"type": "AggregateResult"}, "total": total}
        return Response.of({"totalSize": 1, "done": True, "records": [record]})
