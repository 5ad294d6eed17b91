"""A way to a server that can swallow everything: connections stay open, and nobody answers any more."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

CHUNK = 65536  # bytes


@dataclass(slots=True)
class Way:
    """A port of this machine that leads to a unix socket."""

    port: int
    _open: threading.Event = field(default_factory=threading.Event)
    swallowed: int = 0
    """Bytes that came to nobody."""

    @contextmanager
    def swallowing(self) -> Iterator[None]:
        """Take all bytes and pass none on while this lasts, also those of new connections."""
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    def _pass_on(self, taken: socket.socket, given: socket.socket) -> None:
        """Pass on until one side ends; where something was swallowed nothing more is passed on: it would have gaps."""
        dumb = False
        with suppress(OSError):
            while chunk := taken.recv(CHUNK):
                dumb = dumb or not self._open.is_set()
                if dumb:
                    self.swallowed += len(chunk)
                else:
                    given.sendall(chunk)
        if not dumb:
            with suppress(OSError):
                given.shutdown(socket.SHUT_RDWR)

    def _lead(self, listening: socket.socket, target: Path, held: list[socket.socket]) -> None:
        with suppress(OSError):
            while True:
                near, _ = listening.accept()
                far = socket.socket(socket.AF_UNIX)
                held += [near, far]
                try:
                    far.connect(str(target))
                except OSError:
                    near.close()
                    continue
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()


@contextmanager
def way_to(target: Path) -> Iterator[Way]:
    """Give a way to a unix socket; all its connections end with it."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        way = Way(listening.getsockname()[1])
        way._open.set()
        leading = threading.Thread(target=way._lead, args=(listening, target, held), daemon=True)
        leading.start()
        try:
            yield way
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            leading.join(10)
            for each in held:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
