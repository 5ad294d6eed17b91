"""A person's word over a computed status: it counts until it expires, and what was computed stays beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from okr_sync.core.facts import Override
from okr_sync.core.numbers import show_instant
from okr_sync.core.snapshot import KeyResultState, Overridden
from okr_sync.core.status import Verdict

__all__ = ["lapse", "override"]


def override(
    verdict: Verdict, said: Override | None, due: datetime, now: datetime
) -> tuple[Verdict, Overridden | None]:
    """Return the verdict with a person's status in place of the computed one, and what it replaced.

    Unchanged, with None, when nobody said anything or only later than `now`, from its expiry on, from the due date on,
    and where the number is unknown.
    """
    if said is None or verdict.status == "unknown" or not said.at <= now < min(said.expires, due):
        return verdict, None
    kept = Overridden(said.status, said.author, said.expires, verdict.status, verdict.reason)
    computed = f"computed {verdict.status.replace('_', ' ')}: {verdict.reason}"
    reason = f"{said.author} says so until {show_instant(said.expires)}: {said.reason}; {computed}"
    return replace(verdict, status=said.status, reason=reason), kept


def lapse(state: KeyResultState, now: datetime) -> KeyResultState:
    """Return the state with its computed status back where a person's word has expired by `now`."""
    kept = state.override
    if kept is None or now < kept.expires or state.status != kept.status:
        return state
    return replace(state, status=kept.computed, reason=kept.reason, override=None)
