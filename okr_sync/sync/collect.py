"""Asks every source in its own thread and returns what each brought; nothing is written here."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from okr_sync.config import Source
from okr_sync.connector import DeliverySource
from okr_sync.core.breaker import Breaker, may_ask
from okr_sync.core.facts import Collected, Reading
from okr_sync.errors import SourceError, StoreError
from okr_sync.registry import Registry
from okr_sync.sync.answers import gather_readings
from okr_sync.sync.arenas import keep_few_arenas
from okr_sync.sync.baselines import Past
from okr_sync.sync.caller import RetryingCaller
from okr_sync.sync.delivery import gather_items
from okr_sync.sync.fingerprints import fingerprint
from okr_sync.sync.mirror import Mirror
from okr_sync.sync.pausing import held_back, with_trouble
from okr_sync.sync.remembering import LookUp, Recollection
from okr_sync.sync.staging import LEAST, Shelves, Stage, complete, fingerprint_of
from okr_sync.sync.suspecting import Memory
from okr_sync.sync.veiling import Veil

Brought = TypeVar("Brought")
REPORT = "report it to the makers of the connector"
Watch = Callable[[str, int], None]
"""Called with a source's name and its number of requests so far, from that source's threads."""

Inbox = Callable[[frozenset[str]], Mapping[str, tuple[Reading, ...]]]


def nothing_sent(_refs: frozenset[str]) -> Mapping[str, tuple[Reading, ...]]:
    """Return the inbox of a world where nobody sends anything."""
    return {}


@dataclass(frozen=True, slots=True)
class Asking:
    """How to ask: the window [start, now] and the outside world as arguments."""

    start: datetime
    now: datetime
    mirror: Mirror
    registry: Registry
    full: bool = False
    """Forget the cursors: bring everything anew."""
    past: Mapping[str, Past] = field(default_factory=dict)
    """Source → what it is to tell of the past."""
    sleep: Callable[[float], None] = time.sleep
    watch: Watch | None = None
    questions: Mapping[str, str] = field(default_factory=dict)
    """Metric id or scope ref → hash of what is asked."""
    inbox: Inbox = nothing_sent
    """Gives the values that were sent for these refs, oldest first, from the source's own thread."""
    breakers: Mapping[str, Breaker] = field(default_factory=dict)
    """Source → its trouble, if it is in any."""
    retry: bool = False
    """Ask those, too, that are held back because of their trouble."""
    memory: Memory | None = None
    """What is confirmed, to hold answers against; None: every answer is believed."""
    shelves: Shelves | None = None
    """Where answers are kept in case a pull is interrupted; None: nowhere."""
    droppings: Mapping[str, frozenset[frozenset[str]]] = field(default_factory=dict)
    """Source → which resolutions drop work; see `DeliverySource.droppings`."""
    etags: LookUp | None = None
    """Gives the answers that are remembered with their ETags; None: nothing is."""


def collect(sources: Mapping[str, Source], asking: Asking) -> tuple[Collected, ...]:
    """Return what each source with questions brought, in the order of `sources`.

    A source that fails in any way gives a failed `Collected`; it never disturbs the others. What ends the run, an
    interrupt above all, ends their waits too.
    """
    asked = [source for source in sources.values() if source.questions]
    return side_by_side(asked, lambda source, stop: _collect_one(source, asking, stop))


def side_by_side(sources: Sequence[Source], ask: Callable[[Source, threading.Event], Brought]) -> tuple[Brought, ...]:
    """Return `ask(source, stop)` of each, every one in a thread of its own; `stop` is set when one of them raised."""
    if not sources:
        return ()
    keep_few_arenas()
    with ThreadPoolExecutor(len(sources), thread_name_prefix="okr-sync-source") as pool:
        stop = threading.Event()
        try:
            return tuple(pool.map(lambda source: ask(source, stop), sources))
        except BaseException:
            stop.set()
            raise


def caller_for(
    source: Source,
    asking: Asking,
    stop: threading.Event,
    *,
    probing: bool = False,
    sent_before: int = 0,
    repeated_before: int = 0,
    recollection: Recollection | None = None,
) -> RetryingCaller:
    """Return what sends the requests of one source in this thread, with the source's deadline from now on."""
    threading.current_thread().name = f"okr-sync-source-{source.name}"
    watch = asking.watch
    return RetryingCaller(
        seconds=source.deadline.total_seconds(),
        concurrency=source.concurrency,
        budget=source.budget,
        sent_before=sent_before,
        repeated_before=repeated_before,
        probing=probing,
        sleep=_pause(asking, stop),
        stop=stop,
        recollection=recollection,
        watch=None if watch is None else lambda count: watch(source.name, count),
    )


