"""Plays Datadog, Sentry and PagerDuty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from okr_sync.testing.server import Request, Response
from tests.presets.vendor import FROM, TO, Asked, Vendor, bearer, secret, wanted


class Datadog(Vendor):
    """Wants two keys in headers; points are pairs of milliseconds and a value, which may be null."""

    kind = "datadog"
    refusal: ClassVar[Any] = {"errors": ["Forbidden"]}
    refused_with = 403

    def settings(self) -> Mapping[str, Any]:
        return {"api_key": secret("api-" + self.secret), "app_key": secret(self.secret), "site": "datadoghq.eu"}

    def questions(self) -> Mapping[str, Asked]:
        load = "avg:system.load.1{env:prod}"
        return {
            "slo": Asked({"query": "slo", "slo": "12341234abcd"}, (99.95,)),
            "series": Asked({"query": "series", "metric": load}, (1.5, 2.5)),
            "alerts": Asked({"query": "monitors_alerting"}, (4,)),
            "team": Asked({"query": "monitors_alerting", "search": "tag:team:shop"}, (1,)),
        }

    def knows(self, request: Request) -> bool:
        keys = [request.headers.get(name) for name in ("dd-api-key", "dd-application-key")]
        return keys == ["api-" + self.secret, self.secret]

    def answer(self, request: Request) -> Response:
        if request.path == "/api/v1/validate":
            return Response.of({"valid": True})
        if request.path == "/api/v1/slo/12341234abcd/history":
            wanted([request.query["from_ts"], request.query["to_ts"]], [str(FROM), str(TO)])
            return Response.of({"data": {"overall": {"sli_value": 99.95, "name": "Shop"}}, "errors": None})
        if request.path == "/api/v1/monitor/search":
            total = {"status:alert": 4, "status:alert tag:team:shop": 1}[request.query["query"]]
            return Response.of({"monitors": [], "metadata": {"page": 0, "per_page": 1, "total_count": total}})
        wanted(request.path, "/api/v1/query")
        wanted([request.query["from"], request.query["to"]], [str(FROM), str(TO)])
        points = [[FROM * 1000.0, 1.5], [FROM * 1000.0 + 60_000, None], [FROM * 1000.0 + 120_000, 2.5]]
        series = [{"metric": "system.load.1", "pointlist": points}] * (2 if " by " in request.query["query"] else 1)
        return Response.of({"status": "ok", "series": series})


class Sentry(Vendor):
    """Always names a next page in the Link header, and says with `results` whether there is one."""

    kind = "sentry"
    refusal: ClassVar[Any] = {"detail": "Invalid token"}

    def settings(self) -> Mapping[str, Any]:
        return {"organization": "acme", "token": secret(self.secret)}

    def questions(self) -> Mapping[str, Asked]:
        return {
            "errors": Asked({"query": "errors"}, (812,)),
            "production": Asked({"query": "errors", "search": "environment:production", "project": 4501}, (12,)),
            "stable": Asked({"query": "crash_free_sessions", "project": 4501}, (99.75,)),
            "issues": Asked({"query": "issues_unresolved"}, (230,), requests=3),
        }

    def knows(self, request: Request) -> bool:
        return bearer(request, self.secret)

    def answer(self, request: Request) -> Response:
        if request.path == "/api/0/organizations/acme/":
            return Response.of({"slug": "acme"})
        if not request.query.get("cursor"):
            wanted([request.query["start"], request.query["end"]], ["2026-10-01T00:00:00Z", "2026-11-15T12:30:00Z"])
        if request.path == "/api/0/organizations/acme/events/":
            wanted([request.query["field"], request.query["dataset"]], ["count()", "errors"])
            is_all = "query" not in request.query and "project" not in request.query
            return Response.of({"data": [{"count()": 812 if is_all else 12}], "meta": {"fields": {}}})
        if request.path == "/api/0/organizations/acme/sessions/":
            wanted([request.query["field"], request.query["project"]], ["crash_free_rate(session)", "4501"])
            totals = {"crash_free_rate(session)": 0.9975}
            return Response.of({"groups": [{"by": {}, "totals": totals, "series": {}}], "intervals": []})
        wanted((request.path, request.query["query"]), ("/api/0/organizations/acme/issues/", "is:unresolved"))
        return self._issues(request)

    def _issues(self, request: Request) -> Response:
        begin, limit = int(request.query.get("cursor", "0:0:0").split(":")[1]), int(request.query["limit"])
        rows = [{"id": str(n)} for n in range(230)][begin : begin + limit]
        cursor, more = f"0:{begin + limit}:0", str(begin + limit < 230).lower()
        place = f"http://{request.headers['host']}{request.path}?query=is%3Aunresolved&limit={limit}"
        link = (
            f'<{place}&cursor=0:0:1>; rel="previous"; results="false"; cursor="0:0:1", '
            f'<{place}&cursor={cursor}>; rel="next"; results="{more}"; cursor="{cursor}"'
        )
        return Response.of(rows, headers={"Link": link})


class PagerDuty(Vendor):
    """Takes its own word before the key; analytics are asked by POST."""

    kind = "pagerduty"
    refusal: ClassVar[Any] = {"error": {"message": "Invalid token", "code": 2006}}

    def settings(self) -> Mapping[str, Any]:
        return {"api_key": secret(self.secret), "host": "api.eu.pagerduty.com"}

    def questions(self) -> Mapping[str, Asked]:
        high = {"urgency": "high", "services": ["PABC", "PDEF"]}
        return {
            "open": Asked({"query": "incidents_open"}, (3,)),
            "incidents": Asked({"query": "incidents"}, (48,)),
            "resolve": Asked({"query": "time_to_resolve", **high}, (1800,)),
            "acknowledge": Asked({"query": "time_to_acknowledge"}, (95.5,)),
        }

    def knows(self, request: Request) -> bool:
        is_version = request.headers.get("accept") == "application/vnd.pagerduty+json;version=2"
        return is_version and request.headers.get("authorization") == f"Token token={self.secret}"

    def answer(self, request: Request) -> Response:
        if request.path == "/abilities":
            return Response.of({"abilities": ["teams"]})
        if request.path == "/incidents":
            assert "statuses[]=triggered&statuses[]=acknowledged" in request.raw_query
            wanted([request.query["total"], request.query["date_range"]], ["true", "all"])
            return Response.of({"incidents": [{"id": "P1"}], "limit": 1, "offset": 0, "more": True, "total": 3})
        wanted((request.method, request.path), ("POST", "/analytics/metrics/incidents/all"))
        filters = request.json()["filters"]
        window = {"created_at_start": "2026-10-01T00:00:00Z", "created_at_end": "2026-11-15T12:30:00Z"}
        narrow = {"urgency": "high", "service_ids": ["PABC", "PDEF"]}
        assert filters in (window, window | narrow)
        seconds = 1800 if "urgency" in filters else 7200
        found = {"mean_seconds_to_resolve": seconds, "mean_seconds_to_first_ack": 95.5, "total_incident_count": 48}
        return Response.of({"data": [found], "filters": filters, "time_zone": "Etc/UTC"})
