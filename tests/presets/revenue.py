"""Plays Stripe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from okr_sync.testing.server import Request, Response
from tests.presets.vendor import FROM, TO, Asked, Vendor, bearer, secret, wanted


class Stripe(Vendor):
    """Lists of at most 100, newest first, after the last id; amounts in the smallest unit of a currency."""

    kind = "stripe"
    refusal: ClassVar[Any] = {
        "error": {"type": "invalid_request_error", "message": "Invalid API Key provided: rk_live_***"}
    }

    def __init__(self) -> None:
        currencies = ["eur", "jpy", "kwd"]
        self.charges = [
            {
                "id": f"ch_{n}", "currency": currencies[n % 3], "amount": 1000 + n, "amount_captured": 1000,
                "status": "failed" if n % 30 == 0 else "succeeded",
            }
            for n in range(250)
        ]  # fmt: skip
        kinds = [("charge", 1000), ("refund", -300), ("fee", -50), ("payout", -9999), ("transfer", -777)]
        self.transactions = [
            {"id": f"txn_{n}", "currency": "eur" if n < 100 else "usd", "reporting_category": kinds[n % 5][0],
             "net": kinds[n % 5][1]}
            for n in range(120)
        ]  # fmt: skip
        self.subscriptions = [{"id": f"sub_{n}", "status": "active"} for n in range(100)]

    def settings(self) -> Mapping[str, Any]:
        return {"api_key": secret(self.secret)}

    def questions(self) -> Mapping[str, Asked]:
        paid = [each for each in self.charges if each["status"] == "succeeded"]
        count = {each: sum(charge["currency"] == each for charge in paid) for each in ("eur", "jpy", "kwd")}
        return {
            "eur": Asked({"query": "gross_volume", "currency": "eur"}, (count["eur"] * 10.0,), requests=3),
            "jpy": Asked({"query": "gross_volume", "currency": "jpy"}, (count["jpy"] * 1000.0,), requests=3),
            "kwd": Asked({"query": "gross_volume", "currency": "kwd"}, (count["kwd"] * 1.0,), requests=3),
            "net": Asked({"query": "net_volume", "currency": "eur"}, (20 * 6.5,), requests=2),
            "balance": Asked({"query": "balance_available", "currency": "eur"}, (1234.56,)),
            "subscriptions": Asked({"query": "subscriptions_active"}, (100,)),
        }

    def knows(self, request: Request) -> bool:
        return bearer(request, self.secret) and request.headers.get("stripe-version") == "2024-06-20"

    def answer(self, request: Request) -> Response:
        if request.path == "/v1/balance":
            available = [{"amount": 5, "currency": "usd"}, {"amount": 123456, "currency": "eur"}]
            return Response.of({"object": "balance", "available": available, "pending": []})
        lists: Mapping[str, list[Any]] = {
            "/v1/charges": self.charges,
            "/v1/balance_transactions": self.transactions,
            "/v1/subscriptions": self.subscriptions,
        }
        rows = lists[request.path]
        if request.path == "/v1/subscriptions":
            wanted(request.query["status"], "active")
        else:
            wanted(request.query["created[gte]"], str(FROM))
            assert request.query["created[lte]"] in (str(FROM), str(TO))
        after = request.query.get("starting_after")
        begin = next(n for n, each in enumerate(rows, 1) if each["id"] == after) if after else 0
        limit = int(request.query["limit"])
        assert limit <= 100
        page = {"object": "list", "data": rows[begin : begin + limit], "has_more": begin + limit < len(rows)}
        return Response.of(page)
