"""The items of scopes as numbers: for evaluation, which else would read every item of a site each time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain

from sqlmodel import Session

from okr_sync.core.facts import Alike, Tally
from okr_sync.core.instants import Instants, instant_of
from okr_sync.store.counts import Counts, Group, Sort, counts_of
from okr_sync.store.scopes import asked_anew, said
from okr_sync.store.statements import Row

__all__ = ["load_tallies"]

TOGETHER = 100  # containers that are looked at at once


def load_tallies(
    session: Session, scopes: Iterable[Row], wanted: frozenset[str], asked: Mapping[str, str], since: datetime
) -> dict[str, Tally]:
    """Return the tallies of the scopes among `wanted` (refs) that have one; what is counted for them is kept.

    `scopes` are the rows of all scopes that may hold the same items, `asked` (ref → hash) says what is asked now. Of
    the instants at which items were done the first is told, and those at `since` or later.
    """
    rows = {row["ref"]: row for row in scopes}
    held = {ref: [(row["source"], id_) for id_ in json.loads(row["containers"])] for ref, row in rows.items()}
    claims = Counter(place for places in held.values() for place in places)
    plain = [
        ref
        for ref in sorted(wanted & rows.keys())
        if rows[ref]["resolved"] and not asked_anew(rows[ref], asked) and all(claims[place] == 1 for place in held[ref])
    ]
    found: dict[str, Tally] = {}
    for source in sorted({rows[ref]["source"] for ref in plain}):
        places = {ref: [id_ for _, id_ in held[ref]] for ref in plain if rows[ref]["source"] == source}
        for piece in _pieces(places):
            counts = counts_of(session, source, list(chain.from_iterable(piece.values())), since)
            clear = {ref: some for ref, some in piece.items() if all(id_ in counts for id_ in some)}
            found |= {
                ref: Tally(ref, _alike([counts[id_] for id_ in some]), said(rows[ref])) for ref, some in clear.items()
            }
    return found


def _pieces(places: Mapping[str, list[str]]) -> Iterator[dict[str, list[str]]]:
    """Yield scopes with their containers, about TOGETHER of these at once: all may be too many for memory."""
    piece: dict[str, list[str]] = {}
    for ref, containers in places.items():
        piece[ref] = containers
        if sum(map(len, piece.values())) >= TOGETHER:
            yield piece
            piece = {}
    yield piece


def _alike(containers: Iterable[Counts]) -> tuple[Alike, ...]:
    """Return the items of these together."""
    sorts: dict[Sort, list[Group]] = {}
    for counts in containers:
        for sort, group in counts.items():
            sorts.setdefault(sort, []).append(group)
    return tuple(_told(sort, groups) for sort, groups in sorts.items())


def _told(sort: Sort, groups: Iterable[Group]) -> Alike:
    began = min((each.began for each in groups if each.began is not None), default=None)
    finished = Instants(chain.from_iterable(each.finished for each in groups))
    number = sum(each.number for each in groups)
    return Alike(*sort, number, None if began is None else instant_of(began), finished)
