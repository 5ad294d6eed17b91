"""The difference between two stored bodies is told field by field, and putting it back gives the second."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.revisions import Edit, edits

FIRST = {"id": "kr", "definition": "a", "weight": 1.0, "measure": {"kind": "change", "target": 51.0}}


def test_a_measures_fields_stand_for_themselves() -> None:
    after = FIRST | {"definition": "b", "measure": {"kind": "change", "target": 55.0, "stretch": 60.0}}
    assert edits(FIRST, after) == (Edit("target", 51.0, 55.0), Edit("stretch", None, 60.0))


def test_the_first_version_differs_from_nothing_and_a_hash_is_no_difference() -> None:
    assert edits(None, FIRST) == ()
    assert edits(FIRST, FIRST | {"definition": "b"}) == ()


def test_lists_are_one_text_or_are_told_apart() -> None:
    before = {"key_results": ["a", "b"], "scopes": [{"query": "x"}], "points": []}
    after = {"key_results": ["a"], "scopes": [{"query": "x"}, {"query": "y"}], "points": [[1.0, 0.5]]}
    assert edits(before, after) == (
        Edit("key_results", "a, b", "a"),
        Edit("scopes.2.query", None, "y"),
        Edit("points.1", None, "1.0, 0.5"),
    )


def test_a_part_of_a_composite_is_named_by_its_place() -> None:
    before = {"measure": {"kind": "all", "parts": [{"measure": {"kind": "change", "target": 1}}]}}
    after = {"measure": {"kind": "all", "parts": [{"measure": {"kind": "change", "target": 2}}]}}
    assert edits(before, after) == (Edit("parts.1.target", 1, 2),)


BODIES = st.dictionaries(st.sampled_from("abc"), st.none() | st.integers() | st.text(max_size=3) | st.booleans())


@given(BODIES, BODIES)
def test_a_difference_leads_from_one_to_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = edits(before, after)
    assert {each.field: each.after for each in found} == {
        name: after.get(name) for name in {*before, *after} if before.get(name) != after.get(name)
    }
    assert edits(after, after) == ()
