"""Which resolutions drop work, as the initiatives say, and whether the sources know them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from okr_sync.config import Config
from okr_sync.config.sources import DROPPED, Source
from okr_sync.connector import Named
from okr_sync.core.model import DROPPED_RESOLUTIONS, Book, Initiative
from okr_sync.core.spelling import nearest_word

Told = Mapping[str, tuple[str, ...] | None]
"""Source → the names of all its resolutions; None: it doesn't tell."""

NONE = "so that nothing is dropped: name those that take work out in each `dropped`"


def droppings(book: Book) -> Mapping[str, frozenset[frozenset[str]]]:
    """Return source → the names, casefolded, of the resolutions that drop work, a set for each way to say so."""
    found: dict[str, set[frozenset[str]]] = defaultdict(set)
    for initiative in book.initiatives:
        for source in _sources(initiative):
            found[source].add(initiative.dropped)
    return {source: frozenset(each) for source, each in found.items()}


def about_dropped(config: Config, told: Told) -> Mapping[str, tuple[Named, ...]]:
    """Return source → what work ends as there where `dropped` is not written, and each name in one that nothing has.

    A name has to be known to one of an initiative's sources; where one of them doesn't tell, no name is doubted.
    """
    found: dict[str, list[Named]] = defaultdict(list)
    for name, source in config.sources.items():
        found[name] += _by_default(source, told.get(name))
    for initiative in config.book.initiatives:
        if initiative.scopes:
            first = initiative.scopes[0]
            found[first.source] += _unknown(initiative, config.sources[first.source], told)
    return {name: tuple(each) for name, each in found.items()}


def _by_default(source: Source, told: Iterable[str] | None) -> Iterator[Named]:
    if not told or all(DROPPED in each for each in source.dropped.values()):
        return
    ends = {name: name.casefold() in DROPPED_RESOLUTIONS for name in told}
    done, dropped = ([repr(name) for name, drops in ends.items() if drops is wanted] for wanted in (False, True))
    counted = [f"{', '.join(done)} count as done"] if done else []
    by_default = f"{', '.join(dropped)} drop work" if dropped else NONE
    yield Named("", (), f"where no `dropped` is written, {', '.join([*counted, by_default])}")


def _unknown(initiative: Initiative, source: Source, told: Told) -> Iterator[Named]:
    said = [told.get(name) for name in _sources(initiative)]
    known = {name.casefold(): name for names in said for name in names or ()}
    ref = initiative.scopes[0].ref
    for number, name in enumerate(source.dropped[ref].get(DROPPED, ())):
        if None not in said and name.casefold() not in known:
            near = nearest_word(name.casefold(), known)
            hint = f"did you mean {known[near]!r}?" if near else f"there are {', '.join(map(repr, known.values()))}"
            message = f"no resolution is called {name!r}, so it drops nothing; {hint}"
            yield Named(ref, (DROPPED, number), message, "not_found")


def _sources(initiative: Initiative) -> frozenset[str]:
    return frozenset(scope.source for scope in initiative.scopes)
