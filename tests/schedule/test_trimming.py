"""What a worker does not need any more goes back to the system, also from below of what it still needs."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

PROGRAM = """
import sys
from okr_sync.schedule.trimming import trim

def resident():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

blocks = [bytes(2_000) for _ in range(50_000)]
last = blocks[-1]
blocks.clear()
before = resident()
trim()
sys.stdout.write(str(before - resident()))
"""
FREED = 50_000 * 2_000 // 1024  # KiB


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc can give back from below")
def test_memory_that_is_free_below_what_is_needed_goes_back_to_the_system() -> None:
    """Seen red without the call."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    assert int(done.stdout) > FREED / 2
