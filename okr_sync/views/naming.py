"""Finds what an id names in the store."""

from __future__ import annotations

from typing import Literal, TypeAlias

from sqlmodel import Session

from okr_sync.core.spelling import did_you_mean
from okr_sync.errors import UsageError
from okr_sync.store import results

Kind: TypeAlias = Literal["key_result", "objective", "initiative"]


def kind_of(session: Session, wanted: str) -> Kind:
    """Return what `wanted` names. Raises UsageError with the nearest id when it names nothing."""
    known = results.known_ids(session)
    if wanted in known:
        return known[wanted]
    hint = did_you_mean(wanted, known, "`okr-sync status` lists them")
    raise UsageError(f"there is no key result, objective or initiative {wanted}; {hint}")
