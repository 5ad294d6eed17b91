"""A preset is a kind like any other: in configs, in the schema, in the registry; its mistakes are told as such."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from okr_sync.config import load
from okr_sync.config.schema import json_schema
from okr_sync.connector import Ask, MetricSource, Miss, Referenced
from okr_sync.errors import ConfigError
from okr_sync.presets.expanding import preset_class
from okr_sync.presets.recipes import names, read_recipe
from okr_sync.registry import GROUP, ConnectorError, Registry, UnknownKindError
from okr_sync.testing.metrics import BadQuestion
from okr_sync.testing.server import Server
from okr_sync.testing.web import WebSourceContract, WebWorld
from tests.edge.config_builders import entry
from tests.presets.revenue import Stripe
from tests.presets.vendor import NOW, REGISTRY, START

MAIN = """\
cycles:
  2026-Q4: {start: 2026-10-01, end: 2026-12-31}
okrs: []
"""
SOURCE = "sources:\n  crm: {kind: hubspot, token: '${TOKEN}'}\n"


def mistakes(folder: Path, text: str) -> str:
    """Return what a config is refused for."""
    (folder / "okr-sync.yaml").write_text(MAIN + text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(folder, {"TOKEN": "s3cret-of-the-crm"}, REGISTRY)
    assert "s3cret-of-the-crm" not in str(caught.value)
    return str(caught.value)


class StripeWorld(WebWorld):
    """Stripe with charges in three currencies: all of them are asked for in one list of three pages."""

    connector = REGISTRY.connector_class("stripe")  # type: ignore[assignment]

    def __init__(self, stripe: Stripe, server: Server) -> None:
        super().__init__(server, requests=3, start=START, now=NOW)
        self.stripe = stripe
        self.bad = {"none": BadQuestion({"query": "balance_available", "currency": "chf"}, "finds nothing")}

    def settings(self) -> Mapping[str, Any]:
        return {"url": self.server.url, "allow_hosts": ["127.0.0.1"], "api_key": self.secret(Stripe.secret)}

    def questions(self) -> Mapping[str, Mapping[str, Any]]:
        return {ref: each.query for ref, each in self.stripe.questions().items() if ref in ("eur", "jpy")}

    def truth(self, ref: str) -> tuple[float, ...]:
        currency, unit = {"eur": ("eur", 0.01), "jpy": ("jpy", 1.0)}[ref]
        paid = [each for each in self.stripe.charges if (each["status"], each["currency"]) == ("succeeded", currency)]
        return (sum(int(str(each["amount_captured"])) for each in paid) * unit,)

    def change(self, ref: str) -> None:
        newest = next(each for each in self.stripe.charges if each["currency"] == ref and each["status"] == "succeeded")
        newest["amount_captured"] = 5000


class TestStripe(WebSourceContract):
    @pytest.fixture
    def world(self) -> Iterator[StripeWorld]:
        stripe = Stripe()
        with Server(stripe) as server, StripeWorld(stripe, server) as world:
            yield world


def test_recipes_are_kinds_where_their_connector_is() -> None:
    """Listed with the others; without the connector that they are asked through there are none."""
    assert set(REGISTRY.kinds()) == {"http_json", *names()}
    assert list(REGISTRY.kinds()) == sorted(REGISTRY.kinds())
    assert REGISTRY.recipes() == set(names())
    assert list(Registry([]).kinds()) == []
    with pytest.raises(UnknownKindError, match="did you mean 'hubspot'"):
        REGISTRY.connector_class("hubsport")
    assert REGISTRY.connector_class("hubspot") is REGISTRY.connector_class("hubspot")


def test_a_package_may_bring_its_own_connector_under_the_name_of_a_recipe() -> None:
    """What is declared hides the recipe."""
    through = EntryPoint("http_json", "connectors.http_json:HttpJson", GROUP)
    registry = Registry([through, EntryPoint("hubspot", "connectors.manual:Manual", GROUP)])
    assert registry.connector_class("hubspot").__name__ == "Manual"
    assert "hubspot" not in registry.recipes()


def test_recipes_need_a_connector_that_brings_numbers() -> None:
    """Another package may not put work in its place."""
    registry = Registry([EntryPoint("http_json", entry("work", "Work").value, GROUP)])
    with pytest.raises(ConnectorError, match="brings no numbers"):
        registry.connector_class("hubspot")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sources:\n  crm: {kind: hubspt, token: '${TOKEN}'}\n", "did you mean 'hubspot'?"),
        ("sources:\n  crm: {kind: hubspot}\n", "missing key 'token'"),
        ("sources:\n  crm: {kind: hubspot, token: abc}\n", "a secret may not stand in a file"),
        ("sources:\n  crm: {kind: hubspot, tokn: '${TOKEN}'}\n", "unknown key 'tokn'"),
        ("sources:\n  crm: {kind: hubspot, token: '${TOKEN}', url: nowhere}\n", "url: String should match"),
        ("sources:\n  g: {kind: ga4, property: '1', key: '${TOKEN}'}\n", "no JSON key of a service account"),
        (
            "sources:\n  d: {kind: datadog, site: datadog.eu, api_key: '${TOKEN}', app_key: '${TOKEN}'}\n",
            "did you mean 'd",
        ),
        (SOURCE + "metrics:\n  m: {source: crm, query: deal_won}\n", "did you mean 'deals_won'?"),
        (SOURCE + "metrics:\n  m: {source: crm}\n", "missing key 'query'"),
        (SOURCE + "metrics:\n  m: {source: crm, query: deals_won, pipline: a}\n", "unknown key 'pipline'"),
        (
            SOURCE + "metrics:\n  m: {source: crm, query: contacts_created, pipeline: a}\n",
            "pipeline is no parameter of contacts_created; it takes none",
        ),
        (
            "sources:\n  s: {kind: stripe, api_key: '${TOKEN}'}\nmetrics:\n  m: {source: s, query: net_volume}\n",
            "net_volume needs `currency`: Three small letters",
        ),
    ],
)
def test_a_mistake_is_told_with_what_was_meant(tmp_path: Path, text: str, said: str) -> None:
    """As for any kind, with the place, and never with the secret."""
    assert said in mistakes(tmp_path, text)


def test_the_schema_completes_what_recipes_take() -> None:
    """Each kind with its own keys; a misspelled question is refused."""
    validator = Draft202012Validator(json_schema("main", REGISTRY))
    source = {"kind": "hubspot", "token": "${TOKEN}"}
    good = {"cycles": {}, "sources": {"crm": source}, "metrics": {"m": {"source": "crm", "query": "deals_won"}}}
    bad = {**good, "metrics": {"m": {"source": "crm", "query": "deals_wn"}}}
    odd = {**good, "sources": {"crm": {**source, "subdomain": "x"}}}
    assert not [
        flaw.message for flaw in validator.iter_errors(good) if "metrics" in flaw.path or "sources" in flaw.path
    ]
    assert [flaw for flaw in validator.iter_errors(bad) if "metrics" in flaw.path]
    assert [flaw for flaw in validator.iter_errors(odd) if "sources" in flaw.path]


def test_a_question_is_kept_by_its_name(tmp_path: Path) -> None:
    """A better recipe is no other question."""
    text = SOURCE + "metrics:\n  m: {source: crm, query: deals_won, pipeline: big}\n"
    (tmp_path / "okr-sync.yaml").write_text(MAIN + text, "utf-8")
    config = load(tmp_path, {"TOKEN": "s3cret"}, REGISTRY)
    (question,) = config.sources["crm"].questions.values()
    assert question.model_dump(exclude_defaults=True) == {"query": "deals_won", "pipeline": "big"}


def test_a_question_that_can_not_be_asked_is_a_miss_of_its_own() -> None:
    """The others are answered."""
    recipe = read_recipe("stripe")
    broken = recipe.questions["balance_available"].model_copy(update={"request": {"path": "/v1/balance"}})
    recipe = recipe.model_copy(update={"questions": {**recipe.questions, "balance_available": broken}})
    through: Any = REGISTRY.connector_class("http_json")
    kind = preset_class("stripe", recipe, through)
    assert issubclass(kind, MetricSource)
    stripe = Stripe()
    with Server(stripe) as server:
        told = {"url": server.url, "allow_hosts": ["127.0.0.1"], "api_key": Referenced(Stripe.secret)}
        source = kind(kind.Settings.model_validate(told))  # type: ignore[arg-type]
        queries = {"bad": {"query": "balance_available", "currency": "eur"}, "good": {"query": "subscriptions_active"}}
        parsed = {ref: kind.Query.model_validate(query) for ref, query in queries.items()}
        answer = source.read(Ask(parsed, START, NOW))
        source.close()
    assert isinstance(answer["bad"], Miss)
    assert "balance_available can't be asked so: value: Field required" in answer["bad"].message
    assert isinstance(answer["good"], tuple)
