"""How numbers are compared and written: close-enough comparison and text that is always the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

__all__ = ["at_least", "at_most", "clamp", "close", "percentile", "show", "show_instant", "show_share", "show_span"]

TOLERANCE = 1e-9  # relative


def close(a: float, b: float) -> bool:
    """Return whether both are equal within 1e-9 of the larger one."""
    return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=0.0)


def at_least(value: float, bound: float) -> bool:
    """Return whether value ≥ bound, values within 1e-9 (relative) counting as equal."""
    return value >= bound or close(value, bound)


def at_most(value: float, bound: float) -> bool:
    """Return whether value ≤ bound, values within 1e-9 (relative) counting as equal."""
    return value <= bound or close(value, bound)


def clamp(progress: float) -> float:
    """Return p̂ = min(1, max(0, p)); what is close to 1 is 1."""
    return 1.0 if at_least(progress, 1.0) else max(0.0, progress)


def percentile(ascending: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the numbers lie, linear between the two nearest; at least one number."""
    place = share * (len(ascending) - 1)
    low, high = ascending[math.floor(place)], ascending[math.ceil(place)]
    return low + (high - low) * (place - math.floor(place))


def show(number: float, unit: str = "") -> str:
    """Return the number with its unit, at most three decimals, thousands apart: "62.5 %", "1,234 ms", "0.556"."""
    size = abs(number)
    if not math.isfinite(number) or size >= 1e15 or 0 < size < 0.0005:
        text = f"{number:.3g}"
    else:
        text = f"{number:,.3f}".rstrip("0").rstrip(".")
    return f"{text} {unit}" if unit else text


def show_share(share: float) -> str:
    """Return a share with two decimals ("0.40"); what is below 1 never reads 1.00, what is above 0 never 0.00."""
    text = f"{share:.2f}"
    if text == "1.00" and not at_least(share, 1.0):
        return "0.99"
    if text in {"0.00", "-0.00"}:
        return "0.00" if share == 0 else show(share)
    return text


def show_instant(instant: datetime) -> str:
    """Return an instant in UTC to the minute: "2026-11-20 10:00 UTC"."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def show_day(instant: datetime) -> str:
    """Return the date of an instant in UTC: "2026-11-20"."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d")


def show_span(span: timedelta) -> str:
    """Return a length of time in its largest fitting unit: "45 min", "2 h", "3.5 d"."""
    seconds = span.total_seconds()
    for unit, length in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= length:
            return show(round(seconds / length, 1), unit)
    return show(round(seconds, 1), "s")
