"""The screen on which tables are printed, for the few commands that print any."""

from __future__ import annotations

from rich.console import Console


class _Screen(Console):
    """A console whose reader may go away: that ends the command like any other write to a closed pipe."""

    def on_broken_pipe(self) -> None:
        """Raise what a plain write raises, where rich would leave the process with exit code 1."""
        raise BrokenPipeError


def console() -> Console:
    """Return where tables are printed: stdout, with colours on a terminal only."""
    return _Screen(highlight=False, soft_wrap=False)
