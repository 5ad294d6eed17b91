"""Bars on a terminal while sources are asked and days are computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from okr_sync.sync.backfill import Steps
from okr_sync.sync.collect import Watch


@contextmanager
def progress(sources: tuple[str, ...], *, quiet: bool) -> Iterator[Watch | None]:
    """Show a line a source with its number of requests while sources are asked; nothing off a terminal."""
    with progress_of_past(sources, quiet=quiet) as (watch, _):
        yield watch


@contextmanager
def progress_of_past(sources: tuple[str, ...], *, quiet: bool) -> Iterator[tuple[Watch | None, Steps | None]]:
    """Show the same, and a bar for the days that are computed; nothing off a terminal."""
    screen = Console(stderr=True)
    if quiet or not screen.is_terminal or not sources:
        yield None, None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[said]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=screen, transient=True) as bars:
        tasks = {name: bars.add_task(f"asking {name}", total=None, said="0 requests") for name in sources}
        days = bars.add_task("computing the past", total=None, said="", visible=False)

        def watch(source: str, requests: int) -> None:
            bars.update(tasks[source], said=f"{requests} requests")

        def steps(done: int, total: int) -> None:
            bars.update(days, completed=done, total=total, said=f"{done} of {total} days", visible=True)

        yield watch, steps
