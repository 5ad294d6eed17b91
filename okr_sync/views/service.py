"""What people should know about the service itself: a config with mistakes, missing runs, alerts, housekeeping."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from okr_sync.core.numbers import show_instant
from okr_sync.store.alerts import Letter, letters, troubles
from okr_sync.store.good_configs import broken_configs
from okr_sync.store.housekeeping import failing

__all__ = ["service_notes"]

SHOWN = timedelta(days=7)  # that a letter which was given up is told


def service_notes(session: Session, now: datetime) -> tuple[str, ...]:
    """Return a sentence for each thing that somebody should see to; sources say for themselves how they fare."""
    broken = [
        f"the config {each.file} has mistakes since {show_instant(each.since)}, and workers go on with that of "
        f"{show_instant(each.saved_at)}: {each.mistake}"
        for each in broken_configs(session)
    ]
    lapsed = [
        f"{f'the schedule of {each.subject}' if each.subject else 'the schedule'}, since {show_instant(each.since)}: "
        f"{each.reason}"
        for each in troubles(session).values()
        if each.kind == "schedule"
    ]
    untidy = failing(session, now)
    late = [each for each in letters(session, state="waiting") if each.error]
    lost = letters(session, state="given_up", since=now - SHOWN)
    undelivered = (*_undelivered(late, "waits to be"), *_undelivered(lost, "could not be"))
    return (*broken, *lapsed, *([f"the housekeeping of the store: {untidy}"] if untidy else []), *undelivered)


def _undelivered(found: list[Letter], words: str) -> list[str]:
    channels = dict.fromkeys(each.channel for each in found)
    return [
        f"{sum(each.channel == name for each in found)} alerts: what {name} should know {words} delivered: "
        f"{next(each.error for each in found if each.channel == name)}; see okr-sync alerts"
        for name in channels
    ]
