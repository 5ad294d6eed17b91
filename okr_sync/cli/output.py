"""How commands speak: JSON for machines, text for people, a progress bar where there is a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from okr_sync.render.words import clean
from okr_sync.sync.backfill import Steps
from okr_sync.sync.collect import Watch


def emit(document: Mapping[str, Any]) -> None:
    """Write a JSON document to stdout; foreign text in it can't steer a terminal."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n")


def say(text: str) -> None:
    """Write lines for people to stdout; foreign text in them can't steer a terminal."""
    sys.stdout.write("\n".join(clean(line) for line in text.rstrip("\n").split("\n")) + "\n")


def flush() -> None:
    """Hand over what was said so far, for those who read while the command still runs."""
    sys.stdout.flush()


class _Screen(Console):
    """A console whose reader may go away: that ends the command like any other write to a closed pipe."""

    def on_broken_pipe(self) -> None:
        """Raise what a plain write raises, where rich would leave the process with exit code 1."""
        raise BrokenPipeError


def console() -> Console:
    """Return where tables are printed: stdout, with colours on a terminal only."""
    return _Screen(highlight=False, soft_wrap=False)


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
