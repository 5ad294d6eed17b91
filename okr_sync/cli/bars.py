"""Bars on a terminal while sources are asked and days are computed; imported where there may be one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from okr_sync.sync.backfill import Steps
from okr_sync.sync.collect import Watch


@contextmanager
def bars_for(sources: tuple[str, ...]) -> Iterator[tuple[Watch | None, Steps | None]]:
    """Show a line a source with its number of requests, and one for the days that are computed; none off a terminal."""
    screen = Console(stderr=True)
    if not screen.is_terminal:
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
