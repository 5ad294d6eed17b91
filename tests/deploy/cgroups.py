"""The limits that the files to deploy set, as the kernel keeps them: memory and processes of a group."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

UNIT = Path(__file__).parents[2] / "deploy/systemd/okr-sync.service"
GROUPS = Path("/sys/fs/cgroup")
UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3}
FILES = {"memory": ("memory.limit_in_bytes", "memory.max_usage_in_bytes"), "pids": ("pids.max", "pids.current")}
"""Controller → where its limit is, and how much of it was or is used; of the first version of control groups."""


@dataclass(slots=True)
class Limited:
    """Groups with the limits of the unit; `limits` names the controllers that this machine lets us use."""

    folders: dict[str, Path] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)

    @property
    def joining(self) -> str:
        """Return the files that a process writes its number to."""
        return " ".join(str(folder / "cgroup.procs") for folder in self.folders.values())

    def used(self, controller: str) -> int:
        """Return how much was used at most (memory, in bytes), or is used now (processes and threads)."""
        return int((self.folders[controller] / FILES[controller][1]).read_text())


@contextmanager
def limited() -> Iterator[Limited]:
    """Give groups with the memory and the tasks that the unit for systemd grants; they are gone at the end."""
    text = UNIT.read_text("utf-8")
    wanted = {"memory": _number(text, "MemoryMax"), "pids": _number(text, "TasksMax")}
    made = Limited()
    try:
        for controller, limit in wanted.items():
            folder = GROUPS / controller / f"okr-sync-{os.getpid()}"
            with suppress(OSError):
                folder.mkdir()
                (folder / FILES[controller][0]).write_text(str(limit))
                made.folders[controller], made.limits[controller] = folder, limit
        yield made
    finally:
        for folder in made.folders.values():
            with suppress(OSError):
                folder.rmdir()


def _number(text: str, name: str) -> int:
    found = re.search(rf"^{name}=(\d+)([KMG]?)$", text, re.MULTILINE)
    assert found is not None, f"the unit sets no {name}"
    return int(found[1]) * UNITS.get(found[2], 1)
