"""How a transaction tells its database whether it is going to write."""

from __future__ import annotations

from sqlalchemy import Connection, Engine

WRITES = "okr_sync_writes"


def marked(engine: Engine, *, writes: bool) -> Engine:
    """Return the same engine, whose transactions begin as writers or as readers."""
    return engine.execution_options(**{WRITES: writes})


def writes(connection: Connection) -> bool:
    """Return whether the transaction that begins on `connection` is a writer's."""
    return bool(connection.get_execution_options().get(WRITES, False))
