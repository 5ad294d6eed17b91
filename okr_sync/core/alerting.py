"""Decides whom to wake: which troubles of sources, schedules and housekeeping are told, once each, and their end.

A trouble is open from the notice that raises it to the one that resolves it. A source has one when it failed so many
times in a row, or when its numbers went stale; a schedule has one when a slot of it had no run. Whatever opened a
trouble, it ends when all is well again, and not before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from okr_sync.core.facts import SourceState
from okr_sync.core.numbers import show_instant, show_span

__all__ = ["DAY", "Event", "Kind", "Lapse", "Notice", "Subject", "Trouble", "decide", "next_try"]

Kind: TypeAlias = Literal["source", "schedule", "housekeeping"]
Event: TypeAlias = Literal["raised", "resolved", "test"]
Subject: TypeAlias = tuple[Kind, str]
"""What has a trouble: a source by its name, or a schedule by that of its source, empty for that of all others; the
housekeeping has no name."""

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)  # between two tries to deliver a notice
DAY = timedelta(days=1)  # after which a notice is given up


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is open about a subject since the instant at which it was raised."""

    kind: Kind
    subject: str
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Lapse:
    """Slots of a schedule that came to nothing since the last one that had its run: how many, which, and why."""

    slots: int
    first: datetime
    last: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to send: that a trouble is there, or that it is over. `since` is when the trouble was raised."""

    event: Event
    kind: Kind
    subject: str
    at: datetime
    since: datetime
    reason: str

    @property
    def title(self) -> str:
        """Return who and what in a few words."""
        if self.event == "test":
            return "Test of the alerts"
        words = {"source": "Source", "schedule": "Schedule", "housekeeping": "Housekeeping"}
        named = f"{words[self.kind]} {self.subject}" if self.subject else f"The {self.kind}"
        return f"{named}: {'trouble' if self.event == 'raised' else 'all is well again'}"


def decide(
    open_troubles: Mapping[Subject, Trouble],
    sources: Mapping[str, tuple[SourceState, int]],
    lapses: Mapping[str, Lapse | None],
    now: datetime,
    most: int,
    *,
    untidy: str = "",
) -> tuple[Notice, ...]:
    """Return what is to be told at `now`; nothing that is told already, and nothing when nothing changed.

    `sources` are those of the config with how often each failed in a row, up to now; `lapses` its schedules. `most`
    failures in a row are too many. What is open about something that is gone from the config is resolved. `untidy` says
    what is wrong with the housekeeping.
    """
    return tuple(
        notice
        for notices in (
            _of_sources(open_troubles, sources, now, most),
            _of_schedules(open_troubles, lapses, now),
            _of_the_gone(open_troubles, sources, lapses, now),
            _of_housekeeping(open_troubles, untidy, now),
        )
        for notice in notices
    )


def next_try(first: datetime, tries: int, now: datetime) -> datetime | None:
    """Return when a notice that is to be sent since `first` is tried again after `tries` failures, the newest at `now`.

    In 1, 2, 4, … minutes, an hour at most; None when that would be a day after `first`, or later: it is given up.
    """
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(tries - 1, 16))
    return now + wait if now + wait < first + DAY else None


def _of_sources(
    known: Mapping[Subject, Trouble], sources: Mapping[str, tuple[SourceState, int]], now: datetime, most: int
) -> Iterator[Notice]:
    for name, (state, failures) in sorted(sources.items()):
        found, reason = known.get(("source", name)), _why_bad(state, failures, now, most)
        if found is None and reason:
            yield Notice("raised", "source", name, now, now, reason)
        elif found is not None and not reason and not failures:
            yield _resolved(found, now, "it answers, and its numbers are fresh")


def _why_bad(state: SourceState, failures: int, now: datetime, most: int) -> str:
    said = "; what to do: ".join(part for part in (state.error, state.fix) if part)
    last = "it never answered" if state.last_success is None else f"it last answered {show_instant(state.last_success)}"
    if failures >= most:
        return f"it failed {failures} times in a row; {last}: {said}".removesuffix(": ")
    if state.still_to_come is not None:
        return f"its numbers are stale: {said}"
    if state.last_success is not None and now - state.last_success > state.fresh_for:
        stale = f"its numbers are stale: {last}, more than {show_span(state.fresh_for)} ago"
        return f"{stale}: {said}".removesuffix(": ")
    return ""


def _of_schedules(
    known: Mapping[Subject, Trouble], lapses: Mapping[str, Lapse | None], now: datetime
) -> Iterator[Notice]:
    for name, lapse in sorted(lapses.items()):
        found = known.get(("schedule", name))
        if found is None and lapse is not None:
            yield Notice("raised", "schedule", name, now, now, _told(lapse))
        elif found is not None and lapse is None:
            yield _resolved(found, now, "a later slot had its run")


def _told(lapse: Lapse) -> str:
    last = f" to {show_instant(lapse.last)}" if lapse.slots > 1 else ""
    said = f"{lapse.slots} slot{'s' * (lapse.slots != 1)} had no run, {show_instant(lapse.first)}{last}"
    return f"{said}: {lapse.why}".removesuffix(": ")


def _of_the_gone(
    known: Mapping[Subject, Trouble],
    sources: Mapping[str, tuple[SourceState, int]],
    lapses: Mapping[str, Lapse | None],
    now: datetime,
) -> Iterator[Notice]:
    for (kind, name), found in sorted(known.items()):
        if kind != "housekeeping" and name not in (sources if kind == "source" else lapses):
            yield _resolved(found, now, "it is not in the config any more")


def _of_housekeeping(known: Mapping[Subject, Trouble], untidy: str, now: datetime) -> Iterator[Notice]:
    found = known.get(("housekeeping", ""))
    if found is None and untidy:
        yield Notice("raised", "housekeeping", "", now, now, untidy)
    elif found is not None and not untidy:
        yield _resolved(found, now, "it is done, or off")


def _resolved(found: Trouble, now: datetime, why: str) -> Notice:
    return Notice("resolved", found.kind, found.subject, now, found.since, f"{why}; it was: {found.reason}")
