"""Reads values that people type: dated entries beside the metric, each with its author and an end of its life."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat

from okr_sync import connector as api


def _read_moment(value: Any) -> Any:
    """Keep a date's text a date, and refuse `on: 2026`, which would else be a second of 1970."""
    if isinstance(value, str):
        value = date.fromisoformat(value) if len(value) == len("2026-01-31") else datetime.fromisoformat(value)
    if isinstance(value, date) and 1900 <= value.year <= 9000:
        return value
    raise ValueError("write a date like 2026-01-31 or a time like 2026-01-31T09:30+01:00")


Moment = Annotated[datetime | date, BeforeValidator(_read_moment)]
"""A local date, or a time; a time without an offset is local."""


class ManualSettings(api.Settings):
    """How long a typed value lives, and where its dates are meant."""

    expires_days: float = Field(35, gt=0, le=3660, description="for entries without `expires`")
    timezone: ZoneInfo = Field(ZoneInfo("UTC"), description="of dates and times that name none")


class Entry(BaseModel):
    """One value: true from `on` (a date: from 00:00) and through `expires` (a date: to its end)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: FiniteFloat
    on: Moment
    by: str = Field(min_length=1)
    note: str = ""
    expires: Moment | None = None


class ManualQuery(api.Query):
    """The values typed so far, in any order; none: they come by check-in.

    They are answers, so that one more of them is no other question.
    """

    entries: tuple[Entry, ...] = Field((), exclude=True, description="value, on, by; note, expires if you like")


class Manual(api.MetricSource):
    """A metric source whose answers stand in its questions."""

    kind = "manual"
    summary = "Values that people type, with author and expiry"
    HISTORY = True
    Settings = ManualSettings
    Query = ManualQuery
    permissions = "None: nothing is asked."
    example = """\
sources:
  people: {kind: manual, expires_days: 35}
metrics:
  position:
    source: people
    entries:
      - {value: 4, on: 2026-10-05, by: ana}
  mood: {source: people}
"""

    def probe(self) -> str:
        """Return that nothing has to be reached."""
        return "values are typed in the files or by `okr-sync check-in`"

    def read(self, ask: api.Ask[Any]) -> api.Answer:
        """Return the entries dated inside the window, oldest first; of two at one time the later in the list."""
        return {ref: self._answer(query, ask) for ref, query in ask.queries.items()}

    def _answer(self, query: ManualQuery, ask: api.Ask[Any]) -> api.Outcome:
        readings = {reading.time: reading for reading in map(self._reading, query.entries)}
        inside = [reading for at, reading in readings.items() if at and ask.start <= at <= ask.now]
        if inside:
            return tuple(sorted(inside, key=lambda reading: reading.time or ask.now))
        future = [entry for entry in query.entries if self._instant(entry.on) > ask.now]
        if future:
            return api.Miss("no_data", f"the entry on {future[0].on} by {future[0].by} lies in the future")
        return api.Unchanged()

    def _reading(self, entry: Entry) -> api.Reading:
        start = self._instant(entry.on)
        end = start + timedelta(days=self.settings.expires_days)
        if entry.expires is not None:
            end = self._instant(entry.expires, day_after=not isinstance(entry.expires, datetime))
        evidence = f"typed by {entry.by} on {entry.on}" + (f": {entry.note}" if entry.note else "")
        return api.Reading(entry.value, start, evidence, entry.by, end)

    def _instant(self, moment: date, *, day_after: bool = False) -> datetime:
        local = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
        local += timedelta(days=1) if day_after else timedelta()
        return (local if local.tzinfo else local.replace(tzinfo=self.settings.timezone)).astimezone(UTC)
