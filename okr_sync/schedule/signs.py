"""Tells the dead-man's switch of runs: that one starts, and that it ended well or why it did not."""

from __future__ import annotations

from dataclasses import dataclass

from okr_sync.alerts import Pinger
from okr_sync.config import Config
from okr_sync.errors import StoreError
from okr_sync.redaction import Redactor, forms_of
from okr_sync.store import ledger
from okr_sync.store.database import Store

__all__ = ["Signs", "why_not_well"]

WELL = ("ok", "partial")


@dataclass(frozen=True, slots=True)
class Signs:
    """Of the runs on one store; without a pinger nobody is told."""

    store: Store
    pinger: Pinger | None = None

    def start(self, config: Config, run: int) -> None:
        """Say that the run starts."""
        if self.pinger is not None:
            self.pinger.start(config.alerts, run)

    def end(self, config: Config, run: int, outcome: str | None) -> None:
        """Say how the run ended; None: nobody could write it down."""
        if self.pinger is not None:
            self.pinger.end(config.alerts, run, self._why(config, run, outcome))

    def _why(self, config: Config, run: int, outcome: str | None) -> str:
        if outcome in WELL:
            return ""
        try:
            with self.store.reading() as session:
                row = ledger.run(session, run)
        except StoreError:
            row = None  # a store that is gone is why the run failed, and doctor says more than a ping can
        return why_not_well(config, outcome, row)


def why_not_well(config: Config, outcome: str | None, row: ledger.RunRow | None) -> str:
    """Return in one line why a run did not end well, without any secret of the config."""
    said = [outcome or "its end could not be written"]
    if row is not None:
        said += [row.summary, *(f"{each.source}: {each.error}" for each in row.sources if each.error)]
    redactor = Redactor()
    for source in config.sources.values():
        settings = source.settings
        redactor.learn(forms_of({name: getattr(settings, name) for name in type(settings).model_fields}))
    return redactor.over("; ".join(part for part in said if part))
