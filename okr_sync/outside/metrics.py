"""The metrics of the store in Prometheus' text format, read from the database when they are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from types import MappingProxyType
from typing import TypeAlias

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlmodel import Session

from okr_sync import __version__
from okr_sync.core.breaker import holds_back
from okr_sync.core.facts import SourceState
from okr_sync.errors import StoreError
from okr_sync.store import alerts, housekeeping, ledger, results, totals
from okr_sync.store.breakers import load_breakers
from okr_sync.store.database import Store
from okr_sync.store.good_configs import broken_configs
from okr_sync.store.sources import source_states

Clock: TypeAlias = Callable[[], datetime]
Depth: TypeAlias = Callable[[], int]
"""How much waits in a queue."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class StoreMetrics(Collector):
    """Reads everything in one transaction at each scrape; holds no state between two scrapes."""

    def __init__(self, store_url: str, clock: Clock, queues: Mapping[str, Depth] = MappingProxyType({})) -> None:
        self._store_url = store_url
        self._clock = clock
        self._queues = queues

    def text(self) -> bytes:
        """Return all metrics as text. A store that can't be read leaves `okr_sync_store_readable 0`, and no numbers."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering asks no database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics as they are now."""
        build = GaugeMetricFamily("okr_sync_build_info", "The version of okr-sync that runs.", labels=["version"])
        build.add_metric([__version__], 1)
        yield build
        queues = GaugeMetricFamily("okr_sync_queue_depth", "What waits in a queue.", labels=["queue"])
        for name, depth in self._queues.items():
            with suppress(StoreError):  # a queue that can't be asked has no number
                queues.add_metric([name], depth())
        yield queues
        try:
            read = self._read()
        except StoreError:
            read = []
        said = "1 when the store could be read for this scrape."
        yield GaugeMetricFamily("okr_sync_store_readable", said, value=bool(read))
        yield from read

    def _read(self) -> list[Metric]:
        now = self._clock()
        with Store.open(self._store_url, create=False).reading() as session:
            known = (*_of_sources(session, now), *_of_runs(session), _of_key_results(session, now), *_of_store(session))
            return [*known, *_of_alerts(session)]


def _of_sources(session: Session, now: datetime) -> Iterator[Metric]:
    states = source_states(session, now)
    label = ["source"]
    success = GaugeMetricFamily(
        "okr_sync_source_last_success_timestamp_seconds", "When a source last answered (Unix time).", labels=label
    )
    age = GaugeMetricFamily("okr_sync_source_age_seconds", "Seconds since a source last answered.", labels=label)
    fresh = GaugeMetricFamily("okr_sync_source_fresh", "1 while a source counts as fresh.", labels=label)
    failing = GaugeMetricFamily("okr_sync_source_failing", "1 when a source failed when last asked.", labels=label)
    for name, state in states.items():
        if state.last_success is not None:  # unknown is absent, never 0
            success.add_metric([name], state.last_success.timestamp())
            age.add_metric([name], (now - state.last_success).total_seconds())
        fresh.add_metric([name], _is_fresh(state, now))
        failing.add_metric([name], state.error is not None)
    yield from (success, age, fresh, failing)
    yield from _troubles(session, states, now)
    yield from _costs(session)


def _is_fresh(state: SourceState, now: datetime) -> bool:
    return state.last_success is not None and state.error is None and now - state.last_success <= state.fresh_for


_COSTS = {
    "requests": "Requests sent to a source.",
    "retries": "Requests sent again to a source.",
    "seconds": "Seconds spent asking a source.",
    "received": "Bytes of answers of a source, as they came.",
    "not_modified": "Answers of a source that said that nothing is new (304).",
    "points": "Points of its rate limit that a source says were spent.",
}


