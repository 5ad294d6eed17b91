"""The command line: words, wiring, exit codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from okr_sync.garbage import seldom_collected, unsearched_at_exit

__all__ = ["main"]


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code, as `okr_sync.cli.program.main` does.

    That is imported when it is called: the process of a worker's run imports this package, too, and reads no words.
    """
    unsearched_at_exit()
    with seldom_collected():
        run: Callable[[Sequence[str] | None], int] = import_module("okr_sync.cli.program").main
        return run(words)
