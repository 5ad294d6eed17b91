"""Whether a store is there, without making it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from okr_sync.store import postgres
from okr_sync.store.database import Store


def store_exists(url: str) -> bool:
    """Return False when the address names a file that is not there, or a database without tables.

    What can't be an address is left to `Store.open`. Raises StoreError when a server can't be asked.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return True
    if parsed.drivername in postgres.DRIVERS:
        with closing(Store(postgres.name_of(parsed), postgres.engine_of(parsed))) as store:
            return store.age() != "empty"
    if parsed.get_backend_name() != "sqlite" or parsed.database in {None, "", ":memory:"}:
        return True
    return Path(str(parsed.database)).exists()
