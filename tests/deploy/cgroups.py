"""The limits that the files to deploy set, as the kernel keeps them: memory and processes of a group."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

UNIT = Path(__file__).parents[2] / "deploy/systemd/okr-sync.service"
GROUPS = Path("/sys/fs/cgroup")
NAME = f"okr-sync-{os.getpid()}"
UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3}
FIRST = {"memory": ("memory.limit_in_bytes", "memory.max_usage_in_bytes"), "pids": ("pids.max", "pids.current")}
SECOND = {"memory": ("memory.max", "memory.peak"), "pids": ("pids.max", "pids.current")}
"""Controller → where its limit is, and how much of it was or is used, by the version of control groups."""


@dataclass(slots=True)
class Limited:
    """Groups with the limits of the unit; `limits` names the controllers that this machine lets us use."""

    folders: dict[str, Path] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    files: Mapping[str, tuple[str, str]] = field(default_factory=lambda: FIRST)

    @property
    def joining(self) -> str:
        """Return the files that a process writes its number to."""
        return " ".join(sorted({str(self.folders[each] / "cgroup.procs") for each in self.limits}))

    def used(self, controller: str) -> int:
        """Return how much was used at most (memory, in bytes), or is used now (processes and threads)."""
        return int((self.folders[controller] / self.files[controller][1]).read_text())


@contextmanager
def limited() -> Iterator[Limited]:
    """Give groups with the memory and the tasks that the unit for systemd grants; they are gone at the end."""
    text = UNIT.read_text("utf-8")
    wanted = {"memory": _number(text, "MemoryMax"), "pids": _number(text, "TasksMax")}
    made = _of_second(wanted) if (GROUPS / "cgroup.controllers").exists() else _of_first(wanted)
    try:
        for controller, limit in wanted.items():
            with suppress(OSError):
                made.folders[controller].mkdir(exist_ok=True)
                (made.folders[controller] / made.files[controller][0]).write_text(str(limit))
                made.limits[controller] = limit
        yield made
    finally:
        for folder in {*made.folders.values()}:
            with suppress(OSError):
                folder.rmdir()


def _of_first(wanted: Mapping[str, int]) -> Limited:
    """Return a group a controller, each in a tree of its own."""
    return Limited({each: GROUPS / each / NAME for each in wanted})


def _of_second(wanted: Mapping[str, int]) -> Limited:
    """Return one group for all controllers, let in where we may."""
    with suppress(OSError):
        (GROUPS / "cgroup.subtree_control").write_text(" ".join(f"+{each}" for each in wanted))
    return Limited(dict.fromkeys(wanted, GROUPS / NAME), files=SECOND)


def _number(text: str, name: str) -> int:
    found = re.search(rf"^{name}=(\d+)([KMG]?)$", text, re.MULTILINE)
    assert found is not None, f"the unit sets no {name}"
    return int(found[1]) * UNITS.get(found[2], 1)
