"""Examines the store: there, readable, sound, of the right schema, private, with room to grow."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlmodel import Session

from okr_sync.core.breaker import advice, holds_back, sentence
from okr_sync.doctor.findings import Finding
from okr_sync.errors import StoreError
from okr_sync.store import schema
from okr_sync.store.breakers import load_breakers
from okr_sync.store.database import Store
from okr_sync.store.housekeeping import Growth, Kept, growth, last_done
from okr_sync.store.ledger import runs
from okr_sync.store.location import store_exists
from okr_sync.store.tokens import tokens
from okr_sync.views.service import service_notes

LITTLE, TOO_LITTLE = 1 << 30, 100 << 20  # bytes of free disk
SOON = timedelta(days=14)
FEW_DAYS, MANY_DAYS = 30, 9999  # until the disk is full


def examine_store(url: str, now: datetime) -> Iterator[Finding]:
    """Yield what there is to say about the store at `url`; nothing in it is changed."""
    file = store_file(url)
    if file is not None:
        yield _disk(file.parent)
    if not store_exists(url):
        yield Finding("store", "warn", "there is none yet", "run okr-sync sync; it makes one")
        return
    try:
        store = Store.open(url, create=False, allow_older=True)
        with store.reading() as session:
            yield from _inside(session, now, None if file is None else file.parent)
    except StoreError as error:
        yield Finding("store", "fail", str(error), "do as it says; okr-sync works without a store for nobody")
        return
    if file is not None:
        yield _privacy(file)


def store_file(url: str) -> Path | None:
    """Return the file of a store that is one; None for a server's, and for what is no address."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    return Path(str(parsed.database)) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def _inside(session: Session, now: datetime, folder: Path | None) -> Iterator[Finding]:
    revision, newest = schema.revision(session.connection()), schema.newest_revision()
    if revision == newest:
        yield Finding("schema", "ok", f"revision {revision}")
    else:
        yield Finding("schema", "fail", f"revision {revision}, not {newest}", "run okr-sync migrate")
        return
    if session.connection().dialect.name == "sqlite":
        yield _integrity(session)
    yield _clock_of_runs(session, now)
    yield from _senders(session, now)
    yield from _troubles(session, now)
    yield from _service(session, now)
    yield _growth(growth(session, now), None if folder is None else shutil.disk_usage(folder).free)
    yield _housekeeping(last_done(session))


def _integrity(session: Session) -> Finding:
    said = [str(row[0]) for row in session.connection().execute(text("PRAGMA integrity_check(5)"))]
    broken = list(session.connection().execute(text("PRAGMA foreign_key_check")))
    pages, size = (
        int(session.connection().execute(text(f"PRAGMA {name}")).scalar_one()) for name in ("page_count", "page_size")
    )
    if said == ["ok"] and not broken:
        return Finding("integrity", "ok", f"sound, {pages * size / 2**20:.1f} MiB")
    what = "; ".join(said) if said != ["ok"] else f"{len(broken)} rows point to rows that are not there"
    return Finding("integrity", "fail", what, "stop okr-sync and restore a backup")


def _clock_of_runs(session: Session, now: datetime) -> Finding:
    newest = next(iter(runs(session, 1)), None)
    if newest is None:
        return Finding("runs", "warn", "there was none yet", "run okr-sync sync")
    if newest.started > now + timedelta(minutes=1):
        ahead = f"run {newest.id} began at {newest.started:%Y-%m-%d %H:%M:%S} UTC, which is still to come"
        return Finding("runs", "fail", ahead, "set this machine's clock; it went back, or was ahead then")
    bad = newest.outcome in {"failed", "interrupted"}
    said = f"run {newest.id} of {newest.started:%Y-%m-%d %H:%M} UTC: {newest.outcome}"
    return Finding("runs", "warn" if bad else "ok", said, f"see okr-sync runs {newest.id}" if bad else "")


def _senders(session: Session, now: datetime) -> Iterator[Finding]:
    for token in tokens(session):
        if token.revoked_at is None and token.expires - now <= SOON:
            ends = "ended" if token.expires <= now else "ends"
            said = f"{token.name} {ends} on {token.expires:%Y-%m-%d %H:%M} UTC"
            yield Finding("token of a sender", "warn", said, f"okr-sync tokens revoke {token.name}, then add a new one")


def _troubles(session: Session, now: datetime) -> Iterator[Finding]:
    for name, breaker in load_breakers(session).items():
        if holds_back(breaker, now):
            said = f"{sentence(breaker)} ({breaker.error})" if breaker.error else sentence(breaker)
            yield Finding(f"runs of {name}", "warn", said, advice(breaker))


def _service(session: Session, now: datetime) -> Iterator[Finding]:
    for said in service_notes(session, now):
        yield Finding("service", "warn", said, "see okr-sync check, okr-sync alerts and docs/operations.md")


def _growth(seen: Growth, free: int | None) -> Finding:
    """Return how large the store is and how long there is room for it, if the disk is this machine's."""
    said = f"the store takes {seen.size / 2**20:.1f} MiB"
    if seen.a_day is None:
        return Finding("growth", "ok", said)
    said = f"{said}, {seen.a_day / 2**20:+.2f} MiB a day"
    if free is None or seen.a_day <= 0:
        return Finding("growth", "ok", said)
    days = free / seen.a_day
    if days < FEW_DAYS:
        fix = "make room, or forget what is old: `keep` of `housekeeping` in okr-sync.yaml"
        return Finding("growth", "warn", f"{said}: the disk is full in {days:.0f} days", fix)
    return Finding("growth", "ok", f"{said}: there is room for {min(days, MANY_DAYS):.0f} days or more")


def _housekeeping(done: Kept | None) -> Finding:
    if done is None or done.finished is None:
        return Finding("housekeeping", "ok", "none was done yet; a worker does it once a day")
    counts = [f"{number} {name.replace('_', ' ')}" for name, number in done.removed.items()]
    said = f"done at {done.finished:%Y-%m-%d %H:%M} UTC; deleted {', '.join(counts) or 'nothing'}"
    return Finding("housekeeping", "ok", said)


def _disk(folder: Path) -> Finding:
    if not folder.is_dir():
        return Finding("disk", "fail", f"the folder {folder} is not there", "make it, or correct `store` in the config")
    free = shutil.disk_usage(folder).free
    said = f"{free / 2**30:.1f} GiB free for the store"
    if free < LITTLE:
        return Finding("disk", "fail" if free < TOO_LITTLE else "warn", said, "free some space; a full disk stops runs")
    return Finding("disk", "ok", said)


def _privacy(file: Path) -> Finding:
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        return Finding("permissions", "warn", f"others may read the store (mode {mode:04o})", f"chmod 600 {file}")
    return Finding("permissions", "ok", f"the store is this user's alone (mode {mode:04o})")
