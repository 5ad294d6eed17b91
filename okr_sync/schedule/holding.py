"""What the server that forks runs does before the first one: imports by name, from the right place, to be shared."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

import okr_sync

__all__ = ["be_shared", "hold", "look_where_the_program_is"]


def hold(names: Iterable[str]) -> None:
    """Import modules by name; of one that can't be, say so: runs import it themselves, and fail if they need it."""
    for name in names:
        try:
            import_module(name)
        except Exception as error:  # noqa: BLE001 -- whatever it was, the server goes on
            sys.stderr.write(f"runs start slowly, since {name} can't be held for them: {error}\n")


def look_where_the_program_is() -> None:
    """Import from where this program is, and not from the folder that the worker was started in."""
    sys.path[:] = [path or str(Path(okr_sync.__file__).parents[1]) for path in sys.path]


def be_shared() -> None:
    """Leave what is held out of garbage collection, which would write to its pages and so copy them in each run."""
    os.register_at_fork(before=gc.freeze)
