"""Names the process that holds a run, and tells whether a process of this host still lives."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress


def this_process() -> str:
    """Return "host:pid" of this process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def is_alive(owner: str) -> bool:
    """Return whether the process `owner` ("host:pid", of this host) exists; True when its pid can't be read."""
    pid = owner.rpartition(":")[2]
    if not pid.isdecimal() or int(pid) == 0:
        return True
    try:
        with suppress(PermissionError):  # a process of another user lives too
            os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True


def has_ended(owner: str, me: str, is_alive: Callable[[str], bool] = is_alive) -> bool:
    """Return whether the process `owner` is known to be gone: that can be seen from `me` on the same host only."""
    return owner.rpartition(":")[0] == me.rpartition(":")[0] and not is_alive(owner)
