"""Which resolutions drop work, as the initiatives say, and whether the sources know them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from okr_sync.core.model import Book


def droppings(book: Book) -> Mapping[str, frozenset[frozenset[str]]]:
    """Return source → the names, casefolded, of the resolutions that drop work, a set for each way to say so."""
    found: dict[str, set[frozenset[str]]] = defaultdict(set)
    for initiative in book.initiatives:
        for scope in initiative.scopes:
            found[scope.source].add(initiative.dropped)
    return {source: frozenset(each) for source, each in found.items()}
