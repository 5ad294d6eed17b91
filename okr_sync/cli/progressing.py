"""What people see while sources are asked and days are computed: bars on a terminal, else nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from okr_sync.sync.backfill import Steps
from okr_sync.sync.collect import Watch

SAYING = ("FORCE_COLOR", "TTY_COMPATIBLE")
"""Variables by which people make a terminal of what doesn't look like one."""


@contextmanager
def progress(sources: tuple[str, ...], *, quiet: bool) -> Iterator[Watch | None]:
    """Show a line a source with its number of requests while sources are asked; nothing off a terminal."""
    with progress_of_past(sources, quiet=quiet) as (watch, _):
        yield watch


@contextmanager
def progress_of_past(sources: tuple[str, ...], *, quiet: bool) -> Iterator[tuple[Watch | None, Steps | None]]:
    """Show the same, and a bar for the days that are computed; nothing off a terminal."""
    if quiet or not sources or not _may_be_terminal():
        yield None, None
        return
    with import_module("okr_sync.cli.bars").bars_for(sources) as told:
        yield told


def _may_be_terminal() -> bool:
    """Return False where nobody looks: then what draws bars is not even imported."""
    return sys.stderr.isatty() or any(os.environ.get(name) for name in SAYING)
