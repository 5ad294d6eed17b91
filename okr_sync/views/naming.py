"""Finds what an id names in the store."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Literal, TypeAlias

from sqlmodel import Session

from okr_sync.errors import UsageError
from okr_sync.store import results

Kind: TypeAlias = Literal["key_result", "objective", "initiative"]


def kind_of(session: Session, wanted: str) -> Kind:
    """Return what `wanted` names. Raises UsageError with the nearest id when it names nothing."""
    known = results.known_ids(session)
    if wanted in known:
        return known[wanted]
    near = get_close_matches(wanted, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "`okr-sync status` lists them"
    raise UsageError(f"there is no key result, objective or initiative {wanted}; {hint}")
