"""Which word somebody meant who misspelled one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean", "nearest_word"]


def nearest_word(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is spelled most alike; None when none is alike enough."""
    return next(iter(get_close_matches(word, list(known), n=1)), None)


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return "did you mean x?" for the known word that is spelled most alike, or `otherwise` when there is none."""
    near = nearest_word(word, known)
    return otherwise if near is None else f"did you mean {near}?"
