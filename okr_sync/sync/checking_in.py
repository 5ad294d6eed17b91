"""A person's check-in: a value, a confidence, a note; written at once and judged at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlmodel import Session

from okr_sync.config import Config
from okr_sync.core import definition
from okr_sync.core.facts import SaidStatus
from okr_sync.core.model import KeyResult, Metric
from okr_sync.core.spelling import did_you_mean
from okr_sync.errors import UsageError
from okr_sync.store import checkins, overrides
from okr_sync.store.database import Store
from okr_sync.sync.freezing import frozen_at, why_skipped
from okr_sync.sync.run import RunReport, World, evaluate_only

LIFE_OF_A_SAID_STATUS = timedelta(days=14)  # then the computed one counts again
LIFE_OF_A_TYPED_VALUE = timedelta(days=35)  # then it is outdated and asks for a look


@dataclass(frozen=True, slots=True)
class TypedCheckIn:
    """What a person says about a key result; `confidence` from 0 to 10."""

    key_result: str
    author: str
    value: float | None = None
    confidence: int | None = None
    note: str = ""
    blockers: str = ""
    expires: datetime | None = None
    status: SaidStatus | Literal["none"] | None = None
    """None: nothing is said about it; "none": what is computed counts again."""
    reason: str = ""

    @property
    def has_words(self) -> bool:
        """Whether it says more than a status."""
        return self.value is not None or self.confidence is not None or bool(self.note or self.blockers)


def check_in(store: Store, config: Config, world: World, said: TypedCheckIn) -> RunReport:
    """Write the check-in and evaluate anew, both or neither; return what that changed.

    Raises UsageError for an unknown key result, for a value that its metric can't have, and for a value where a source
    measures: numbers of sources are not overwritten by hand; for a status without a reason, or that expired already.
    Raises BusyError while a run is under way.
    """
    key_result = find_key_result(config, said.key_result)
    metric = None if said.value is None else _typed_metric(config, key_result, said.value)
    asked = definition.questions_of(config.book)
    with store.reading() as session:
        _require_open(session, config, key_result, world.clock())

    def enter(session: Session, now: datetime) -> None:
        _enter_status(session, now, said)
        if not said.has_words:
            return
        checkins.check_in(
            session,
            now,
            key_result=said.key_result,
            author=said.author,
            metric=metric,
            question=asked[metric] if metric else None,
            value=said.value,
            confidence=said.confidence,
            note=said.note,
            blockers=said.blockers,
            expires=said.expires or now + LIFE_OF_A_TYPED_VALUE,
        )

    return evaluate_only(store, config, world, trigger="check-in", author=said.author, enter=enter)


def _require_open(session: Session, config: Config, key_result: KeyResult, now: datetime) -> None:
    why = why_skipped(config.book, frozen_at(session, config.book, now)).get(key_result.id)
    if why is not None:
        raise UsageError(f"{key_result.id} takes no more check-ins: {why}; `okr-sync reopen` opens a closed cycle")


def _enter_status(session: Session, now: datetime, said: TypedCheckIn) -> None:
    if said.status == "none":
        overrides.take_back_status(session, now, said.key_result, said.author, reason=said.reason)
    elif said.status is not None:
        expires = said.expires or now + LIFE_OF_A_SAID_STATUS
        overrides.say_status(
            session, now, said.key_result, said.author, status=said.status, reason=said.reason, expires=expires
        )


def find_key_result(config: Config, wanted: str) -> KeyResult:
    """Return the key result. Raises UsageError with the nearest id."""
    known = {each.id: each for each in config.book.key_results()}
    if wanted in known:
        return known[wanted]
    hint = did_you_mean(wanted, known, "`okr-sync status` lists them")
    raise UsageError(f"there is no key result {wanted}; {hint}")


def _typed_metric(config: Config, key_result: KeyResult, value: float) -> str:
    """Return the one metric that takes the value. Raises UsageError when there is none or the value can't be."""
    sources = {metric.id: metric.source for metric in config.book.metrics}
    metrics = definition.metrics_of(key_result.measure)
    typed = [metric for metric in metrics if config.sources[sources[metric]].kind == "manual"]
    if len(typed) == 1:
        _require_possible(next(metric for metric in config.book.metrics if metric.id == typed[0]), value)
        return typed[0]
    if typed:
        raise UsageError(
            f"{key_result.id} reads several typed metrics ({', '.join(typed)}); check in one key result each"
        )
    measured = f"the source {sources[metrics[0]]} measures it" if metrics else "its initiatives measure it"
    raise UsageError(
        f"{key_result.id} takes no typed value: {measured}. A note or a confidence is welcome; to type values, "
        "give its metric a source of kind manual"
    )


def _require_possible(metric: Metric, value: float) -> None:
    low = -math.inf if metric.minimum is None else metric.minimum
    high = math.inf if metric.maximum is None else metric.maximum
    if not math.isfinite(value):
        raise UsageError(f"{value:g} is not a number to calculate with; give --value a finite number")
    if not low <= value <= high:
        raise UsageError(
            f"{value:g} can't be a value of metric {metric.id}, which lies from {low:g} to {high:g}; correct --value"
        )
