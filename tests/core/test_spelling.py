"""Misspelled words: the nearest known one is offered, and nothing where none is near."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.spelling import did_you_mean, nearest_word

KNOWN = ("adoption", "adaption", "latency")


@pytest.mark.parametrize(
    ("word", "near"), [("adoptoin", "adoption"), ("adaptoin", "adaption"), ("latncy", "latency"), ("xyz", None)]
)
def test_the_word_spelled_most_alike_is_the_nearest(word: str, near: str | None) -> None:
    assert nearest_word(word, KNOWN) == near
    assert did_you_mean(word, KNOWN, "look it up") == (f"did you mean {near}?" if near else "look it up")


@given(st.lists(st.text(min_size=1), max_size=5), st.text())
def test_only_known_words_are_offered_and_a_known_one_is_its_own_nearest(known: list[str], word: str) -> None:
    assert nearest_word(word, known) in {None, *known}
    assert all(nearest_word(each, known) == each for each in known)
