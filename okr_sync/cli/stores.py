"""Opens the store of a command: readers need its address only, not the sources' secrets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlmodel import Session

from okr_sync.cli.place import Place, reading_time
from okr_sync.config import store_url
from okr_sync.errors import UsageError
from okr_sync.store.database import Store
from okr_sync.views.judging import last_judged

AS_PRINTED = timedelta(minutes=1)  # instants are printed to the minute; what is printed may be typed again


def address(place: Place | None) -> str:
    """Return the store's address: --store, else the config's. Raises UsageError, ConfigError."""
    place = place or Place()
    return place.store or store_url(place.config_file(), os.environ)


def reader(place: Place | None) -> Store:
    """Return the store that is there; never makes one. Raises StoreError."""
    return Store.open(address(place), create=False)


@contextmanager
def reading(place: Place | None, as_of: datetime | None) -> Iterator[tuple[Session, datetime]]:
    """Give a session and the instant at which its newest states are read.

    Raises UsageError for an `as_of` before the newest run: states say how they look later, never how they were.
    """
    now = reading_time(as_of)
    with reader(place).reading() as session:
        newest = last_judged(session)
        if as_of is not None and newest is not None and newest - now >= AS_PRINTED:
            raise UsageError(
                f"--as-of {now:%Y-%m-%d %H:%M} UTC lies before the newest run ({newest:%Y-%m-%d %H:%M} UTC), whose "
                "numbers would be shown; name a later instant, or see older values with `okr-sync history`"
            )
        yield session, now
