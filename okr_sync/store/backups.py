"""Backups: a store as one SQLite file, whatever database it is in, and the way back into either.

A backup is taken in one reading transaction, so it holds one state, also while a run writes. It is written beside its
place and moved there when it is whole. Going back is one transaction: killed half way, it hasn't happened.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from okr_sync.errors import StoreError
from okr_sync.store import copying, sqlite
from okr_sync.store.database import Store
from okr_sync.store.ledger import interrupt_all
from okr_sync.store.verifying import verify


@dataclass(frozen=True, slots=True)
class Copied:
    """What a backup or its way back brought over: rows of all tables, and the revision of their schema."""

    rows: int
    revision: str


def backup(store: Store, file: Path, *, force: bool = False) -> Copied:
    """Write everything that `store` holds into `file` (mode 0600) and return how much that is.

    Raises StoreError when the file is there already and not to be replaced (`force`), or can't be written.
    """
    if file.exists() and not force:
        raise StoreError(f"{file} is there already; name another file, or say --force to replace it.")
    with _told(file), TemporaryDirectory(prefix=".okr-sync-backup-", dir=file.absolute().parent) as folder:
        made = Path(folder) / "backup.db"
        _write(store, made)
        with _opened(made) as copy, copy.reading() as session:
            done = Copied(copying.rows(session), copy.schema_version())
        _settle(made)
        made.replace(file)
    return done


def restore(url: str, file: Path, now: datetime, *, force: bool = False) -> Copied:
    """Bring the backup `file` into the store at `url`; return how much that is.

    The backup is checked first, and migrated in a copy of its own; the file stays as it is. A run that was under way
    when it was taken is closed as interrupted. Raises StoreError for a file that is no sound backup, and for a store
    that holds something already unless `force`.
    """
    if not file.is_file():
        raise StoreError(f"There is no backup {file}; name a file that okr-sync backup wrote.")
    with _told(file), TemporaryDirectory(prefix="okr-sync-restore-") as folder:
        whole = Path(folder) / "backup.db"
        shutil.copyfile(file, whole)
        with _opened(whole) as source:
            if source.age() == "empty":
                raise StoreError(f"The backup {file} holds nothing; name a file that okr-sync backup wrote.")
            source.migrate()
            with source.writing() as session:
                interrupt_all(session, now, "it was under way when the backup was taken")
            _require_sound(source, file)
            with closing(Store.open(url, allow_older=True)) as target:
                return _bring(source, target, force=force)


def _bring(source: Store, target: Store, *, force: bool) -> Copied:
    with target.reading() as session:
        if copying.holds_anything(session) and not force:
            raise StoreError(f"The store {target.name} holds something already; --force replaces all of it.")
    target.migrate()
    with source.reading() as reader, target.writing() as writer:
        target.take_time(writer)
        copying.clear(writer)
        rows = copying.copy(reader, writer)
        copying.count_on(writer)
    return Copied(rows, target.schema_version())


def _require_sound(source: Store, file: Path) -> None:
    with source.reading() as session:
        flaws = verify(session)
    if flaws:
        raise StoreError(f"The backup {file} is not sound: {flaws[0].text()}; nothing was changed, use an older one.")


def _write(store: Store, made: Path) -> None:
    if store.is_file:
        with store.bare() as connection:
            connection.execute("VACUUM INTO ?", [str(made)])
            connection.rollback()  # there is nothing to undo: on a disk mounted read-only it tells a change meanwhile
        return
    with _opened(made, create=True) as copy, store.reading() as reader, copy.writing() as writer:
        store.take_time(reader)
        copying.copy(reader, writer)


def _settle(made: Path) -> None:
    """Make one private file of what was written, and see it on the disk."""
    with closing(sqlite.connect(made)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    made.chmod(0o600)
    with made.open("rb") as written:
        os.fsync(written.fileno())


@contextmanager
def _opened(path: Path, *, create: bool = False) -> Iterator[Store]:
    with closing(Store.open(f"sqlite:///{quote(str(path))}", create=create, allow_older=True)) as store:
        yield store


@contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The backup {file} can't be written or read: {error.strerror}; choose a folder that exists, has space and "
            "that this user may write."
        ) from error
