"""`demo`: the example company on a sandbox, seen through the real connectors."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated

from cyclopts import Parameter

from okr_sync.cli.exits import DONE
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import Json
from okr_sync.cli.reporting import renderer
from okr_sync.cli.screen import console
from okr_sync.demo import Shown, show
from okr_sync.errors import UsageError
from okr_sync.render import document, terminal
from okr_sync.store.database import Store
from okr_sync.sync import RunReport
from okr_sync.views.reporting import last_run, stored_report, stored_snapshot


def demo(
    *,
    folder: Annotated[
        Path | None,
        Parameter(help="Leave the example, its store and its report here [default: a new temporary folder]."),
    ] = None,
    json: Json = False,
) -> int:
    """See it work: a sandbox that plays Jira and GitHub, an example company, weeks of history, a report.

    Needs no account, no network and no database server; ends by itself.
    """
    where = _empty(folder)
    if not json:
        say(f"DigitalPharma, fourth quarter of 2026, on a simulated clock; everything is in {where}\n")
    shown = show(where, tell=_silent if json else _tell)
    file = _write_report(shown, json=json)
    if not json:
        say(f"\nReport:  {file}")
        say(f"Look on: okr-sync explain assistant-launch --config {where} --as-of {shown.at:%Y-%m-%dT%H:%M}")
    return DONE


def _write_report(shown: Shown, *, json: bool) -> Path:
    with Store.open(shown.store_url, create=False).reading() as session:
        report = stored_report(session, shown.at)
        snapshot, run = stored_snapshot(session, shown.at), last_run(session)
    file = shown.folder / "report.html"
    file.write_text(renderer("html")(report), "utf-8")
    if json:
        emit({"report": str(file), "status": document.status_document(snapshot, run)})
    else:
        say("")
        terminal.show(report, console())
    return file


def _empty(folder: Path | None) -> Path:
    if folder is None:
        return Path(mkdtemp(prefix="okr-sync-demo-"))
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; name a new folder for the demo")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _tell(report: RunReport, at: datetime) -> None:
    updated = sum(entry.outcome == "updated" for entry in report.entries)
    requests = sum(brought.requests for brought in report.collected)
    said = f"{updated} of {len(report.entries)} key results updated, {requests} requests"
    say(f"{at:%a %d %b %Y}  run {report.run}: {said}")


def _silent(_report: RunReport, _at: datetime) -> None:
    """Machines read the end only."""
