"""Empty stores on SQLite, made once and copied: making the schema takes longer than most tests."""

from __future__ import annotations

import functools
from pathlib import Path
from tempfile import TemporaryDirectory

from okr_sync.store import Store


def new_store(file: Path) -> Store:
    """Return an empty store in `file`."""
    empty(file)
    return Store.open(f"sqlite:///{file}")


def empty(file: Path) -> None:
    """Write an empty store over `file`."""
    file.write_bytes(_empty_store())
    file.chmod(0o600)


@functools.cache
def _empty_store() -> bytes:
    with TemporaryDirectory(prefix="okr-sync-empty-") as folder:
        return Store.open(f"sqlite:///{folder}/empty.db").path.read_bytes()
