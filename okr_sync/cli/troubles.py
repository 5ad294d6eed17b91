"""How commands speak of a source in trouble."""

from __future__ import annotations

from typing import Any

from okr_sync.core.breaker import Breaker

__all__ = ["trouble_document"]


def trouble_document(breaker: Breaker | None) -> dict[str, Any] | None:
    """Return the trouble of a source for machines; None: it has none, or is asked by the next run all the same."""
    if breaker is None or breaker.next_try is None:
        return None
    return {
        "trouble": breaker.trouble,
        "since": breaker.since.isoformat().replace("+00:00", "Z"),
        "failures": breaker.failures,
        "next_try": breaker.next_try.isoformat().replace("+00:00", "Z"),
        "error": breaker.error,
    }
