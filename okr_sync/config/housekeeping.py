"""When a worker sees to the store by itself, and what it forgets then: `housekeeping` of okr-sync.yaml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema

from okr_sync.config.amounts import Duration
from okr_sync.config.entry import Entry
from okr_sync.core.cron import Cron, parse_cron

__all__ = ["Housekeeping", "HousekeepingEntry", "read_housekeeping"]

QUIET = "03:30"
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_SCHEMA = {"anyOf": [{"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}, {"enum": ["off"]}]}


def parse_time_of_day(value: Any) -> Cron | None:
    """Return what is due each day at "03:30" on the wall; None for off. Raises ValueError."""
    if value == "off":
        return None
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('expected a time of day like "03:30", or off')
    return parse_cron(f"{match[2]} {match[1]} * * *")


TimeOfDay = Annotated[Cron | None, PlainValidator(parse_time_of_day), WithJsonSchema(_SCHEMA)]


class HousekeepingEntry(Entry):
    """What a worker does for the store once a day."""

    time: TimeOfDay = Field(parse_time_of_day(QUIET), description=f'on the wall in `timezone`; default: "{QUIET}"')
    keep: Duration | None = Field(None, description="as `okr-sync prune --keep` has it; default: nothing is forgotten")


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """Due once a day at a `time` on the wall, None: never; forgets what is older than `keep`, None: nothing."""

    time: Cron | None = None
    keep: timedelta | None = None


def read_housekeeping(entry: HousekeepingEntry | None) -> Housekeeping:
    """Return what the entry says; without one the store is packed and nothing forgotten."""
    return Housekeeping(parse_time_of_day(QUIET)) if entry is None else Housekeeping(entry.time, entry.keep)
