"""A module for servers that fork: it says what it reads, ends whoever imports it while `FRAGILE` says so, or hangs."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import time
from pathlib import Path

FRAGILE = "FRAGILE"
LONG = 1000  # seconds

if os.environ.get(FRAGILE) == str(os.getppid()):
    os.kill(os.getpid(), signal.SIGKILL)


def say(text: str) -> None:
    """Say it, with an environment variable and whose child this is."""
    sys.stdout.write(f"{text} {os.environ.get('TOKEN')} {os.getppid()} {os.getsid(0) == os.getpid()}\n")


def leave_word(text: str) -> None:
    """Say it when the process ends."""
    atexit.register(sys.stdout.write, text)


def leave(code: int) -> None:
    """End with an exit code."""
    sys.exit(code)


def hang(file: str) -> None:
    """Write down the process, and end no more."""
    Path(file).write_text(str(os.getpid()), "utf-8")
    time.sleep(LONG)
