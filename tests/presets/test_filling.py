"""Laws of filling: nothing that people write changes the request around it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from okr_sync.connector import Referenced
from okr_sync.presets.filling import Filler, places

TEXT = st.text(max_size=30)


def filler(**values: Any) -> Filler:
    """Return a filler with one table."""
    return Filler(values, {"unit": {"jpy": 1, "default": 0.01}})


@given(TEXT)
def test_text_in_an_expression_is_only_compared(text: str) -> None:
    """Quotes, backticks and brackets of a parameter are part of the text that is looked for."""
    request = filler(name=text).request({"value": "length([?name == {name}])"})
    rows = [{"name": text}, {"name": text + "x"}, {"name": None}]
    assert jmespath.search(request["value"], rows) == 1


@given(st.lists(TEXT, max_size=5))
def test_texts_in_an_expression_are_a_list(texts: list[str]) -> None:
    """Each is looked for as it is."""
    request = filler(names=tuple(texts)).request({"value": "[?contains({names}, @)]"})
    assert jmespath.search(request["value"], [*texts, "none of them, surely not"]) == texts


@given(TEXT)
def test_text_in_an_address_is_one_step_of_it(text: str) -> None:
    """Slashes, questions and braces are encoded."""
    path = filler(name=text).request({"path": "/a/{name}/b"})["path"]
    assert path.count("/") == 3
    assert not set(path) & set("?#{}")
    assert unquote(path) == f"/a/{text}/b"


@given(st.recursive(TEXT, lambda inner: st.lists(inner, max_size=3), max_leaves=5))
def test_a_place_alone_is_the_value_itself(value: Any) -> None:
    """With its type, and never filled again."""
    assert filler(it=value).request({"body": {"a": ["{it}"]}})["body"] == {"a": [value]}


def test_braces_that_belong_to_others_stay() -> None:
    """The window's places, those of the service's own language, and objects of JMESPath."""
    template = {"path": "/x/{start:date}", "body": {"q": "{var} {end}"}, "value": "{a: b, c: {d: e}}"}
    assert filler(name="x").request(template) == template


def test_what_is_not_given_is_left_out_with_what_stands_around_it() -> None:
    """{name}: the item of a list, or the key at the top; {name?}: its own key, or nothing in a longer text."""
    template = {
        "body": {
            "filters": [{"field": "a", "value": "{gone}"}, {"field": "b", "value": 1}],
            "narrow": {"deep": {"value": "{gone}", "how": "exact"}},
            "soft": {"urgency": "{gone?}", "since": 1},
            "text": "open {gone?}",
        },
        "params": {"project": "{gone?}", "team": "{gone}", "names": "{names}"},
        "value": "[?a == {gone}]",
    }
    assert filler(gone=None, names=("a", "b")).request(template) == {
        "body": {"filters": [{"field": "b", "value": 1}], "soft": {"since": 1}, "text": "open"},
        "params": {"names": "a,b"},
        "value": "[?a == `null`]",
    }


def test_an_address_without_its_value_is_a_mistake() -> None:
    """Nobody asks for the address of nothing."""
    with pytest.raises(ValueError, match="nothing to fill into path"):
        filler(gone=None).request({"path": "/a/{gone}", "value": "a"})


def test_a_table_says_what_stands_for_a_value() -> None:
    """With its type; what is not in it is the default."""
    assert [filler(c=each).request({"scale": "{c:unit}"})["scale"] for each in ("jpy", "eur")] == [1, 0.01]


def test_a_mapping_in_an_address_is_json() -> None:
    """With quotes of the parameter encoded."""
    params = filler(name='a "b"').request({"params": {"e": {"event_type": "{name}"}}})["params"]
    assert json.loads(params["e"]) == {"event_type": 'a "b"'}


def test_text_with_a_secret_in_it_counts_as_referenced() -> None:
    """So that it is kept as one."""
    filled = filler(key=SecretStr("s3cret"), user="ana").settings(
        {"a": "{key}", "b": "Token {key}", "c": "{user}", "d": {"e": "{key}"}}
    )
    assert filled == {"a": "s3cret", "b": "Token s3cret", "c": "ana", "d": {"e": "s3cret"}}
    assert [isinstance(each, Referenced) for each in (filled["a"], filled["b"], filled["c"], filled["d"]["e"])] == [
        True, True, False, True,
    ]  # fmt: skip


def test_places_are_found_at_any_depth() -> None:
    """Also in lists and in keys of tables."""
    assert places({"a": ["{b}", {"c": "x {d?} {e:unit}"}], "f": 1, "g": "{h: i}"}) == {"b", "d", "e"}
