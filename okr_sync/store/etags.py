"""Answers that are remembered with their ETags: as many bytes a source as it may have, the longest unused go first."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlmodel import Session

from okr_sync.core.facts import Collected
from okr_sync.core.remembering import KeptAnswer
from okr_sync.store.statements import Row, batches, change_all, chunks, fetch, fetch_one, insert_all
from okr_sync.store.tables import EtagRow, sql

__all__ = ["MOST_BYTES", "kept_answer", "save_etags", "unreadable"]

ETAGS = sql(EtagRow)
KEY = ("source", "address")
MOST_BYTES = 32 << 20  # of packed bodies a source
A_DAY = timedelta(days=1)  # how exactly it is known when one was used: a quiet run needn't write


def kept_answer(session: Session, source: str, address: str) -> KeptAnswer | None:
    """Return what is remembered of a source at an address, both as hashes are stored; None: nothing."""
    names = KeptAnswer.__slots__
    wanted = select(*(ETAGS.c[name] for name in names)).where(ETAGS.c.source == source, ETAGS.c.address == address)
    row = fetch_one(session, wanted)
    return None if row is None else KeptAnswer(**row)


def save_etags(session: Session, collected: Collected, most: int = MOST_BYTES) -> None:
    """Save what a run remembered of its source, in at most `most` bytes.

    First comes what the run used, so that a source with too many answers has the same ones remembered each time; then
    what is new, in its order; then all the rest, the last used first. What has no room is forgotten.
    """
    recalled, source, now = collected.recalled, collected.source, collected.at
    if recalled.used:
        _touch(session, source, recalled.used, now)
    if not recalled.fresh:
        return
    fresh = {each.address: _row(source, each, now) for each in recalled.fresh}
    _forget(session, source, set(fresh))
    known = _sizes(session, source)
    known.sort(key=lambda row: row["address"] not in recalled.used)
    used = [row for row in known if row["address"] in recalled.used]
    room = set(_fitting([*used, *fresh.values(), *known[len(used) :]], most))
    _forget(session, source, {row["address"] for row in known} - room)
    insert_all(session, ETAGS, [row for address, row in fresh.items() if address in room])


def unreadable(session: Session) -> Iterator[str]:
    """Yield the source and address of each remembered answer that can't be unpacked, or has another size than told."""
    found = session.connection().execute(select(ETAGS).order_by(*(ETAGS.c[name] for name in KEY))).mappings()
    for row in found:
        if len(row["body"]) != row["size"] or not _unpacks(row["body"]):
            yield f"{row['source']} {row['address']}"


def _touch(session: Session, source: str, used: frozenset[str], now: datetime) -> None:
    for some in chunks(used):
        long_ago = select(ETAGS.c.source, ETAGS.c.address).where(
            ETAGS.c.source == source, ETAGS.c.address.in_(some), ETAGS.c.used_at <= now - A_DAY
        )
        change_all(session, ETAGS, [{**row, "used_at": now} for row in fetch(session, long_ago)], key=KEY)


def _sizes(session: Session, source: str) -> list[dict[str, Any]]:
    columns = select(ETAGS.c.address, ETAGS.c.size).where(ETAGS.c.source == source)
    return fetch(session, columns.order_by(ETAGS.c.used_at.desc(), ETAGS.c.address))


def _fitting(rows: list[Row], most: int) -> Iterator[str]:
    for row in rows:
        if row["size"] <= most:
            most -= row["size"]
            yield row["address"]


def _forget(session: Session, source: str, addresses: set[str]) -> None:
    for some in batches(sorted(addresses)):
        session.connection().execute(delete(ETAGS).where(ETAGS.c.source == source, ETAGS.c.address.in_(some)))


def _row(source: str, kept: KeptAnswer, now: datetime) -> Row:
    said = {name: getattr(kept, name) for name in KeptAnswer.__slots__}
    return {"source": source, **said, "size": len(kept.body), "used_at": now}


def _unpacks(body: bytes) -> bool:
    try:
        zlib.decompress(body)
    except zlib.error:
        return False
    return True
