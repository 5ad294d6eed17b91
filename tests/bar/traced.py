"""A process whose storage calls are listed, or that is killed as it enters one of them, by strace."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bar.house import FULL, House
from tests.bar.postgres_house import PostgresHouse

IN_FILES = (
    "openat,write,pwrite64,writev,pwritev,fsync,fdatasync,ftruncate,fallocate,unlink,unlinkat,rename,renameat,renameat2"
)
TO_SERVER = "sendto"
SPREAD = 3  # of the calls of each store, in usual runs
LINE = re.compile(r"^(\d+) +(\w+)\(")


class Call(NamedTuple):
    """The `number`th call (from 1) of this name by the thread that does the run."""

    name: str
    number: int


def why_not(folder: Path) -> str:
    """Return why nothing can be traced here; empty when it can."""
    if shutil.which("strace") is None:
        return "there is no strace: apt-get install strace"
    tried = subprocess.run(
        ["strace", "-o", folder / "tried", "true"], capture_output=True, text=True, timeout=30, check=False
    )
    return "" if tried.returncode == 0 else f"nothing may be traced here: {tried.stderr.strip()}"


def calls(house: House, *words: str) -> tuple[list[Call], int]:
    """Run a command to its good end; return the storage calls of its busiest thread, and how many others had."""
    trace = house.folder / "trace"
    done = _traced(house, words, ["-o", str(trace)])
    assert done.returncode == 0, done.stderr
    found = [found.groups() for found in map(LINE.match, trace.read_text("utf-8").splitlines()) if found]
    busiest, number = Counter(thread for thread, _ in found).most_common(1)[0]
    listed, seen = [], Counter[str]()
    for name in (name for thread, name in found if thread == busiest):
        seen[name] += 1
        listed.append(Call(name, seen[name]))
    return listed, len(found) - number


def spread(every: list[Call]) -> list[Call]:
    """Return all of them, or some that lie evenly apart, the last one included."""
    return every if FULL else [every[(number + 1) * len(every) // SPREAD - 1] for number in range(SPREAD)]


def killed_at(house: House, call: Call, *words: str) -> bool:
    """Run a command that gets SIGKILL as it enters the call; return whether it came so far."""
    done = _traced(house, words, ["-o", "/dev/null", "-e", f"inject={call.name}:signal=KILL:when={call.number}"])
    assert done.returncode in {0, -9}, done.stderr
    return done.returncode != 0


def _traced(house: House, words: Sequence[str], how: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Follow all threads; of files those of the store only, since strace counts what is left by `-P`."""
    command = ["strace", "-f", "-qq", *how, "-e", f"trace={IN_FILES}"]
    if isinstance(house, PostgresHouse):
        command = ["strace", "-f", "-qq", *how, "-e", f"trace={TO_SERVER}"]
    else:
        file = house.folder / "okr-sync.db"
        command += [word for end in ("", "-wal", "-shm", "-journal") for word in ("-P", f"{file}{end}")]
    return subprocess.run(
        [*command, *house._words(tuple(words))],
        env=house._env(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
