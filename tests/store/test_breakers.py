"""The trouble of a source is kept while it lasts, and no longer."""

from __future__ import annotations

from dataclasses import replace

from okr_sync.core.breaker import Breaker
from okr_sync.core.facts import Collected
from okr_sync.store.breakers import load_breakers
from okr_sync.store.collecting import save_collected
from okr_sync.store.database import Store
from okr_sync.store.sources import declare_sources
from okr_sync.store.totals import source_costs
from tests.store.builders import HOUR, NOW, running

TROUBLE = Breaker("0f1e2d3c4b5a6978", "refused", NOW, NOW, 2, NOW + HOUR, "status 401", "renew the token")


def brought(store: Store, *, breaker: Breaker | None, received: int | None = None, declared: bool = True) -> None:
    """Save what the source "tracker" brought in a run of its own."""
    with store.writing() as session:
        declare_sources(session, {"tracker": HOUR} if declared else {})
        failed = Collected("tracker", NOW, "failed", error="status 401", breaker=breaker, received=received, requests=1)
        save_collected(session, running(session), failed)


def test_a_trouble_is_read_as_it_was_saved_until_there_is_another_or_none(store: Store) -> None:
    later = replace(TROUBLE, at=NOW + HOUR, failures=3, next_try=None)
    for breaker, kept in (
        (TROUBLE, {"tracker": TROUBLE}),
        (TROUBLE, {"tracker": TROUBLE}),
        (later, {"tracker": later}),
        (None, {}),
        (None, {}),
    ):
        brought(store, breaker=breaker)
        with store.reading() as session:
            assert load_breakers(session) == kept


def test_a_source_that_is_declared_no_more_has_no_trouble(store: Store) -> None:
    brought(store, breaker=TROUBLE)
    brought(store, breaker=TROUBLE, declared=False)
    with store.reading() as session:
        assert load_breakers(session) == {}


def test_bytes_beyond_four_gigabytes_add_up_and_what_nobody_counted_stays_unknown(store: Store) -> None:
    for received in (None, 3 << 31, 3 << 31):
        brought(store, breaker=None, received=received)
    with store.reading() as session:
        (cost,) = source_costs(session)
    assert (cost.requests, cost.received, cost.not_modified, cost.points) == (3, 6 << 31, None, None)
    assert type(cost.received) is int
