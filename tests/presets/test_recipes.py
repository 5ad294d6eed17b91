"""Laws of recipes: each is whole, asks only what its connector can, and a broken one says where."""

from __future__ import annotations

from typing import Any

import pytest
from ruamel.yaml import YAML

from connectors.http_json_settings import HttpJsonQuery
from okr_sync.config.language import MetricEntry, SourceEntry
from okr_sync.presets.filling import Filler, places
from okr_sync.presets.recipes import Knob, Recipe, RecipeError, names, parse_recipe, read_recipe

RECIPES = {name: read_recipe(name) for name in names()}
WINDOW = {"start", "end", "now"}


def sample(knob: Knob) -> Any:
    """Return a value that fits."""
    if knob.choices:
        return knob.choices[0]
    return {"whole": 7, "number": 0.5, "texts": ("a", "b"), "secret": "s"}.get(knob.type, "abc")


@pytest.fixture(params=RECIPES)
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return RECIPES[request.param]


def test_there_is_a_recipe_for_each_sort_of_service() -> None:
    assert len(RECIPES) >= 13
    areas = {recipe.area for recipe in RECIPES.values()}
    assert areas == {"CRM", "support", "revenue", "product", "operations", "surveys", "hiring"}


def test_every_place_has_a_value_and_every_value_a_place(recipe: Recipe) -> None:
    """A place that nobody fills would be sent as it is; a setting that fills nothing would mislead."""
    used = places(recipe.http) | places(recipe.url)
    for name, question in recipe.questions.items():
        found = (
            places(question.request) - WINDOW - {each for each in places(question.request) if each.startswith("var_")}
        )
        assert found <= {*recipe.settings, *question.parameters}, name
        assert set(question.parameters) <= found, name
        used |= found
    assert used - {"url"} == {*recipe.settings, *recipe.parameters}


def test_every_question_is_one_that_the_connector_takes(recipe: Recipe) -> None:
    """With all parameters, and with only those that it needs."""
    settings = {name: sample(knob) for name, knob in recipe.settings.items()}
    for question in recipe.questions.values():
        for given in (question.parameters, question.required):
            values = {name: sample(recipe.parameters[name]) if name in given else None for name in question.parameters}
            filled = Filler({**settings, **values}, recipe.tables).request(question.request)
            assert HttpJsonQuery.model_validate(filled).value


def test_no_secret_stands_in_a_question(recipe: Recipe) -> None:
    """Questions are kept and shown; secrets belong to the settings."""
    secrets = {name for name, knob in recipe.settings.items() if knob.type == "secret"}
    assert secrets
    assert not [name for name, question in recipe.questions.items() if places(question.request) & secrets]


def test_no_key_is_one_that_every_source_or_metric_has(recipe: Recipe) -> None:
    """Such a key would never arrive."""
    assert not {*recipe.parameters, "query"} & set(MetricEntry.model_fields)
    assert not {*recipe.settings, "url"} & set(SourceEntry.model_fields)


def test_the_example_asks_this_kind(recipe: Recipe) -> None:
    """With questions that it has."""
    example = YAML(typ="safe", pure=True).load(recipe.example)
    (source,) = example["sources"].values()
    assert RECIPES[source["kind"]] is recipe
    assert {metric["query"] for metric in example["metrics"].values()} <= set(recipe.questions)


GOOD = """\
title: Shop
area: revenue
summary: Orders of a shop
documentation: Its API
permissions: To read.
url: https://shop.example
settings: {token: {type: secret, required: true, description: Token of it}}
http: {token: "{token}"}
parameters: {state: {description: State of orders}}
questions:
  a: {description: The first one, parameters: [state], request: {value: "{state}"}}
  b: {description: The second one, request: {value: b}}
example: ""
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title: Shop", "title: [", "is no YAML"),
        ("title: Shop", "titel: Shop", "is wrong at title"),
        ("area: revenue", "area: fun", "is wrong at area"),
        ("permissions: To read.", "permissions: To read", "is wrong at permissions"),
        ("parameters: [state]", "parameters: []", "declared and used parameters differ: ['state']"),
        ("required: true, desc", "required: true, default: x, desc", "what has a `default` is not `required`"),
        (
            "{description: State of orders}",
            "{type: whole, choices: [a], description: State}",
            "`choices` and `pattern`",
        ),
        ("{description: State of orders}", "{choices: [a], default: b, description: State}", "none of `choices`"),
        ("parameters: [state], request", "parameters: [state], required: [x], request", "`required` names what is not"),
        (
            "settings: {token:",
            "settings: {state: {description: State}, token:",
            "have the names of settings: ['state']",
        ),
        ("example:", "tables: {t: {a: 1}}\nexample:", "tables without `default`: ['t']"),
    ],
)
def test_a_broken_recipe_says_where(old: str, new: str, said: str) -> None:
    """Whoever writes one finds the place."""
    assert parse_recipe(GOOD, "shop").title == "Shop"
    assert old in GOOD
    with pytest.raises(RecipeError) as caught:
        parse_recipe(GOOD.replace(old, new, 1), "shop")
    assert said in str(caught.value)
    assert "the recipe 'shop'" in str(caught.value)
