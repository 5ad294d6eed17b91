"""Tells systemd that the service is ready, alive or stopping; silent where systemd did not start it."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

PATIENCE = 1.0  # seconds for a service manager to take a word


@dataclass(frozen=True, slots=True)
class Notifier:
    """Sends to the socket at `address` (sd_notify); None: nobody listens. `watchdog` is its patience in seconds."""

    address: str | None = None
    watchdog: float | None = None

    @classmethod
    def of(cls, env: Mapping[str, str], pid: int | None = None) -> Notifier:
        """Return the notifier that NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID ask for."""
        usec, meant = env.get("WATCHDOG_USEC", ""), env.get("WATCHDOG_PID", "")
        ours = not meant or meant == str(os.getpid() if pid is None else pid)
        patience = int(usec) / 1_000_000 if usec.isdecimal() and int(usec) > 0 and ours else None
        return cls(env.get("NOTIFY_SOCKET") or None, patience)

    def ready(self, status: str = "") -> None:
        """Say that the service is up, and what it does."""
        self._send("READY=1" + _status(status))

    def alive(self, status: str = "") -> None:
        """Say that it still lives, and what it does; must come at least every `watchdog` seconds."""
        self._send("WATCHDOG=1" + _status(status))

    def stopping(self, why: str = "") -> None:
        """Say that it ends by itself, and why."""
        self._send("STOPPING=1" + _status(why))

    def _send(self, text: str) -> None:
        if self.address is None:
            return
        # An address that begins with @ lies in the abstract namespace, whose names begin with a zero byte.
        target = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
        with socket.socket(socket.AF_UNIX, kind) as channel, suppress(OSError):
            channel.settimeout(PATIENCE)
            # A service manager that went away or has its hands full ends no service: it hears the next word.
            channel.sendto(text.encode(), target)


def _status(said: str) -> str:
    return f"\nSTATUS={said.splitlines()[0]}" if said else ""
