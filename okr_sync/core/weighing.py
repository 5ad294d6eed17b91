"""How work items are weighed: by count or by points, with a policy for points that are missing."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import TypeAlias

from okr_sync.core.model import ContainerMode, MissingPoints, WeightBy
from okr_sync.core.numbers import show

__all__ = ["Piece", "Weighing", "weigh", "weigh_numbers"]

Piece: TypeAlias = tuple[str, bool, float | None, Hashable]
"""(key, done?, points, container); dropped pieces are not among them."""

MOST_POINTS = 1e9  # points; more is a slip of the keyboard and counts as missing
NAMED = 5  # keys named in a reason before it says "and n more"


@dataclass(frozen=True, slots=True)
class Weighing:
    """Weights in items or points; `progress` in [0, 1], None with a reason when nothing has weight."""

    policy: str
    done: float | None = None
    total: float | None = None
    progress: float | None = None
    reason: str = ""


def weigh(pieces: Sequence[Piece], *, by: WeightBy, missing: MissingPoints, containers: ContainerMode) -> Weighing:
    """Return done weight / total weight over all pieces, or the mean of that share over containers that have weight.

    By points, a piece without points (None, negative, not finite or above 1e9) weighs nothing (`exclude`), 1 (`one`),
    the median of the points that are known (`median`; 1 when none is), or makes it all unknown (`fail`). 0 points are
    not missing.
    """
    lacking = [key for key, _, points, _ in pieces if _points(points) is None] if by == "points" else []
    policy = _policy(pieces, by, missing, containers, len(lacking))
    if lacking and missing == "fail":
        return Weighing(policy, reason=f"without points: {_name(lacking)}; estimate them or choose another policy")
    weights = [1.0] * len(pieces) if by == "count" else _weights(pieces, missing)
    done = math.fsum([weight for (_, is_done, _, _), weight in zip(pieces, weights, strict=True) if is_done])
    total = math.fsum(weights)
    if total == 0:
        reason = "none of the items has any weight" if pieces else ""
        return Weighing(policy, done, total, reason=reason)
    progress = done / total if containers == "pooled" else _mean(pieces, weights)
    return Weighing(policy, done, total, progress)


def weigh_numbers(done: int, total: int) -> Weighing:
    """Return what `weigh` returns for so many pieces, pooled by count."""
    policy = _policy((), "count", "exclude", "pooled", 0)
    return Weighing(policy, float(done), float(total), done / total if total else None)


def _points(points: float | None) -> float | None:
    return points if points is not None and 0 <= points <= MOST_POINTS else None


def _stand_in(pieces: Sequence[Piece], missing: MissingPoints) -> float:
    """Return what a piece without points weighs."""
    if missing == "exclude":
        return 0.0
    known = [points for _, _, given, _ in pieces if (points := _points(given)) is not None]
    return float(median(known)) if missing == "median" and known else 1.0


def _weights(pieces: Sequence[Piece], missing: MissingPoints) -> list[float]:
    stand_in = _stand_in(pieces, missing)
    known = [_points(points) for _, _, points, _ in pieces]
    return [stand_in if points is None else points for points in known]


def _mean(pieces: Sequence[Piece], weights: Sequence[float]) -> float:
    # Exact sums, so that the order in which a tracker lists its items changes nothing.
    weighed: dict[Hashable, list[tuple[float, float]]] = {}
    for (_, is_done, _, container), weight in zip(pieces, weights, strict=True):
        weighed.setdefault(container, []).append((weight if is_done else 0.0, weight))
    sums = [(math.fsum(done for done, _ in each), math.fsum(whole for _, whole in each)) for each in weighed.values()]
    return fmean(done / whole for done, whole in sums if whole > 0)


def _policy(
    pieces: Sequence[Piece], by: WeightBy, missing: MissingPoints, containers: ContainerMode, lacking: int
) -> str:
    parts = ["count of items" if by == "count" else "points"]
    if lacking:
        noun = "1 item" if lacking == 1 else f"{lacking} items"
        parts.append(f"{noun} without points {_treatment(missing, pieces)}")
    if containers == "mean":
        parts.append("mean of containers")
    return "; ".join(parts)


def _treatment(missing: MissingPoints, pieces: Sequence[Piece]) -> str:
    if missing in ("exclude", "fail"):
        return {"exclude": "left out", "fail": "not allowed"}[missing]
    word = "median " if missing == "median" and any(_points(piece[2]) is not None for piece in pieces) else ""
    return f"counted as {word}{show(_stand_in(pieces, missing))}"


def _name(keys: Sequence[str]) -> str:
    more = len(keys) - NAMED
    return ", ".join(keys[:NAMED]) + (f" and {more} more" if more > 0 else "")
