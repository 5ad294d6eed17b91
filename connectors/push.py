"""Reads values that were sent to okr-sync: the engine hands over its inbox, nothing is asked anywhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from pydantic import Field

from okr_sync import connector as api


class PushSettings(api.Settings):
    """How long a value counts that was sent."""

    expires_days: float = Field(
        35, gt=0, le=3660, description="days for which a value counts; then its key result is outdated"
    )


class PushQuery(api.Query):
    """Nothing: the values are sent for the metric's id."""


class Push(api.MetricSource):
    """A metric source whose answers came by themselves."""

    kind = "push"
    summary = "Values that programs of yours send, by token"
    Settings = PushSettings
    Query = PushQuery
    INBOX = True
    HISTORY = True
    permissions = (
        "A token made by `okr-sync tokens add` may send values of the metrics that it names, and do nothing else."
    )
    example = """\
sources:
  sent:
    kind: push
    expires_days: 14
metrics:
  deploys: {source: sent, unit: deploys, minimum: 0}
"""

    def probe(self) -> str:
        """Return that nothing has to be reached."""
        return "values are sent by `okr-sync push`"

    def read(self, ask: api.Ask[Any]) -> api.Answer:
        """Return the values sent for the window, oldest first; none: no data, and how to send some."""
        return {ref: self._answer(ref, ask) for ref in ask.queries}

    def _answer(self, ref: str, ask: api.Ask[Any]) -> api.Outcome:
        life = timedelta(days=self.settings.expires_days)
        sent = {each.time: each for each in ask.inbox.get(ref, ()) if each.time is not None}
        inside = [(time, sent[time]) for time in sorted(sent) if ask.start <= time <= ask.now]
        if not inside:
            return api.Miss("no_data", f"nothing was sent yet; `okr-sync push {ref} VALUE` sends a value")
        return tuple(replace(each, expires=each.expires or time + life) for time, each in inside)
