"""Keeps a run from asking sources that are in trouble, and remembers the trouble that asking brought."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from okr_sync.config import Source
from okr_sync.core.breaker import Breaker, Ended, advice, sentence, settle
from okr_sync.core.facts import Collected
from okr_sync.sync.caller import RetryingCaller
from okr_sync.sync.fingerprints import fingerprint
from okr_sync.sync.veiling import Veil

__all__ = ["held_back", "trouble_after", "with_trouble"]


def held_back(source: Source, breaker: Breaker, now: datetime) -> Collected:
    """Return what a source brings that is not asked because of its trouble."""
    said = f"not asked: {sentence(breaker)}" + (f" ({breaker.error})" if breaker.error else "")
    return Collected(source.name, now, "failed", error=said, fix=advice(breaker), breaker=breaker)


def with_trouble(
    collected: Collected, source: Source, caller: RetryingCaller, before: Breaker | None, seconds: float
) -> Collected:
    """Return what was brought in so many seconds, with the source's trouble; a failure says when the next try is."""
    answered = collected.outcome != "failed" or (caller.restraint.spent and caller.restraint.answered > 0)
    ended = Ended("answered" if answered else "failed", collected.at, collected.error or "", collected.fix or "")
    breaker = trouble_after(source, caller, before, ended, seconds)
    if collected.error is None or breaker is None or breaker.next_try is None:
        return replace(collected, breaker=breaker)
    said = f"{collected.error}; {sentence(breaker)}"
    return replace(collected, error=said, fix=advice(breaker), breaker=breaker)


def trouble_after(
    source: Source, caller: RetryingCaller, before: Breaker | None, ended: Ended, seconds: float
) -> Breaker | None:
    """Return the source's trouble after asking it `ended` so, its texts veiled, `seconds` after it began at `ended.at`.

    A connector may make misses of a refused credential, or of a wait that the source asked for: the caller heard it.
    """
    restraint = caller.restraint
    heard, veil = restraint.trouble, Veil.of(source.settings)
    if heard is not None and not ended.error:
        ended = replace(ended, error=veil.over(str(heard)), fix=veil.over(heard.fix))
    how = "refused" if restraint.refused else ended.how
    wish = None if restraint.wish is None else seconds + restraint.wish
    return settle(before, fingerprint(source), replace(ended, how=how, wish=wish))
