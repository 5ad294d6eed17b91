"""Runs a command as a process of its own and measures it from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took: wall and CPU seconds, start included, and its peak of resident memory in MiB."""

    wall: float
    cpu: float
    peak: float
    output: str


def run_module(module: str, *words: str, env: Mapping[str, str] | None = None, good: Sequence[int] = (0,)) -> Cost:
    """Return what `python -m module words` cost; raises RuntimeError with its last words when it failed."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", module, *words], stdout=output, stderr=errors, cwd=ROOT, env=os.environ | (env or {})
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        said, complained = output.read(), errors.read()
    if process.returncode not in good:
        last = "\n".join([*said.splitlines()[-5:], *complained.splitlines()[-15:]])
        raise RuntimeError(f"{module} {' '.join(words)} ended with {process.returncode}:\n{last}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said)
