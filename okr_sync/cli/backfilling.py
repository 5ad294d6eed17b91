"""`backfill`: the curve of the cycle from what sources know of the past."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from zoneinfo import ZoneInfo

from cyclopts import Parameter

from okr_sync.cli.exits import BY_OUTCOME
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import Json, Place, author_of_changes, current_time
from okr_sync.cli.progressing import progress_of_past
from okr_sync.cli.running import failure_lines, past_document, past_line, run_document, run_text, sources_document
from okr_sync.cli.waiting import Wait, patience
from okr_sync.config import Config, load
from okr_sync.errors import UsageError
from okr_sync.store.database import Store
from okr_sync.store.location import store_exists
from okr_sync.sync.plan import PastPlan, plan_backfill
from okr_sync.sync.run import World, outcome_of
from okr_sync.sync.run import backfill as run_backfill


def backfill(
    *,
    since: Annotated[
        date | None, Parameter(help="The first day, like 2026-10-01 [default: that of the oldest open cycle].")
    ] = None,
    dry_run: Annotated[bool, Parameter(negative="", help="Say what would be written; write nothing.")] = False,
    wait: Wait = False,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """Ask the sources for the past and compute every day of it again."""
    config = load((place or Place()).config_file(), os.environ)
    url = (place and place.store) or config.store_url
    begin = None if since is None else _first_instant(config, since)
    asked = tuple(name for name, source in config.sources.items() if source.questions)
    with progress_of_past(asked, quiet=json) as (watch, steps):
        world = World(clock=current_time, watch=watch, steps=steps, patience=patience(wait))
        if dry_run:
            return _show(_planned(config, url, world, begin), json=json)
        report = run_backfill(Store.open(url), config, world, begin, author=author_of_changes())
    if json:
        emit(run_document(report))
    else:
        say(run_text(report))
    return BY_OUTCOME[report.outcome]


def _planned(config: Config, url: str, world: World, since: datetime | None) -> PastPlan:
    with TemporaryDirectory(prefix="okr-sync-plan-") as scratch:
        store = Store.open(url if store_exists(url) else f"sqlite:///{Path(scratch) / 'empty.db'}")
        return plan_backfill(store, config, world, since)


def _show(made: PastPlan, *, json: bool) -> int:
    if json:
        emit({"past": past_document(made.past), "sources": sources_document(made.collected)})
    else:
        say("\n".join([past_line(made.past), *failure_lines(made.collected)]))
        say("Nothing was written. `okr-sync backfill` does it.")
    return BY_OUTCOME[outcome_of(made.collected)]


def _first_instant(config: Config, day: date) -> datetime:
    """Return the local midnight at which a day begins. Raises UsageError for one to come."""
    begin = datetime.combine(day, time(), ZoneInfo(config.book.timezone)).astimezone(UTC)
    if begin >= current_time():
        raise UsageError(f"--since {day} is not over yet; give a day of the past")
    return begin
