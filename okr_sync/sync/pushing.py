"""Takes in a value that a program sends: checked, let in by a token, kept in the inbox until the next run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from okr_sync.config import Config
from okr_sync.connector import MetricSource
from okr_sync.core.facts import Reading
from okr_sync.core.model import Metric
from okr_sync.core.spelling import did_you_mean
from okr_sync.errors import UsageError
from okr_sync.registry import Registry
from okr_sync.store import inbox, tokens
from okr_sync.store.database import Store
from okr_sync.sync.answers import CLOCK_SKEW

LONGEST_EVIDENCE = 2_000  # characters


@dataclass(frozen=True, slots=True)
class Pushed:
    """A value of a metric that was true at `time` (None: now)."""

    metric: str
    value: float
    time: datetime | None = None
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class StoredInbox:
    """The inbox in the store; each question is a short read of its own."""

    store: Store

    def __call__(self, metrics: frozenset[str]) -> Mapping[str, tuple[Reading, ...]]:
        """Return metric → the values sent for it, oldest first."""
        with self.store.reading() as session:
            return inbox.received(session, metrics)


def push(
    store: Store, config: Config, now: datetime, sent: Pushed, *, token: str, registry: Registry | None = None
) -> bool:
    """Put the value into the inbox and return True; False when the very same one is there: sending again does no harm.

    Raises UsageError for a token that does not let it in, an unknown metric, one whose source asks by itself, and a
    value or time that can't be. Nothing is said about metrics before the token is known.
    """
    with store.writing() as session:
        name = tokens.admitted(session, now, token, sent.metric).name
        _require_possible(config, registry or Registry(), sent, now)
        reading = Reading(sent.value, sent.time, sent.evidence)
        return inbox.receive(session, now, sent.metric, reading, name)


def _require_possible(config: Config, registry: Registry, sent: Pushed, now: datetime) -> None:
    metric = _metric(config, registry, sent.metric)
    low = -math.inf if metric.minimum is None else metric.minimum
    high = math.inf if metric.maximum is None else metric.maximum
    if not math.isfinite(sent.value):
        raise UsageError(f"{sent.value:g} is not a number to calculate with; send a finite one")
    if not low <= sent.value <= high:
        raise UsageError(f"{sent.value:g} can't be a value of metric {metric.id}, which lies from {low:g} to {high:g}")
    if sent.time is not None and sent.time > now + CLOCK_SKEW:
        raise UsageError(f"{sent.time.isoformat()} lies in the future; send a value when it is true")
    if len(sent.evidence) > LONGEST_EVIDENCE:
        raise UsageError(f"the evidence has {len(sent.evidence):,} characters; {LONGEST_EVIDENCE:,} are enough")


def _metric(config: Config, registry: Registry, wanted: str) -> Metric:
    known = {metric.id: metric for metric in config.book.metrics}
    if wanted not in known:
        hint = did_you_mean(wanted, known, "`okr-sync check` reads the config that declares them")
        raise UsageError(f"there is no metric {wanted}; {hint}")
    kind = config.sources[known[wanted].source].kind
    connector = registry.connector_class(kind)
    if not (issubclass(connector, MetricSource) and connector.INBOX):
        raise UsageError(
            f"metric {wanted} takes no values that are sent: the source {known[wanted].source} ({kind}) brings them; "
            "give it a source of kind push"
        )
    return known[wanted]
