"""Houses whose programs read a clock that can be set."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.bar.house import House
from tests.bar.postgres_house import PostgresHouse

SOURCE = Path(__file__).with_name("clock.c")


@dataclass
class WrongClock(House):
    """A house whose programs read a clock that can be set: a library answers them instead of the system."""

    def build(self) -> None:
        """Compile that library."""
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("setting a clock for real programs needs a C compiler")
        subprocess.run([compiler, "-shared", "-fPIC", "-o", self.folder / "clock.so", SOURCE], check=True)

    def set(self, ahead: timedelta) -> None:
        """Let the clock be so much ahead from now on."""
        fresh = self.folder / "clock.new"
        fresh.write_text(f"{ahead.total_seconds():+.0f}", "utf-8")
        fresh.replace(self.folder / "clock")

    def _env(self) -> dict[str, str]:
        return {
            **super()._env(),
            "LD_PRELOAD": str(self.folder / "clock.so"),
            "WALL_CLOCK_AHEAD": str(self.folder / "clock"),
        }


@dataclass
class WrongClockOnServer(WrongClock, PostgresHouse):
    """The same, with its store on a server whose clock is right."""
