"""The store: everything that sources brought, people defined and `evaluate` concluded; append-only where it matters."""

from __future__ import annotations

from okr_sync.store.database import Store

__all__ = ["Store"]
