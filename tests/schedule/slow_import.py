"""A module that is never imported to its end by a process in whose environment `SLOW` names a file for its id.

On Linux it holds up all threads meanwhile, as a library may that is loaded from a slow disk.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from datetime import datetime
from pathlib import Path

from okr_sync.cli.place import current_time

SLOW = "SLOW_IMPORT"
LONG = 1000  # seconds


def clock() -> datetime:
    """Return the time; whoever unpickles this imports the module."""
    return current_time()


if SLOW in os.environ:
    Path(os.environ[SLOW]).write_text(str(os.getpid()), "utf-8")
    if sys.platform == "linux":
        ctypes.PyDLL(None).sleep(LONG)
    time.sleep(LONG)
