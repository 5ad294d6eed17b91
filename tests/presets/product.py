"""Plays Google Analytics 4, PostHog and Amplitude."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from okr_sync.testing.server import Request, Response
from tests.contract.google_server import Tokens, failed, key_file, private_key
from tests.presets.vendor import Asked, Vendor, basic, bearer, secret, wanted


class Analytics(Vendor):
    """Runs reports; values come as text, days as 20261001, and nothing at all where nothing was counted."""

    kind = "ga4"
    secret = private_key()[40:200]

    def __init__(self) -> None:
        self.tokens = Tokens("https://www.googleapis.com/auth/analytics.readonly")

    def settings(self) -> Mapping[str, Any]:
        return {"property": "123456789", "timezone": "Europe/Berlin"}

    def at(self, url: str) -> Mapping[str, Any]:
        return {**super().at(url), "key": secret(key_file(url))}

    def questions(self) -> Mapping[str, Asked]:
        return {
            "total": Asked({"query": "total", "metric": "activeUsers"}, (4321,)),
            "signups": Asked({"query": "total", "metric": "eventCount", "event": "sign_up"}, (17,)),
            "daily": Asked({"query": "daily", "metric": "totalRevenue"}, (10.5, 12)),
        }

    def knows(self, request: Request) -> bool:
        return request.path == "/token" or not self.tokens.refuses(request)

    def respond(self, request: Request) -> Response:
        return self.answer(request) if self.knows(request) else failed(401, "UNAUTHENTICATED", "no valid token")

    def answer(self, request: Request) -> Response:
        if request.path == "/token":
            return self.tokens.respond(request)
        wanted((request.method, request.path), ("POST", "/v1beta/properties/123456789:runReport"))
        body = request.json()
        wanted(body["dateRanges"], [{"startDate": "2026-10-01", "endDate": "2026-11-15"}])
        (metric,) = body["metrics"]
        if body.get("dimensions") == [{"name": "date"}]:
            wanted((metric, "dimensionFilter" in body), ({"name": "totalRevenue"}, False))
            rows = [_row("10.5", "20261002"), _row("12", "20261103")]
        elif "dimensionFilter" in body:
            exact = {"fieldName": "eventName", "stringFilter": {"matchType": "EXACT", "value": "sign_up"}}
            wanted((metric["name"], body["dimensionFilter"]), ("eventCount", {"filter": exact}))
            rows = [_row("17")]
        else:
            rows = [_row("4321")]
        return Response.of({"rows": rows, "rowCount": len(rows), "metadata": {"timeZone": "Europe/Berlin"}})


def _row(value: str, *dimensions: str) -> dict[str, Any]:
    return {"dimensionValues": [{"value": each} for each in dimensions], "metricValues": [{"value": value}]}


class PostHog(Vendor):
    """Runs queries in HogQL; constants come beside the query, so that a name can't change it."""

    kind = "posthog"
    refusal: ClassVar[Any] = {
        "type": "authentication_error",
        "code": "authentication_failed",
        "detail": "Incorrect credentials",
    }

    def settings(self) -> Mapping[str, Any]:
        return {"project": "12345", "api_key": secret(self.secret), "host": "eu.posthog.com"}

    def questions(self) -> Mapping[str, Asked]:
        tricky = "it's' OR 1=1 -- {end}"
        return {
            "events": Asked({"query": "events", "event": "signed up"}, (120,)),
            "tricky": Asked({"query": "events", "event": tricky.replace(" {end}", "")}, (120,)),
            "persons": Asked({"query": "persons", "event": "signed up"}, (80,)),
            "own": Asked({"query": "sql", "sql": "SELECT 1 WHERE now() > '{start}'"}, (1,)),
        }

    def knows(self, request: Request) -> bool:
        return bearer(request, self.secret)

    def answer(self, request: Request) -> Response:
        wanted((request.method, request.path), ("POST", "/api/projects/12345/query/"))
        query = request.json()["query"]
        wanted(query["kind"], "HogQLQuery")
        if "values" not in query:
            wanted(query["query"], "SELECT 1 WHERE now() > '2026-10-01T00:00:00Z'")
            return Response.of({"columns": ["1"], "results": [[1]]})
        values = query["values"]
        wanted(
            [values["var_start"], values["var_end"], sorted(values)],
            ["2026-10-01T00:00:00Z", "2026-11-15T12:30:00Z", ["var_end", "var_event", "var_start"]],
        )
        assert "event = {var_event}" in query["query"]
        assert values["var_event"] not in query["query"]
        count = 80 if "count(DISTINCT person_id)" in query["query"] else 120
        return Response.of({"columns": ["count()"], "results": [[count]], "types": [["count()", "UInt64"]]})


class Amplitude(Vendor):
    """Segments events over days written as 20261001; the event stands in a parameter as JSON."""

    kind = "amplitude"

    def settings(self) -> Mapping[str, Any]:
        return {"api_key": "0123456789abcdef", "secret_key": secret(self.secret)}

    def questions(self) -> Mapping[str, Asked]:
        return {
            "totals": Asked({"query": "totals", "event": 'Play "Song" & more'}, (900,)),
            "uniques": Asked({"query": "uniques", "event": 'Play "Song" & more'}, (350,)),
        }

    def knows(self, request: Request) -> bool:
        return basic(request, "0123456789abcdef", self.secret)

    def answer(self, request: Request) -> Response:
        wanted(request.path, "/api/2/events/segmentation")
        wanted(json.loads(request.query["e"]), {"event_type": 'Play "Song" & more'})
        wanted([request.query["start"], request.query["end"]], ["20261001", "20261115"])
        value = {"totals": 900, "uniques": 350}[request.query["m"]]
        data = {"series": [[1, 2]], "xValues": ["2026-10-01"], "seriesCollapsed": [[{"setId": "", "value": value}]]}
        return Response.of({"data": data})
