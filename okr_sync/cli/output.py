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
from okr_sync.sync.collect import Watch


def emit(document: Mapping[str, Any]) -> None:
    """Write a JSON document to stdout; foreign text in it can't steer a terminal."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n")


def say(text: str) -> None:
    """Write lines for people to stdout; foreign text in them can't steer a terminal."""
    sys.stdout.write("\n".join(clean(line) for line in text.rstrip("\n").split("\n")) + "\n")


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
    screen = Console(stderr=True)
    if quiet or not screen.is_terminal or not sources:
        yield None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[requests]} requests"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=screen, transient=True) as bars:
        tasks = {name: bars.add_task(f"asking {name}", total=None, requests=0) for name in sources}

        def watch(source: str, requests: int) -> None:
            bars.update(tasks[source], requests=requests)

        yield watch
