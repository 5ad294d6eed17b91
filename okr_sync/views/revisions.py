"""Reads the versions of a definition from the store, with those of what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import pairwise

from sqlmodel import Session

from okr_sync.core.definition import initiatives_of, metrics_of
from okr_sync.core.model import KeyResult
from okr_sync.core.revisions import Revision, edits
from okr_sync.errors import UsageError
from okr_sync.store import definitions
from okr_sync.store.books import defined
from okr_sync.store.definitions import Definition, Kind

__all__ = ["last_revision", "stored_revisions"]

SORTS: tuple[Kind, ...] = ("key_result", "objective", "initiative", "metric", "cycle")
"""In the order in which an id is looked for."""


def stored_revisions(session: Session, wanted: str) -> tuple[Revision, ...]:
    """Return all versions of a key result, objective, initiative, metric or cycle, oldest first.

    A key result comes with the metrics and initiatives on which it ever rested. Raises UsageError with the nearest id
    when nothing of that name was ever defined.
    """
    found = _all(session, wanted)
    if found:
        return found
    near = get_close_matches(wanted, definitions.known_ids(session), n=1)
    hint = f"did you mean {near[0]}?" if near else "`okr-sync status` lists what there is"
    raise UsageError(f"nothing called {wanted} was ever defined; {hint}")


def last_revision(session: Session, wanted: str) -> Revision | None:
    """Return the newest version that says how it differs from the one before; None when nothing ever changed."""
    return next((each for each in reversed(_all(session, wanted)) if each.edits), None)


def _all(session: Session, wanted: str) -> tuple[Revision, ...]:
    for kind in SORTS:
        found = definitions.versions(session, kind, wanted)
        if found:
            return tuple(sorted(_revisions(session, found), key=lambda each: (each.since, SORTS.index(each.kind))))
    return ()


def _revisions(session: Session, found: Sequence[Definition]) -> Iterator[Revision]:
    yield from _told(found)
    if found[0].kind != "key_result":
        return
    measures = [defined(KeyResult, each).measure for each in found]
    for name in dict.fromkeys(name for measure in measures for name in metrics_of(measure)):
        yield from _told(definitions.versions(session, "metric", name))
    for name in dict.fromkeys(name for measure in measures for name in initiatives_of(measure)):
        yield from _told(definitions.versions(session, "initiative", name))


def _told(found: Sequence[Definition]) -> Iterator[Revision]:
    befores: list[Definition | None] = [None, *found]
    for before, each in pairwise(befores):
        assert each is not None  # noqa: S101 -- only the first is None
        changed = edits(before.body if before else None, each.body)
        yield Revision(each.kind, each.id, each.version, each.since, each.until, each.author, each.reason, changed)
