"""Every preset gets the right numbers from its vendor, page by page, and says what to do when it is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from okr_sync.connector import AccessError, Miss, TransientError
from okr_sync.presets.recipes import names, read_recipe
from okr_sync.testing.metrics import CountingCaller
from okr_sync.testing.server import Fault, Response, Server
from tests.presets.crm import HubSpot, Salesforce
from tests.presets.operations import Datadog, PagerDuty, Sentry
from tests.presets.people import Greenhouse, SurveyMonkey
from tests.presets.product import Amplitude, Analytics, PostHog
from tests.presets.revenue import Stripe
from tests.presets.support import Intercom, Zendesk
from tests.presets.vendor import START, Vendor, ask, connect

VENDORS: dict[str, Callable[[], Vendor]] = {
    "amplitude": Amplitude, "datadog": Datadog, "ga4": Analytics, "greenhouse": Greenhouse, "hubspot": HubSpot,
    "intercom": Intercom, "pagerduty": PagerDuty, "posthog": PostHog, "salesforce": Salesforce, "sentry": Sentry,
    "stripe": Stripe, "surveymonkey": SurveyMonkey, "zendesk": Zendesk,
}  # fmt: skip
SIGNING_IN = {"ga4", "greenhouse", "salesforce"}  # a request for a token comes first


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    return VENDORS[request.param]()


@pytest.fixture
def server(vendor: Vendor) -> Iterator[Server]:
    with Server(vendor) as server:
        yield server


def test_every_recipe_has_its_vendor_and_every_question_is_asked() -> None:
    """No recipe is without a test of its values."""
    assert set(VENDORS) == set(names())
    for kind, make in VENDORS.items():
        assert {each.query["query"] for each in make().questions().values()} == set(read_recipe(kind).questions)


def test_every_question_gets_the_vendor_s_number(vendor: Vendor, server: Server) -> None:
    """Alone, with the requests that its pages cost; and all together, where like documents are fetched once."""
    questions = vendor.questions()
    for ref, asked in questions.items():
        caller = CountingCaller()
        outcome = ask(vendor, server.url, {ref: asked.query}, caller)[ref]
        assert isinstance(outcome, tuple), f"{ref}: {outcome}"
        assert [each.value for each in outcome] == pytest.approx(list(asked.values)), ref
        assert caller.count == asked.requests + (vendor.kind in SIGNING_IN), ref
    together = ask(vendor, server.url, {ref: asked.query for ref, asked in questions.items()})
    assert all(isinstance(outcome, tuple) for outcome in together.values())


def test_dated_values_are_inside_the_window_and_in_order(vendor: Vendor, server: Server) -> None:
    """What has dates has those of the vendor; what has none is true now."""
    for asked in vendor.questions().values():
        readings = ask(vendor, server.url, {"a": asked.query})["a"]
        assert isinstance(readings, tuple)
        times = [each.time for each in readings if each.time]
        assert times == sorted(times)
        assert all(time >= START for time in times)


def test_a_refused_credential_is_told_without_it(vendor: Vendor, server: Server) -> None:
    """Whatever the vendor's words are, the error names the place and a way out, and nothing else is asked."""
    over = {name: type(value)(f"{value}-wrong") for name, value in vendor.settings().items() if vendor.secret in value}
    query = next(iter(vendor.questions().values())).query
    if vendor.kind == "ga4":
        server.inject(Fault("response", Response.of({"error": "invalid_grant"}, 400), where="/token", times=9))
    with pytest.raises(AccessError) as caught:
        ask(vendor, server.url, {"a": query, "b": query}, **over)
    assert vendor.secret not in f"{caught.value!r} {caught.value.fix}"
    assert caught.value.fix
    assert len(server.log) <= 2


def test_a_vendor_who_is_asked_too_often_is_waited_for(vendor: Vendor, server: Server) -> None:
    """Status 429 with Retry-After is nobody's mistake."""
    server.inject(Fault("response", Response(429, b"{}", {"Retry-After": "7"}), times=99))
    query = next(iter(vendor.questions().values())).query
    with pytest.raises(TransientError) as caught:
        ask(vendor, server.url, {"a": query})
    assert caught.value.retry_after == 7


def test_a_probe_asks_the_vendor_who_we_are(vendor: Vendor, server: Server) -> None:
    """One line with the vendor's name; where the vendor has an address for it, a wrong credential shows."""
    with closing(connect(vendor, server.url)) as source:
        assert source.probe().startswith(read_recipe(vendor.kind).title + ": ")
    shown = f"{source!r} {source.settings!r} {vars(source)}"
    assert vendor.secret not in shown


def test_series_of_several_hosts_are_no_series() -> None:
    """Nobody picks one of them."""
    datadog = Datadog()
    with Server(datadog) as server:
        outcome = ask(datadog, server.url, {"a": {"query": "series", "metric": "avg:load{*} by {host}"}})["a"]
    assert isinstance(outcome, Miss)
    assert "is no list" in outcome.message


def test_a_report_without_rows_is_unknown() -> None:
    """Google Analytics leaves out the rows where there is nothing; that is no 0."""
    analytics = Analytics()
    with Server(analytics) as server:
        server.inject(Fault("response", Response.of({"metricHeaders": []}), where="runReport", times=9))
        questions = {ref: each.query for ref, each in analytics.questions().items()}
        outcomes = ask(analytics, server.url, questions)
    assert [type(each) for each in outcomes.values()] == [Miss, Miss, Miss]
