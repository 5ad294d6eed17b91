"""A key result's history as a step line in the unit square, ready to be drawn at any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from okr_sync.core.series import breaks
from okr_sync.core.snapshot import KeyResultState

Spot: TypeAlias = tuple[float, float]
"""(x, y), both in [0, 1]: x from start to due, y upwards."""

PACED = frozenset({"baseline", "change", "delivery", "ratio", "steps", "total", "weighted"})
"""Kinds that are expected to move along their curve from start to due."""

BY_VALUE = frozenset({"range", "threshold"})
"""Kinds drawn by value against their bounds; all others are drawn by progress in %."""


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """What was known from `at` on; None: unknown. `progress` is a share, raw."""

    at: datetime
    value: float | None
    progress: float | None
    stale: bool = False
    question: str | None = None
    """Hash of what was asked for it; None: not known."""


@dataclass(frozen=True, slots=True)
class Break:
    """Where another series begins: its x, and the instant."""

    x: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Chart:
    """The drawing: `line` has one piece for each stretch of time without a gap; `stale` marks points in doubt.

    `low` and `high` are the numbers at y = 0 and y = 1 in `unit`; `expected` runs from start to due; `target` is a
    height, and `bounds` are two; `now` the x of the snapshot. At each of `breaks` another series begins, and a piece of
    the line.
    """

    start: datetime
    due: datetime
    unit: str
    low: float
    high: float
    line: tuple[tuple[Spot, ...], ...]
    stale: tuple[Spot, ...]
    expected: tuple[Spot, ...] | None
    target: float | None
    now: float
    breaks: tuple[Break, ...] = ()
    bounds: tuple[float, ...] = ()


def build_chart(state: KeyResultState, points: Sequence[ChartPoint], now: datetime) -> Chart | None:
    """Return the drawing of `points` in [start, min(now, due)], both inclusive; None when none of them is known.

    The last point before the start counts as the first one. A value holds until the next point; an unknown point
    ends the line.
    """
    end = min(now, state.due)
    shown = _from_start([point for point in sorted(points, key=lambda point: point.at) if point.at <= end], state)
    by_value = state.kind in BY_VALUE
    heights = [point.value if by_value else _percent(point.progress) for point in shown]
    known = [height for height in heights if height is not None]
    if not known or end < state.start or state.due <= state.start:
        return None
    target = state.target if by_value else 100.0
    low, high = _domain([*known, *_marks(state, target, by_value=by_value)])
    places = [
        (_share(point.at, state), _level(height, low, high)) for point, height in zip(shown, heights, strict=True)
    ]
    broken = frozenset(map(id, breaks(shown)))
    return Chart(
        start=state.start,
        due=state.due,
        unit=state.unit if by_value else "%",
        low=low,
        high=high,
        line=_pieces(places, _share(end, state), [id(point) in broken for point in shown]),
        stale=tuple((x, y) for (x, y), point in zip(places, shown, strict=True) if point.stale and y is not None),
        expected=tuple((x, (100 * share - low) / (high - low)) for x, share in _expected_line(state)) or None,
        target=_level(target, low, high),
        now=_share(end, state),
        breaks=tuple(Break(_share(point.at, state), point.at) for point in breaks(shown)),
        bounds=tuple((bound - low) / (high - low) for bound in state.bounds or ()),
    )


def _expected_line(state: KeyResultState) -> tuple[Spot, ...]:
    if state.kind not in PACED:
        return ()
    return ((0.0, 0.0), (1.0, 1.0)) if state.curve == "linear" else state.expected_line


def _from_start(points: list[ChartPoint], state: KeyResultState) -> list[ChartPoint]:
    before = [point for point in points if point.at <= state.start]
    return before[-1:] + [point for point in points if point.at > state.start]


def _percent(share: float | None) -> float | None:
    return None if share is None else share * 100


def _marks(state: KeyResultState, target: float | None, *, by_value: bool) -> list[float]:
    marks = [state.baseline, target, *(state.bounds or ())] if by_value else [0.0, target]
    return [mark for mark in marks if mark is not None]


def _domain(numbers: list[float]) -> tuple[float, float]:
    """Return the lowest and highest number, apart even when they are equal."""
    low, high = min(numbers), max(numbers)
    return (low, high) if low < high else (low - max(1.0, abs(low) / 10), high + max(1.0, abs(high) / 10))


def _share(at: datetime, state: KeyResultState) -> float:
    return min(1.0, max(0.0, (at - state.start) / (state.due - state.start)))


def _level(height: float | None, low: float, high: float) -> float | None:
    return None if height is None else (height - low) / (high - low)


def _pieces(places: list[tuple[float, float | None]], end: float, broken: list[bool]) -> tuple[tuple[Spot, ...], ...]:
    """Return the line; it ends at unknown points and where another series begins."""
    pieces: list[tuple[Spot, ...]] = []
    piece: list[Spot] = []
    for (x, y), (until, _), another in zip(places, [*places[1:], (end, None)], broken, strict=True):
        if another:
            pieces.append(tuple(piece))
            piece = []
        if y is None:
            pieces.append(tuple(piece))
            piece = []
        else:
            piece += [(x, y), (until, y)]
    return tuple(piece for piece in (*pieces, tuple(piece)) if piece)
