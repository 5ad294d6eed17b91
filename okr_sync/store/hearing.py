"""A connection to PostgreSQL that ends when nothing is heard of the server for long, whatever acknowledges its bytes.

Keepalives end one whose other side is gone. A proxy with nobody behind it, or a server whose processes were stopped,
acknowledges for ever, and a statement would wait as long.
"""

from __future__ import annotations

from collections.abc import Generator
from time import monotonic
from typing import Any

from psycopg import Connection as PsycopgConnection
from psycopg import OperationalError

SAID = "the server has said nothing for {:g} seconds, so its connection is closed: the connection is lost"


class HearingConnection(PsycopgConnection[Any]):
    """Raises OperationalError, and is closed, when the server says nothing for `longest` seconds (None: for ever)."""

    LONGEST = 150.0  # seconds; the server itself ends a statement after 120 and says so
    longest: float | None = LONGEST

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **kwargs: Any) -> Any:
        """Return what `gen` returns; see psycopg."""
        return super().wait(self._heard(gen), *args, **kwargs)

    def _heard(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Pass on what the server is ready for; psycopg looks ten times a second, also when it is for nothing."""
        try:
            wanted = next(gen)
            heard = monotonic()
            while True:
                ready = yield wanted
                if ready:
                    heard = monotonic()
                elif self.longest is not None and monotonic() - heard > self.longest:
                    self.close()
                    raise OperationalError(SAID.format(self.longest))
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value
