"""Laws of the pools of memory that a run's threads share."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from okr_sync.sync.arenas import ARENAS

HEAP = 64 * 1024 * 1024
"""What glibc reserves for each pool beside the first, on 64 bits: at a multiple of itself, in two pieces."""
THREADS = """
import threading
from pathlib import Path
from okr_sync.sync.collect import side_by_side

def arenas() -> int:
    maps = [line.split(maxsplit=1)[0].split("-") for line in Path("/proc/self/maps").read_text().splitlines()]
    ends = {{int(start, 16): int(end, 16) for start, end in maps}}
    heaps = [(start, ends.get(end, end)) for start, end in ends.items() if start % {heap} == 0]
    return sum(end - start == {heap} for start, end in heaps)

together = threading.Barrier(8)

def ask(source: int, stop: threading.Event) -> int:
    held = bytes(2000)
    together.wait()
    return arenas() if together.wait() == 0 and held else 0

print(max(side_by_side(range(8), ask)))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps no pools for threads")
def test_the_threads_of_a_run_share_few_pools() -> None:
    """Without keep_few_arenas in `side_by_side` each of the eight has its own; seen red so."""
    words = [sys.executable, "-c", THREADS.format(heap=HEAP)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert int(done.stdout) <= ARENAS - 1