def cost_of(caller: RetryingCaller, seconds: float) -> dict[str, Any]:
    """Return what the requests of a caller cost, by the names of `COUNTED`."""
    meter = caller.meter
    return {
        "requests": caller.requests,
        "retries": caller.retries,
        "seconds": seconds,
        "received": meter.received,
        "not_modified": meter.not_modified,
        "points": meter.points,
    }


def _collect_one(source: Source, asking: Asking, stop: threading.Event) -> Collected:
    began = time.monotonic()
    breaker = asking.breakers.get(source.name)
    leave = may_ask(breaker, fingerprint(source), asking.now) if breaker is not None else "ask"
    if breaker is not None and leave == "wait" and not asking.retry:
        return held_back(source, breaker, asking.now)
    recollection = Recollection(source.name, None if asking.full else asking.etags)
    caller = caller_for(source, asking, stop, probing=leave != "ask", recollection=recollection)
    collected = Veil.of(source.settings).over_all(_ask(source, asking, caller))
    seconds = time.monotonic() - began
    settled = with_trouble(collected, source, caller, breaker, seconds)
    asked = {ref: asking.questions[ref] for ref in source.questions if ref in asking.questions}
    kept = caller.stage.used if caller.stage and caller.stage.goes_on else None
    told: dict[str, Any] = {"questions": asked, "kept": kept, "recalled": recollection.told()}
    return replace(settled, **told, **cost_of(caller, seconds))


def _pause(asking: Asking, stop: threading.Event) -> Callable[[float], None]:
    """Return how to wait: in real time until `stop` at the latest, or as the caller's own clock does."""

    def pause(seconds: float) -> None:
        stop.wait(seconds)

    return pause if asking.sleep is time.sleep else asking.sleep


def _ask(source: Source, asking: Asking, caller: RetryingCaller) -> Collected:
    try:
        connector = asking.registry.connector_class(source.kind)(source.settings, caller)
        try:
            if isinstance(connector, DeliverySource):
                return _ask_for_items(connector, source, asking, caller)
            return gather_readings(
                connector,
                source,
                asking.start,
                asking.now,
                asking.past.get(source.name),
                state=asking.mirror.cursor(source.name) if connector.CONTINUES and not asking.full else None,
                inbox=asking.inbox(frozenset(source.questions)) if connector.INBOX else None,
                held=asking.memory.metrics(source.name) if asking.memory else {},
            )
        finally:
            connector.close()
    except SourceError as error:
        return _failed(source, asking.now, f"{error}{_left_by(caller)}", error.fix)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 -- a connector is a plugin: its bug must not end the run
        return _failed(source, asking.now, broken(source, error), REPORT)


def _ask_for_items(connector: DeliverySource, source: Source, asking: Asking, caller: RetryingCaller) -> Collected:
    """Return what a delivery source brings, going on with a pull that was interrupted, if there is one."""
    held = asking.memory.scopes(source.name) if asking.memory else {}
    cursor = None if asking.full else asking.mirror.cursor(source.name)
    connector.droppings = asking.droppings.get(source.name)

    def gather(begun: datetime) -> Collected:
        return gather_items(connector, source, asking.mirror, asking.now, cursor=cursor, held=held, begun=begun)

    if asking.shelves is None or not connector.RESUMES:
        return gather(asking.now)
    shelf, asked = asking.shelves.of(source.name), fingerprint_of(source, cursor)
    stage = Stage.open(shelf, asked, asking.now)
    if asking.full:
        stage = stage.anew(asking.now)
    return complete(gather, caller, stage, asking.now)


def _left_by(caller: RetryingCaller) -> str:
    """Return what an interrupted pull leaves to the next run, in words."""
    count = caller.stage.count if caller.stage else 0
    return f"; {count} answers are kept, and the next run asks for the rest" if count >= LEAST else ""


def broken(source: Source, error: Exception) -> str:
    """Return what broke in a connector, and where. The error's own text stays out: it may quote a secret."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"the connector {source.kind} broke: {type(error).__name__} at {Path(last.filename).name}:{last.lineno}"


def _failed(source: Source, now: datetime, error: str, fix: str) -> Collected:
    return Collected(source.name, now, "failed", error=error, fix=fix)
