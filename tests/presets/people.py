"""Plays SurveyMonkey and Greenhouse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from okr_sync.testing.server import Request, Response
from tests.presets.vendor import Asked, Vendor, basic, bearer, secret, wanted

PROMOTERS, PASSIVE, DETRACTORS = ["109", "110"], ["107", "108"], ["100", "101", "106"]


class SurveyMonkey(Vendor):
    """Gives whole answers in pages of 100 with the address of the next one; two questions each, one skipped."""

    kind = "surveymonkey"
    refusal: ClassVar[Any] = {"error": {"id": "1011", "name": "Authorization Error", "http_status_code": 401}}

    def __init__(self) -> None:
        choices = [*PROMOTERS, PASSIVE[0], DETRACTORS[0]]
        self.answers = [self._response(choices[n % 4], n) for n in range(240)]

    @staticmethod
    def _response(choice: str, n: int) -> dict[str, Any]:
        other = {"id": "777", "answers": [{"choice_id": PROMOTERS[0]}]}
        asked = [] if n >= 200 else [{"id": "725", "answers": [{"choice_id": choice, "row_id": "1"}]}]
        return {"id": str(n), "response_status": "completed", "pages": [{"id": "1", "questions": [other, *asked]}]}

    def settings(self) -> Mapping[str, Any]:
        return {"token": secret(self.secret), "host": "api.eu.surveymonkey.com"}

    def questions(self) -> Mapping[str, Asked]:
        asked = {"survey": "314", "question": "725", "promoters": PROMOTERS, "detractors": DETRACTORS}
        return {
            "nps": Asked({"query": "nps", **asked}, (25,), requests=3),
            "responses": Asked({"query": "responses", "survey": "314"}, (240,)),
        }

    def knows(self, request: Request) -> bool:
        return bearer(request, self.secret)

    def answer(self, request: Request) -> Response:
        if request.path == "/v3/users/me":
            return Response.of({"id": "1", "username": "ana"})
        wanted((request.path, request.query["status"]), ("/v3/surveys/314/responses/bulk", "completed"))
        bounds = [request.query["start_created_at"], request.query["end_created_at"]]
        wanted(bounds, ["2026-10-01T00:00:00Z", "2026-11-15T12:30:00Z"])
        page, size = int(request.query.get("page", 1)), int(request.query["per_page"])
        assert size <= 100
        place = f"http://{request.headers['host']}{request.path}?{request.raw_query.partition('&page=')[0]}"
        links = {"self": f"{place}&page={page}"}
        if page * size < len(self.answers):
            links["next"] = f"{place}&page={page + 1}"
        rows = self.answers[(page - 1) * size : page * size]
        return Response.of({"data": rows, "page": page, "per_page": size, "total": len(self.answers), "links": links})


class Greenhouse(Vendor):
    """Grants tokens to a client for a user; a cursor must come alone, without the filters of the first page."""

    kind = "greenhouse"
    refusal: ClassVar[Any] = {"errors": [{"message": "Invalid access token"}]}
    counts: Mapping[str, int] = {"applications": 1200, "applications hired": 6, "offers accepted": 5, "jobs open": 500}

    def settings(self) -> Mapping[str, Any]:
        return {"client_id": "abcd", "client_secret": secret(self.secret), "user": "4711"}

    def at(self, url: str) -> Mapping[str, Any]:
        return {**super().at(url), "token_url": f"{url}/token"}

    def questions(self) -> Mapping[str, Asked]:
        return {
            "applications": Asked({"query": "applications"}, (1200,), requests=3),
            "hired": Asked({"query": "applications_hired"}, (6,)),
            "offers": Asked({"query": "offers_accepted"}, (5,)),
            "jobs": Asked({"query": "jobs_open"}, (500,)),
        }

    def knows(self, request: Request) -> bool:
        is_client = basic(request, "abcd", self.secret)
        return is_client if request.path == "/token" else bearer(request, "jwt-granted")

    def answer(self, request: Request) -> Response:
        if request.path == "/token":
            wanted(dict(parse_qsl(request.body.decode())), {"grant_type": "client_credentials", "sub": "4711"})
            return Response.of({"access_token": "jwt-granted", "token_type": "Bearer", "expires_in": 3600})
        what = request.path.removeprefix("/v3/")
        if "cursor" in request.query:
            wanted(sorted(request.query), ["cursor"])
            what, begin = request.query["cursor"].split("@")
        else:
            what, begin = f"{what} {request.query.get('status', '')}".strip(), "0"
            wanted(request.query.get("created_at", "gte|2026-10-01T00:00:00Z"), "gte|2026-10-01T00:00:00Z")
        end = int(begin) + 500
        rows = [{"id": n} for n in range(self.counts[what])][int(begin) : end]
        place = f"http://{request.headers['host']}{request.path}?cursor={what}@{end}"
        headers = {"Link": f'<{place}>; rel="next"'} if end < self.counts[what] else {}
        return Response.of(rows, headers=headers)
