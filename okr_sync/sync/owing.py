"""Who owes what: typed values that are missing or end soon, and key results that nobody ever checked in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from sqlmodel import Session

from okr_sync.config import Config
from okr_sync.core.definition import metrics_of, questions_of
from okr_sync.core.facts import MetricFacts
from okr_sync.core.model import KeyResult, Objective
from okr_sync.core.numbers import show_instant
from okr_sync.store.checkins import checked_in
from okr_sync.store.readings import load_metrics
from okr_sync.sync.freezing import frozen_at, why_skipped

Debt: TypeAlias = Literal["value_missing", "value_expired", "value_expiring", "never_checked_in"]

SOON = timedelta(days=7)  # before the end of a typed value


@dataclass(frozen=True, slots=True)
class Owed:
    """What one person owes: `owner` answers for the key result, or else for its objective; None: nobody does.

    `until` is when the typed value ends or ended, for those that do.
    """

    owner: str | None
    key_result: str
    title: str
    debt: Debt
    reason: str
    until: datetime | None = None


def owed_at(session: Session, config: Config, now: datetime, soon: timedelta = SOON) -> tuple[Owed, ...]:
    """Return what is owed at `now`, by owner, those without one last, else in the order of the files.

    Asked is for key results that have begun, are not due yet, and take writes. A typed value is owed when there is
    none, when it has ended, and when it ends within `soon` (inclusive); a check-in when there never was one.
    """
    closed = why_skipped(config.book, frozen_at(session, config.book, now))
    facts = load_metrics(session, frozenset(metric.id for metric in config.book.metrics), questions_of(config.book))
    known = checked_in(session)
    found = [
        each
        for objective in config.book.objectives
        for key_result in objective.key_results
        if key_result.start <= now < key_result.due and key_result.id not in closed
        for each in _owed_for(objective, key_result, _typed(config, key_result, facts), known, now + soon, now)
    ]
    return tuple(sorted(found, key=lambda each: (each.owner is None, each.owner or "")))


def _typed(config: Config, key_result: KeyResult, facts: dict[str, MetricFacts]) -> dict[str, MetricFacts]:
    sources = {metric.id: metric.source for metric in config.book.metrics}
    return {
        name: facts[name] for name in metrics_of(key_result.measure) if config.sources[sources[name]].kind == "manual"
    }


def _owed_for(  # noqa: PLR0917 -- in the order in which one says it
    objective: Objective,
    key_result: KeyResult,
    typed: dict[str, MetricFacts],
    known: frozenset[str],
    soon: datetime,
    now: datetime,
) -> Iterator[Owed]:
    owner = key_result.owner or objective.owner
    values = [each for metric, facts in typed.items() if (each := _value_owed(metric, facts, now, soon))]
    for debt, reason, until in values:
        yield Owed(owner, key_result.id, key_result.title, debt, reason, until)
    if not values and key_result.id not in known:
        reason = "nobody has checked it in yet: a confidence or a note will do"
        yield Owed(owner, key_result.id, key_result.title, "never_checked_in", reason)


def _value_owed(
    metric: str, facts: MetricFacts, now: datetime, soon: datetime
) -> tuple[Debt, str, datetime | None] | None:
    until = facts.readings[-1].expires if facts.readings else None
    if not facts.readings:
        return "value_missing", f"no value of {metric} was typed yet", None
    if until is None or until > soon:
        return None
    if until <= now:
        return "value_expired", f"the value of {metric} ended {show_instant(until)}", until
    return "value_expiring", f"the value of {metric} ends {show_instant(until)}", until
