"""What asking a source cost, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from okr_sync.core.costs import added

__all__ = ["Cost", "cost_words", "size", "total_words"]

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


class Cost(Protocol):
    """What requests cost; None where nobody counted."""

    @property
    def requests(self) -> int: ...  # noqa: D102 -- as in the ledger
    @property
    def retries(self) -> int: ...  # noqa: D102
    @property
    def received(self) -> int | None: ...  # noqa: D102
    @property
    def not_modified(self) -> int | None: ...  # noqa: D102
    @property
    def points(self) -> int | None: ...  # noqa: D102


def cost_words(cost: Cost) -> str:
    """Return "4 requests, 1 retries, 12.3 KiB, 2 × 304, 5 points"; what is none or was not counted is left out."""
    return _words(cost.requests, cost.retries, cost.received, cost.not_modified, cost.points)


def total_words(costs: Iterable[Cost]) -> str:
    """Return the same for all of them together."""
    requests = retries = 0
    received: int | None = None
    not_modified: int | None = None
    points: int | None = None
    for each in costs:
        requests, retries = requests + each.requests, retries + each.retries
        received = added(received, each.received)
        not_modified = added(not_modified, each.not_modified)
        points = added(points, each.points)
    return _words(requests, retries, received, not_modified, points)


def size(count: int) -> str:
    """Return a number of bytes in its largest fitting unit, like "1.5 KiB"."""
    number, unit = float(count), 0
    while number >= 1024 and unit < len(UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return f"{count} B" if unit == 0 else f"{number:.1f} {UNITS[unit]}"


def _words(requests: int, retries: int, received: int | None, not_modified: int | None, points: int | None) -> str:
    parts = [
        f"{retries} retries" if retries else "",
        size(received) if received else "",
        f"{not_modified} × 304" if not_modified else "",
        f"{points} points" if points else "",
    ]
    return ", ".join([f"{requests} requests", *filter(None, parts)])
