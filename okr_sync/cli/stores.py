"""Opens the store of a command: readers need its address only, not the sources' secrets."""

from __future__ import annotations

import os

from okr_sync.cli.place import Place
from okr_sync.config import store_url
from okr_sync.store.database import Store


def address(place: Place | None) -> str:
    """Return the store's address: --store, else the config's. Raises UsageError, ConfigError."""
    place = place or Place()
    return place.store or store_url(place.config_file(), os.environ)


def reader(place: Place | None) -> Store:
    """Return the store that is there; never makes one. Raises StoreError."""
    return Store.open(address(place), create=False)