def _costs(session: Session) -> Iterator[Metric]:
    costs = totals.source_costs(session)
    for name, said in _COSTS.items():
        unit = "received_bytes" if name == "received" else name
        family = CounterMetricFamily(f"okr_sync_source_{unit}", said, labels=["source"])
        for cost in costs:
            spent = getattr(cost, name)
            if spent is not None:  # what nobody counted is absent, never 0
                family.add_metric([cost.source], spent)
        yield family


def _troubles(session: Session, names: Iterable[str], now: datetime) -> Iterator[Metric]:
    label, breakers = ["source"], load_breakers(session)
    held = GaugeMetricFamily("okr_sync_source_held_back", "1 while a source in trouble is not asked.", labels=label)
    failures = GaugeMetricFamily("okr_sync_source_failures", "Runs in a row in which a source failed.", labels=label)
    said = "When a source in trouble may be asked again (Unix time)."
    next_try = GaugeMetricFamily("okr_sync_source_next_try_timestamp_seconds", said, labels=label)
    for name in names:
        breaker = breakers.get(name)
        held.add_metric([name], holds_back(breaker, now))
        failures.add_metric([name], 0 if breaker is None else breaker.failures)
        if breaker is not None and breaker.next_try is not None:
            next_try.add_metric([name], breaker.next_try.timestamp())
    yield from (held, failures, next_try)


def _of_runs(session: Session) -> Iterator[Metric]:
    runs = CounterMetricFamily("okr_sync_runs", "Runs in the ledger by outcome.", labels=["outcome"])
    counts = totals.runs_by_outcome(session)
    for outcome, count in counts.items():
        if outcome != "running":
            runs.add_metric([outcome], count)
    yield runs
    yield GaugeMetricFamily("okr_sync_runs_under_way", "Runs under way.", value=counts.get("running", 0))
    last = totals.last_finished(session)
    if last is not None and last.finished is not None:
        yield from _of_last(last, last.finished)


def _of_last(last: ledger.RunRow, finished: datetime) -> Iterator[Metric]:
    took = (finished - last.started).total_seconds()
    yield GaugeMetricFamily("okr_sync_last_run_seconds", "How long the last finished run took.", value=took)
    said = "When the last finished run ended (Unix time)."
    yield GaugeMetricFamily("okr_sync_last_run_end_timestamp_seconds", said, value=finished.timestamp())


def _of_key_results(session: Session, now: datetime) -> Metric:
    family = GaugeMetricFamily("okr_sync_key_results", "Key results by status as it reads now.", labels=["status"])
    snapshot = results.latest_snapshot(session, now)
    for status, count in sorted(Counter(each.status for each in snapshot.key_results).items() if snapshot else []):
        family.add_metric([status], count)
    return family


def _of_store(session: Session) -> Iterator[Metric]:
    said = "Bytes that the store takes, without free pages."
    yield GaugeMetricFamily("okr_sync_store_bytes", said, value=housekeeping.size(session))
    last = housekeeping.last_done(session)
    if last is not None and last.finished is not None:
        said = "When housekeeping was last done (Unix time)."
        name = "okr_sync_housekeeping_last_success_timestamp_seconds"
        yield GaugeMetricFamily(name, said, value=last.finished.timestamp())


def _of_alerts(session: Session) -> Iterator[Metric]:
    open_now = GaugeMetricFamily("okr_sync_troubles", "What is wrong and was told.", labels=["kind"])
    kinds = Counter(kind for kind, _ in alerts.troubles(session))
    for kind in ("source", "schedule", "housekeeping"):
        open_now.add_metric([kind], kinds[kind])
    letters = GaugeMetricFamily("okr_sync_alerts", "Messages about troubles in the outbox.", labels=["state"])
    counts = alerts.counted(session)
    for state in ("waiting", "sent", "given_up"):
        letters.add_metric([state], counts.get(state, 0))
    yield from (open_now, letters)
    good = not broken_configs(session)
    yield GaugeMetricFamily("okr_sync_config_good", "0 while workers go on with an older config.", value=good)
