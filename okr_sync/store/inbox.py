"""The inbox: values that programs sent for metrics, kept until a run takes them over."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session

from okr_sync.core.facts import Reading
from okr_sync.store.statements import chunks, fetch, fetch_one, insert_one
from okr_sync.store.tables import PushedRow, sql

PUSHED = sql(PushedRow)


def receive(session: Session, now: datetime, metric: str, reading: Reading, token: str) -> bool:
    """Append a value and return True; False when the value known for its time is the same already.

    `reading.time` None means `now`. `token` is the name of the token that let it in.
    """
    time = reading.time or now
    place = (PUSHED.c.metric == metric, PUSHED.c.valid_time == time)
    last = fetch_one(session, select(PUSHED).where(*place).order_by(PUSHED.c.revision.desc()))
    if last is not None and last["value"] == reading.value:
        return False
    row = {"metric": metric, "valid_time": time, "revision": last["revision"] + 1 if last else 0}
    said = {"value": reading.value, "evidence": reading.evidence, "token": token, "received_at": now}
    insert_one(session, PUSHED, row | said)
    return True


def received(session: Session, metrics: frozenset[str]) -> dict[str, tuple[Reading, ...]]:
    """Return metric → the value sent last for each time, oldest time first; a metric without values is left out."""
    found: dict[str, dict[datetime, Reading]] = {}
    order = (PUSHED.c.metric, PUSHED.c.valid_time, PUSHED.c.revision)
    for chunk in chunks(metrics):
        for row in fetch(session, select(PUSHED).where(PUSHED.c.metric.in_(chunk)).order_by(*order)):
            evidence = f"sent with the token {row['token']}" + (f": {row['evidence']}" if row["evidence"] else "")
            reading = Reading(row["value"], row["valid_time"], evidence, row["token"])
            found.setdefault(row["metric"], {})[row["valid_time"]] = reading
    return {metric: tuple(readings.values()) for metric, readings in found.items()}
