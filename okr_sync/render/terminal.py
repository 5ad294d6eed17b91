"""`status` on a terminal: coloured tables that fit 80 columns and can't be steered by foreign text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from okr_sync.core.report import InitiativeRow, ObjectiveRow, Report
from okr_sync.core.snapshot import InitiativeStatus, Status
from okr_sync.render import words
from okr_sync.render.words import Tone, clean, status_word

STYLES: Mapping[Tone, str] = {"good": "green", "fair": "yellow", "bad": "red", "quiet": "blue", "doubt": "magenta"}
RATIOS = {"key result": 3, "initiative": 3}  # shares of the width that columns without a width divide
EXPLAINED: frozenset[Status] = frozenset(
    {"at_risk", "off_track", "missed", "unknown", "suspect", "stale", "outdated", "closed"}
)
"""What needs a reason at a glance; `okr-sync explain` has it for the others."""

WIDE = 110  # columns from which bars are drawn


def show(report: Report, console: Console, notes: Iterable[str] = ()) -> None:
    """Print the report's objectives, key results, initiatives and troubled sources to `console`, then the notes."""
    console.print(Text(words.basis(report), style="dim"))
    console.print(Text(words.headline(report), style="bold"))
    for cycle in report.cycles:
        console.print(Text(words.cycle_line(cycle), style="dim"))
    for row in report.objectives:
        console.print()
        console.print(_objective_line(row))
        if row.key_results:
            console.print(Padding(_key_results(row, wide=console.width >= WIDE), (0, 0, 0, 2)))
    if report.initiatives:
        console.print()
        console.print(Padding(_initiatives(report.initiatives), (0, 0, 0, 2)))
    for source in report.sources:
        if source.late or source.state.error:
            console.print(Text(f"! {clean(source.state.name)}: {words.source_note(source)}", style=STYLES["doubt"]))
    for note in notes:
        console.print(Text(f"! {clean(note)}", style=STYLES["doubt"]))


def _objective_line(row: ObjectiveRow) -> Text:
    state = row.state
    place = [state.level, *(clean(part) for part in (state.team, state.owner) if part)]
    line = Text(clean(state.title), style="bold")
    line.append(f"  {clean(state.id)}\n", style="dim not bold")
    line.append_text(_status(state.status))
    line.append(f"  {words.percent(state.progress)}")
    line.append(f"  {', '.join(place)}; {words.coverage(row)}", style="dim not bold")
    if state.reason and state.status in {"unknown", "suspect", "stale", "outdated"}:
        line.append(f"\n{clean(state.reason)}", style="dim not bold")
    return line


def _key_results(row: ObjectiveRow, *, wide: bool) -> Table:
    bars = (("", 16),) if wide else ()
    table = _table(("key result", None), ("status", 12), ("progress", 8), *bars, ("change", 9), ("value", None))
    for each in row.key_results:
        state = each.state
        bar = (_bar(state.progress, state.status),) if wide else ()
        table.add_row(
            _titled(state.title, state.id, state.reason if state.status in EXPLAINED else ""),
            _status(state.status, words.doubt_mark(state, state.status)),
            words.percent(state.progress),
            *bar,
            Text(words.progress_delta(each.progress_delta), style="dim"),
            Text(words.key_result_numbers(state)),
        )
    return table


def _initiatives(rows: Iterable[InitiativeRow]) -> Table:
    table = _table(("initiative", None), ("state", 13), ("progress", 8), ("change", 9), ("items", None))
    for row in rows:
        state = row.state
        done = "" if row.done_delta is None else f"{row.done_delta:+d} done"
        table.add_row(
            _titled(state.title, state.id, state.reason),
            _status(state.state, words.doubt_mark(state, state.state)),
            words.percent(state.progress),
            Text(done, style="dim"),
            Text(words.work_count(state)),
        )
    return table


def _titled(title: str, name: str, reason: str) -> Text:
    text = Text(clean(title))
    text.append(f"  {clean(name)}", style="dim")
    if reason:
        text.append(f"\n{clean(reason)}", style="dim")
    return text


def _table(*columns: tuple[str, int | None]) -> Table:
    table = Table(box=SIMPLE_HEAD, expand=True, pad_edge=False, header_style="dim", show_edge=False)
    for name, width in columns:
        table.add_column(
            name,
            justify="right" if name in {"progress", "change"} else "left",
            width=width,
            ratio=None if width else RATIOS.get(name, 2),
            overflow="fold",
        )
    return table


def _status(status: Status | InitiativeStatus, mark: str = "") -> Text:
    word = f"{words.SYMBOLS[status]} {status_word(status)}"
    return Text(f"{word}\n{mark}" if mark else word, style=STYLES[words.TONES[status]])


def _bar(progress: float | None, status: Status) -> ProgressBar:
    share = min(1.0, max(0.0, progress or 0.0))
    style = STYLES[words.TONES[status]]
    return ProgressBar(total=1.0, completed=share, width=16, complete_style=style, finished_style=style)
