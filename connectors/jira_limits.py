"""When to ask Jira again: its limits by second, by hour and by points, each with its own headers; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from okr_sync.connector import retry_after


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds, ≥ 0, after which Jira wants to be asked again; None when it names no time that can be read.

    Retry-After (seconds or a date) wins; else X-RateLimit-Reset, an instant of Cloud's, counted from the server's own
    Date; else the interval in which Data Center fills its bucket. `headers` ignore letter case.
    """
    wish = retry_after(headers)
    if wish is not None:
        return wish
    until = _until_reset(headers)
    if until is not None:
        return until
    interval = headers.get("X-RateLimit-Interval-Seconds", "")
    return float(interval) if interval.isascii() and interval.isdigit() and len(interval) < 6 else None


def served_at(headers: Mapping[str, str]) -> int | None:
    """Return when the answer was given by the server's own clock (ms since 1970); None when it does not say."""
    try:
        return round(parsedate_to_datetime(headers.get("Date", "")).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def reason_of(headers: Mapping[str, str]) -> str:
    """Return which limit it was, in Jira's own word ("jira-burst-based"); empty when it doesn't say."""
    word = headers.get("RateLimit-Reason", "").strip()[:60]
    return f" ({word})" if word else ""


def _until_reset(headers: Mapping[str, str]) -> float | None:
    if headers.get("X-RateLimit-Remaining", "0").strip() != "0":
        return None
    try:
        reset = datetime.fromisoformat(headers.get("X-RateLimit-Reset", ""))
        served = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return None
    aware = [each if each.tzinfo else each.replace(tzinfo=UTC) for each in (reset, served)]
    return max(0.0, (aware[0] - aware[1]).total_seconds())
