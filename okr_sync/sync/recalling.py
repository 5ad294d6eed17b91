"""Asks trackers what happened before anybody looked: each container once, or again when somebody wants it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, get_args

from sqlmodel import Session

from okr_sync.config import Config, Source
from okr_sync.connector import DeliverySource, ItemState, ProtocolError, Transition, TransitionField
from okr_sync.core.breaker import Breaker, Ended
from okr_sync.core.costs import COUNTED, added
from okr_sync.core.facts import Collected
from okr_sync.errors import SourceError
from okr_sync.store import changelog, ledger
from okr_sync.store.breakers import save_breaker
from okr_sync.store.changelog import Log, Unasked
from okr_sync.store.ledger import SourceEntry, SourceOutcome
from okr_sync.sync.caller import RetryingCaller
from okr_sync.sync.collect import REPORT, Asking, broken, caller_for, cost_of, side_by_side
from okr_sync.sync.contract import FIX
from okr_sync.sync.pausing import trouble_after
from okr_sync.sync.veiling import Veil


@dataclass(frozen=True, slots=True)
class Recalled:
    """What one source told of the past, or why it could not; and what that cost."""

    source: str
    log: Log | None = None
    error: str | None = None
    fix: str | None = None
    requests: int = 0
    retries: int = 0
    seconds: float = 0.0
    received: int | None = None
    not_modified: int | None = None
    points: int | None = None
    breaker: Breaker | None = None
    """Its trouble, when asking brought it into some."""

    def added_to(self, brought: Collected) -> Collected:
        """Return what the source brought, with this cost on top; partial when its past could not be read."""
        cost: dict[str, Any] = {name: added(getattr(brought, name), getattr(self, name)) for name in COUNTED}
        if self.error is None:
            return replace(brought, **cost)
        return replace(brought, **cost, outcome="partial", error=self.error, fix=self.fix)


def open_questions(
    session: Session, sources: Mapping[str, Source], since: datetime, *, again: bool = False
) -> dict[str, Unasked]:
    """Return source name → what to ask it for, of those that keep history and were not asked for all of it yet.

    With `again` everything is asked anew.
    """
    found = {
        name: changelog.unasked(session, name, frozenset(source.questions), since, again=again)
        for name, source in sources.items()
        if source.is_delivery and source.keeps_history and source.backfill
    }
    return {name: question for name, question in found.items() if question.containers}


def questions_about(
    session: Session,
    config: Config,
    collected: Iterable[Collected],
    since: datetime,
    now: datetime,
    *,
    again: bool,
) -> dict[str, Unasked]:
    """Return the open questions to the sources that just answered; none when nothing lies between then and now."""
    answered = {brought.source for brought in collected if brought.outcome != "failed" and not brought.breaker}
    sources = {name: source for name, source in config.sources.items() if name in answered}
    return open_questions(session, sources, since, again=again) if since < now else {}


def with_cost(collected: Iterable[Collected], recalled: Iterable[Recalled]) -> tuple[Collected, ...]:
    """Return what sources brought, with what it cost to ask for their past on top."""
    told = {each.source: each for each in recalled}
    return tuple(told[each.source].added_to(each) if each.source in told else each for each in collected)


def recall(
    sources: Mapping[str, Source],
    questions: Mapping[str, Unasked],
    asking: Asking,
    collected: Iterable[Collected] = (),
) -> tuple[Recalled, ...]:
    """Return what each source of `questions` told, each asked in its own thread; one that fails disturbs no other.

    What it cost that they `collected` in the same run counts in their budgets.
    """
    asked = [sources[name] for name in questions]
    sent = {brought.source: (brought.requests, brought.retries) for brought in collected}

    def one(source: Source, stop: threading.Event) -> Recalled:
        return _recall_one(source, questions[source.name], asking, stop, sent.get(source.name, (0, 0)))

    return side_by_side(asked, one)


def save_recalled(session: Session, run_id: int, recalled: Recalled) -> None:
    """Save the change log, or why there is none, the trouble, and the cost on top of what the source cost already."""
    logged = 0 if recalled.log is None else changelog.save_log(session, run_id, recalled.log)
    spent: dict[str, Any] = {name: getattr(recalled, name) for name in ("error", "fix", *COUNTED)}
    if recalled.breaker is not None:
        save_breaker(session, recalled.source, recalled.breaker)
    ended: SourceOutcome = "ok" if recalled.error is None else "partial"
    seen = 0 if recalled.log is None else len(recalled.log.moves)
    ledger.add_to_source(session, run_id, SourceEntry(recalled.source, ended, **spent, seen=seen, changed=logged))


def _recall_one(
    source: Source, question: Unasked, asking: Asking, stop: threading.Event, sent: tuple[int, int]
) -> Recalled:
    began, (requests, retries) = time.monotonic(), sent
    caller = caller_for(source, asking, stop, sent_before=requests, repeated_before=retries)
    recalled = _ask(source, question, asking, caller)
    seconds = time.monotonic() - began
    ended = Ended("answered", asking.now, recalled.error or "", recalled.fix or "")
    breaker = trouble_after(source, caller, None, ended, seconds)
    return replace(recalled, breaker=breaker, **cost_of(caller, seconds))


def _ask(source: Source, question: Unasked, asking: Asking, caller: RetryingCaller) -> Recalled:
    veil = Veil.of(source.settings)
    try:
        connector = asking.registry.connector_class(source.kind)(source.settings, caller)
        try:
            moves = _told(connector, question, asking.now)
        finally:
            connector.close()
    except SourceError as error:
        return _failed(source, veil.over(str(error)), veil.over(error.fix))
    except Exception as error:  # noqa: BLE001 -- a connector is a plugin: its bug must not end the run
        return _failed(source, veil.over(broken(source, error)), REPORT)
    return Recalled(source.name, Log(question, moves, asking.now))


def _failed(source: Source, error: str, fix: str) -> Recalled:
    return Recalled(source.name, error=f"its past could not be read, the next run asks again: {error}", fix=fix)


def _told(connector: object, question: Unasked, now: datetime) -> tuple[Transition, ...]:
    if not isinstance(connector, DeliverySource) or not question.items:
        return ()
    pieces = connector.past(question.items, question.since, now)
    moves = [move for piece in pieces for move in piece]
    _require_sound(moves, question)
    # What happened while we asked is brought by the next run, together with the item as it is then.
    return tuple(sorted((move for move in moves if question.since <= move.at <= now), key=lambda move: move.at))


def _require_sound(moves: Iterable[Transition], question: Unasked) -> None:
    for move in moves:
        fault = _fault(move, question)
        if fault:
            raise ProtocolError(f"the change log of {move.item} has {fault}", fix=FIX)


def _fault(move: Transition, question: Unasked) -> str:
    if move.item not in question.items:
        return "changes although nobody asked for it"
    if move.field not in get_args(TransitionField):
        return f"the unknown field {move.field!r}"
    if move.at.tzinfo is None:
        return f"a time without a zone: {move.at}"
    wrong = [text for text in (move.before, move.after) if not _fits(move.field, text)]
    return f"{wrong[0]!r} as {move.field}" if wrong else ""


def _fits(field: TransitionField, text: str | None) -> bool:
    if field == "state":
        return text in get_args(ItemState)
    if field != "points" or text is None:
        return True
    try:
        return 0 <= float(text) < math.inf
    except ValueError:
        return False
