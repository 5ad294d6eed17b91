"""Status presets by name: how progress is graded against what is expected; people compare with the tool they left."""

from __future__ import annotations

from typing import Literal, TypeAlias

from okr_sync.core.model import Preset
from okr_sync.core.numbers import at_least, at_most, show_share

__all__ = ["Grade", "grade"]

Grade: TypeAlias = Literal["on_track", "at_risk", "off_track"]

RATIOS: dict[Preset, tuple[float, float]] = {
    "pace": (0.90, 0.60),
    "viva": (1.00, 1.00),
    "upraise": (0.95, 0.75),
    "oboard": (0.70, 0.40),
    "score": (0.70, 0.40),
}
"""On track and at risk from these shares of the expected progress on; `viva` knows no middle."""

GAPS = (0.165, 0.33)  # behind the expected progress: on track below the first, at risk up to the second


def grade(preset: Preset, a: float, e: float, projected: float | None = None) -> tuple[Grade, str]:
    """Return the grade of progress `a` at expected progress `e`, and why.

    `gap` grades e - a, `score` the `projected` progress at the due date (without a forecast a / e), all others a / e.
    More progress never gives a worse grade, more expected progress never a better one.
    """
    said = f"{show_share(a)} of {show_share(e)} expected by now"
    if preset == "gap":
        return _of_gap(e - a), f"{said} (gap)"
    if preset == "score" and projected is not None:
        said = f"projected {show_share(projected)} at the due date"
        a, e = projected, 1.0
    high, low = RATIOS[preset]
    graded: Grade = "on_track" if at_least(a, high * e) else "at_risk" if at_least(a, low * e) else "off_track"
    return graded, said if preset == "pace" else f"{said} ({preset})"


def _of_gap(gap: float) -> Grade:
    if not at_least(gap, GAPS[0]):
        return "on_track"
    return "at_risk" if at_most(gap, GAPS[1]) else "off_track"
