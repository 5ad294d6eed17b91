"""The next slots, as `check` and `sources` show them."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from okr_sync.config import Config
from okr_sync.core.slots import slots_after

SHOWN = 3


def next_slots(config: Config, now: datetime) -> dict[str, list[datetime]]:
    """Return name of the schedule → its next three slots; an empty name is the schedule of the whole config."""
    zone = config.zone()
    return {name: list(islice(slots_after(each, zone, now), SHOWN)) for name, each in config.schedules.items()}


def housekeeping_lines(config: Config, now: datetime) -> list[str]:
    """Return when a worker sees to the store next; nothing where no worker works, or it never does."""
    at = config.housekeeping.time
    if at is None or not config.schedules:
        return []
    return [f"housekeeping: {slot_line(list(islice(slots_after(at, config.zone(), now), 1)))}"]


def slot_document(slots: list[datetime]) -> list[str]:
    """Return the instants as machines read them."""
    return [slot.isoformat().replace("+00:00", "Z") for slot in slots]


def slot_line(slots: list[datetime]) -> str:
    """Return the instants as people read them."""
    return "next " + ", ".join(f"{slot:%a %Y-%m-%d %H:%M:%S}" for slot in slots) + " UTC"
