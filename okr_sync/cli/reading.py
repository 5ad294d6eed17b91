"""`status`, `history` and `runs`: what the store knows, without asking any source."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from okr_sync.cli.exits import DONE
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import AsOf, Json, Place, reading_time
from okr_sync.cli.screen import console
from okr_sync.cli.stores import reader, reading
from okr_sync.errors import UsageError
from okr_sync.render import document, records, revisions, terminal
from okr_sync.store import ledger, results, rewriting
from okr_sync.views.naming import kind_of
from okr_sync.views.reporting import last_run, stored_report, stored_snapshot
from okr_sync.views.revisions import stored_revisions
from okr_sync.views.service import service_notes


def status(*, place: Place | None = None, as_of: AsOf = None, json: Json = False) -> int:
    """Show where every objective and key result stands."""
    with reading(place, as_of) as (session, now):
        snapshot, run = stored_snapshot(session, now), last_run(session)
        report, notes = stored_report(session, now), service_notes(session, now)
    if json:
        emit(document.status_document(snapshot, run, report.cycles, notes))
    else:
        terminal.show(report, console(), notes)
    return DONE


def history(
    name: Annotated[str, Parameter(help="A key result, an objective or an initiative.")],
    /,
    *,
    since: Annotated[datetime | None, Parameter(help="Only points from this instant on, like 2026-11-01.")] = None,
    definitions: Annotated[
        bool, Parameter(negative="", help="List what was defined instead: who changed what, when and why.")
    ] = False,
    superseded: Annotated[
        bool, Parameter(negative="", help="What points said before they were computed again.")
    ] = False,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """List the progress points of a key result, an objective or an initiative, or the versions of its definition."""
    if definitions:
        return _definitions(name, since, place, json=json)
    begin = None if since is None else reading_time(since)
    with reader(place).reading() as session:
        kind = kind_of(session, name)
        work = results.delivery_points(session, name) if kind == "initiative" else []
        work = [point for point in work if begin is None or point.slot >= begin]
        points = [] if kind == "initiative" else results.points(session, kind, name, begin)
        replaced = rewriting.superseded(session, kind, name, begin) if superseded else []
    if json:
        more = {"superseded": document.superseded_document(replaced)} if superseded else {}
        emit(document.history_document(kind, name, points or work) | more)
    elif superseded:
        say(records.render_superseded(replaced))
    else:
        say(records.render_work_points(work) if kind == "initiative" else records.render_points(points))
    return DONE


def _definitions(name: str, since: datetime | None, place: Place | None, *, json: bool) -> int:
    with reader(place).reading() as session:
        found = stored_revisions(session, name)
    listed = [each for each in found if since is None or each.since >= reading_time(since)]
    if json:
        emit(revisions.revisions_document(name, listed))
    else:
        say(revisions.render_revisions(listed) if listed else "no version in this time")
    return DONE


def runs(
    number: Annotated[int | None, Parameter(help="Show this run with an entry a key result.")] = None,
    /,
    *,
    limit: Annotated[int, Parameter(validator=Number(gte=1), help="How many runs to list, the newest first.")] = 20,
    place: Place | None = None,
    json: Json = False,
) -> int:
    """List the runs, or show one with an entry a key result."""
    with reader(place).reading() as session:
        listed = ledger.runs(session, limit) if number is None else []
        one = None if number is None else ledger.run(session, number)
    if number is not None and one is None:
        raise UsageError(f"there is no run {number}; `okr-sync runs` lists them")
    if json:
        emit(document.runs_document(listed) if one is None else document.run_document(one))
    elif one is None:
        say(records.render_runs(listed))
    else:
        say(records.render_run(one))
    return DONE
