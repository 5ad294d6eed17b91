"""Reads metrics from a Singer tap: one stream, run once for all questions, its state kept if you wish."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from connectors.program_settings import Command, ProgramSettings, Sealed, opened
from connectors.programs import find, run
from connectors.singer_messages import Said, heard, selected
from connectors.singer_rows import Rows, SingerQuery, fold, merged
from okr_sync import connector as api

MOST_KEPT = 20_000  # rows; beyond, the tap is read as a whole each time


class SingerSettings(ProgramSettings):
    """The tap, and how it is run."""

    tap: Command = Field(description="the program and its words, as a list; no shell reads them")
    config: Sealed = Field(
        default_factory=dict, description="the tap's own config, given to it as a file that only we read"
    )
    stream: str = Field(description="the one stream that is read")
    catalog: api.ConfigPath | None = Field(None, description="default: what the tap discovers, this stream selected")
    incremental: bool = Field(False, description="keep the tap's state, and ask for what is new since; needs keys")  # noqa: FBT003
    timezone: ZoneInfo = Field(ZoneInfo("UTC"), description="of days, and of dates and times that name none")


class Singer(api.MetricSource):
    """A metric source over a program that speaks Singer."""

    kind = "singer"
    summary = "Numbers from a stream of any Singer tap"
    Settings = SingerSettings
    Query = SingerQuery
    CONTINUES = True
    permissions = "The tap runs as the user that runs okr-sync; its credential needs read access to the one stream."
    example = """\
sources:
  shop:
    kind: singer
    tap: [/opt/tap-shop/bin/tap-shop]
    config: {api_key: "${SHOP_KEY}", start_date: 2026-10-01T00:00:00Z}
    stream: orders
    timeout: 300
metrics:
  orders: {source: shop, aggregate: count, time: created_at}
  revenue: {source: shop, field: total, time: created_at, aggregate: sum_by_day, type: flow}
"""

    def probe(self) -> str:
        """Return which tap would run. Raises AccessError when there is none that we may run; runs nothing."""
        return f"{find(self.settings.tap, self.settings)} can be run for the stream {self.settings.stream}"

    def read(self, ask: api.Ask[Any]) -> api.Answer:
        """Return one outcome for every ref. Raises SourceError when the tap fails or says what is no Singer.

        The answer goes on (`Continued`) only if nothing of what was said is lost by it.
        """
        if not ask.queries:
            return {}
        mark = _mark(self.settings, ask)
        kept = _kept(ask.state, mark)
        said = self._said(ask.queries, kept.get("tap"))
        some = bool(said.records or kept.get("some"))
        rows: dict[str, Rows] = {}
        answer: dict[str, api.Outcome] = {}
        for ref, query in ask.queries.items():
            try:
                rows[ref] = merged(kept.get("rows", {}).get(ref, {}), said, query, self.settings.timezone)
                answer[ref] = fold(rows[ref], query, ask, self.settings.timezone, some=some) or self._nothing(ask)
            except (ValueError, OverflowError) as error:
                answer[ref] = api.Miss("invalid", f"stream {self.settings.stream}: {error}")
        unique = bool(said.keys) or not said.records
        whole = said.state is not None and len(rows) == len(answer) and sum(map(len, rows.values())) <= MOST_KEPT
        if not (self.settings.incremental and unique and whole):
            return answer
        return api.Continued(answer, json.dumps({"mark": mark, "tap": said.state, "some": some, "rows": rows}))

    def _nothing(self, ask: api.Ask[Any]) -> api.Miss:
        return api.Miss("no_data", f"stream {self.settings.stream} has no value from {ask.start:%F} to {ask.now:%F}")

    def _said(self, queries: Mapping[str, SingerQuery], state: Any) -> Said:
        settings, tap = self.settings, self.settings.tap[0]
        with TemporaryDirectory(prefix="okr-sync-tap-") as folder:
            config, catalog, before = (Path(folder) / name for name in ("config.json", "catalog.json", "state.json"))
            config.write_text(json.dumps(opened(settings.config)), "utf-8")
            words = [*settings.tap, "--config", str(config)]
            if settings.catalog is None:
                found = self.caller.call(lambda: run([*words, "--discover"], settings, settings.config))
                chosen = selected(found, tap, settings.stream, _fields(queries))
                catalog.write_text(json.dumps(chosen), "utf-8")
            words += ["--catalog", str(settings.catalog or catalog)]
            if state is not None:
                before.write_text(json.dumps(state), "utf-8")
                words += ["--state", str(before)]
            return heard(self.caller.call(lambda: run(words, settings, settings.config)), tap, settings.stream)


def _mark(settings: SingerSettings, ask: api.Ask[Any]) -> str:
    """Return what a kept state belongs to: the same settings, questions and start; anything else is read anew."""
    questions = {ref: query.model_dump(mode="json") for ref, query in ask.queries.items()}
    whole = [settings.model_dump(mode="json", exclude={"env", "timeout", "max_bytes"}), questions, str(ask.start)]
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()


def _kept(state: str | None, mark: str) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(state) if state else {}
    return kept if kept.get("mark") == mark else {}


def _fields(queries: Mapping[str, SingerQuery]) -> set[str]:
    return {name for query in queries.values() for name in (query.field, query.time, *query.where) if name}
