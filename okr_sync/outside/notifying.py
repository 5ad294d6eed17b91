"""Tells systemd that the service is ready, alive or stopping; silent where systemd did not start it."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass


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

    def ready(self) -> None:
        """Say that the service is up."""
        self._send("READY=1")

    def alive(self) -> None:
        """Say that it still lives; must come at least every `watchdog` seconds."""
        self._send("WATCHDOG=1")

    def stopping(self, why: str = "") -> None:
        """Say that it ends by itself, and why."""
        self._send("STOPPING=1" + (f"\nSTATUS={why.splitlines()[0]}" if why else ""))

    def _send(self, text: str) -> None:
        if self.address is None:
            return
        # An address that begins with @ lies in the abstract namespace, whose names begin with a zero byte.
        target = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.sendto(text.encode(), target)
