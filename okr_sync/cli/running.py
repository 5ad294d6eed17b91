"""`sync`, `plan` and `migrate`: the commands that ask sources or change the store's shape."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from cyclopts import Parameter

from okr_sync.cli.exits import BY_OUTCOME, DONE
from okr_sync.cli.output import emit, say
from okr_sync.cli.parting import signed_off
from okr_sync.cli.place import Json, Place, author_of_changes, current_time
from okr_sync.cli.progressing import progress, progress_of_past
from okr_sync.cli.stores import address
from okr_sync.cli.troubles import trouble_document
from okr_sync.cli.waiting import Wait, patience
from okr_sync.config import Config, load
from okr_sync.config.commits import Commits
from okr_sync.core.changes import Change, describe
from okr_sync.core.facts import Collected, Miss
from okr_sync.render.costs import total_words
from okr_sync.render.plan import change_document
from okr_sync.store import queue
from okr_sync.store.database import Store
from okr_sync.store.location import store_exists
from okr_sync.sync import RunReport
from okr_sync.sync import plan as make_plan
from okr_sync.sync import sync as run_sync
from okr_sync.sync.authors import Signed
from okr_sync.sync.backfill import Recomputed
from okr_sync.sync.entries import FIX_BY_MISS
from okr_sync.sync.run import World, outcome_of


def sync(
    *,
    once: Annotated[bool, Parameter(negative="", help="One run, then exit; this is what sync does.")] = True,  # noqa: ARG001
    full: Annotated[bool, Parameter(negative="", help="Bring everything anew instead of what changed.")] = False,
    retry: Annotated[
        bool, Parameter(negative="", help="Ask sources that are held back, too: once, before it is their time.")
    ] = False,
    author: Annotated[
        str | None, Parameter(help="Who changed the definitions, for their history [default: as git says].")
    ] = None,
    reason: Annotated[str | None, Parameter(help="Why, for their history [default: what the commit says].")] = None,
    wait: Wait = False,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """Ask the sources, compute every key result, write it to the store."""
    config = _config(place)
    store = Store.open(_store_url(place, config))
    with signed_off(config, store) as begins, progress_of_past(_asked(config), quiet=json) as (watch, steps):
        waits = patience(wait)
        world = World(clock=current_time, watch=watch, commits=Commits, steps=steps, begins=begins, patience=waits)
        signed = Signed(author, reason)
        report = run_sync(store, config, world, full=full, author=author_of_changes(), signed=signed, retry=retry)
    if json:
        emit(run_document(report))
    else:
        say(run_text(report))
    return BY_OUTCOME[report.outcome]


def plan(*, place: Place | None = None, json: Json = False) -> int:
    """Ask the sources and show what a sync would change; write nothing."""
    config = _config(place)
    with TemporaryDirectory(prefix="okr-sync-plan-") as scratch:
        url = _store_url(place, config)
        store = Store.open(url if store_exists(url) else f"sqlite:///{Path(scratch) / 'empty.db'}")
        with progress(_asked(config), quiet=json) as watch:
            made = make_plan(store, config, World(clock=current_time, watch=watch))
    if json:
        emit(
            {
                "changes": [change_document(change) for change in made.changes],
                "sources": sources_document(made.collected),
            }
        )
    else:
        say("\n".join([*_change_lines(made.changes), *failure_lines(made.collected)]))
        say("Nothing was written. `okr-sync sync` does it.")
    return BY_OUTCOME[outcome_of(made.collected)]


def migrate(*, place: Place | None = None, json: Json = False) -> int:
    """Bring the store's schema up to this version."""
    store = Store.open(address(place), create=False, allow_older=True)
    applied = store.migrate()
    queued = queue.is_installed() and store.prepare_queue()
    if json:
        emit({"applied": list(applied)})
    else:
        said = [f"applied {', '.join(applied)}"] if applied else []
        said += ["brought the queue of the workers up to date"] if queued else []
        say("\n".join(said) or "the store is up to date")
    return DONE


def _config(place: Place | None) -> Config:
    return load((place or Place()).config_file(), os.environ)


def _store_url(place: Place | None, config: Config) -> str:
    return (place and place.store) or config.store_url


def _asked(config: Config) -> tuple[str, ...]:
    return tuple(name for name, source in config.sources.items() if source.questions)


def run_text(report: RunReport) -> str:
    """Return what a run did for people: a line a change and a failure, the past, and the sum."""
    lines = [*_change_lines(report.changes), *failure_lines(report.collected)]
    counts = {word: sum(entry.outcome == word for entry in report.entries) for word in _WORDS}
    said = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    if report.past.instants:
        lines.append(past_line(report.past))
    lines.append(f"run {report.run} {report.outcome}: {said or 'no key results'}; {total_words(report.collected)}")
    return "\n".join(lines)


def past_line(past: Recomputed) -> str:
    """Return what was computed of the past."""
    if past.first is None:
        return "= no day of the past to compute"
    written = f"{past.new} points added, {past.replaced} replaced"
    return f"past since {past.first:%Y-%m-%d %H:%M} UTC: {past.instants} instants computed, {written}"


def past_document(past: Recomputed) -> dict[str, Any]:
    """Return what was computed of the past, for machines."""
    first = None if past.first is None else past.first.isoformat().replace("+00:00", "Z")
    return {"first": first, "instants": past.instants, "added": past.new, "replaced": past.replaced}


_WORDS = ("updated", "unchanged", "skipped", "failed")


def _change_lines(changes: tuple[Change, ...]) -> list[str]:
    return [describe(change) for change in changes] or ["= no change"]


def failure_lines(collected: tuple[Collected, ...]) -> list[str]:
    """Return a line for each source and question that failed, and what to do."""
    lines = []
    for brought in collected:
        if brought.error is not None:
            lines.append(_failure_line(f"{brought.source}: {brought.error}", brought.fix))
        for ref, miss in _misses(brought).items():
            lines.append(_failure_line(f"{brought.source}: {ref}: {miss.message}", FIX_BY_MISS.get(miss.why)))
    return lines


def _failure_line(said: str, fix: str | None) -> str:
    sentence = said if said.endswith((".", "?", "!")) else f"{said}."
    return f"! {sentence}" + (f" What to do: {fix.removesuffix('.')}." if fix else "")


def _misses(brought: Collected) -> Mapping[str, Miss]:
    answers = {ref: answer for ref, answer in brought.answers.items() if isinstance(answer, Miss)}
    return {**answers, **brought.misses}


def sources_document(collected: tuple[Collected, ...]) -> list[dict[str, Any]]:
    """Return what each source cost and how it ended."""
    return [
        {
            "source": brought.source,
            "outcome": brought.outcome,
            "requests": brought.requests,
            "retries": brought.retries,
            "received": brought.received,
            "not_modified": brought.not_modified,
            "points": brought.points,
            "kept": brought.kept,
            "held_back": trouble_document(brought.breaker),
            "error": brought.error,
            "fix": brought.fix,
            "misses": {ref: miss.message for ref, miss in _misses(brought).items()},
        }
        for brought in collected
    ]


def run_document(report: RunReport) -> dict[str, Any]:
    """Return what a run did, for machines."""
    return {
        "run": report.run,
        "outcome": report.outcome,
        "changes": [change_document(change) for change in report.changes],
        "sources": sources_document(report.collected),
        "past": past_document(report.past),
        "key_results": [
            {"id": entry.key_result, "outcome": entry.outcome, "reason": entry.reason, "fix": entry.fix}
            for entry in report.entries
        ],
    }
