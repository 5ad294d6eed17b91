"""How numbers, times, statuses and foreign text are said: the same in every format for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from okr_sync.core.cycles import CycleState
from okr_sync.core.facts import Baseline
from okr_sync.core.numbers import show, show_instant
from okr_sync.core.snapshot import InitiativeState, InitiativeStatus, KeyResultState, Status

if TYPE_CHECKING:
    from okr_sync.core.report import InitiativeRow, KeyResultRow, ObjectiveRow, Report, SourceRow

Tone: TypeAlias = Literal["good", "fair", "bad", "quiet", "doubt"]
"""What a colour stands for; never said by colour alone."""

UNKNOWN = "unknown"

SYMBOLS: Mapping[Status | InitiativeStatus, str] = {
    "met": "✔",
    "on_track": "●",
    "at_risk": "▲",
    "off_track": "■",
    "missed": "✖",
    "closed": "◆",
    "pending": "○",
    "unknown": "?",
    "suspect": "⁇",
    "stale": "◌",
    "outdated": "◌",
    "done": "✔",
    "in_progress": "●",
    "not_started": "○",
    "empty": "○",
}

TONES: Mapping[Status | InitiativeStatus, Tone] = {
    "met": "good",
    "on_track": "good",
    "at_risk": "fair",
    "off_track": "bad",
    "missed": "bad",
    "closed": "quiet",
    "pending": "quiet",
    "unknown": "doubt",
    "suspect": "doubt",
    "stale": "doubt",
    "outdated": "doubt",
    "done": "good",
    "in_progress": "quiet",
    "not_started": "quiet",
    "empty": "quiet",
}

_BREAKS = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def clean(text: str) -> str:
    """Return `text` on one line, without what could steer a terminal or turn the reading direction (� instead)."""
    return _UNSAFE.sub("�", _BREAKS.sub(" ", text))


def status_word(status: str) -> str:
    """Return a status as people say it ("on track")."""
    return status.replace("_", " ")


def amount(value: float | None, unit: str = "") -> str:
    """Return a value with its unit ("1,234 ms", "0.556", "62.5 %"); "unknown" for None."""
    return UNKNOWN if value is None else show(value, clean(unit))


def percent(share: float | None) -> str:
    """Return a share as a percentage with at most one decimal; what is below 1 never reads as 100 %."""
    if share is None:
        return UNKNOWN
    rounded = round(share * 100, 1)
    if share < 1 <= rounded / 100:
        rounded = 99.9
    return f"{rounded + 0.0:,.1f}".removesuffix(".0") + " %"


def progress_delta(delta: float | None) -> str:
    """Return a change of progress in percentage points with its sign; empty when unknown."""
    if delta is None:
        return ""
    points = round(delta * 100, 1)
    return f"{points:+,.1f}".removesuffix(".0") + " pp" if points else "±0 pp"


def value_delta(delta: float | None, unit: str) -> str:
    """Return a change of value with its sign and unit, of a percentage in points; empty when unknown."""
    if delta is None:
        return ""
    rounded = round(delta, 9)
    return f"{'+' if rounded > 0 else '±' if not rounded else ''}{amount(rounded, 'pp' if unit == '%' else unit)}"


def moment(at: datetime | None) -> str:
    """Return an instant in UTC to the minute ("2026-11-22 03:46 UTC"); "never" for None."""
    return show_instant(at) if at else "never"


def as_of(at: datetime | None) -> str:
    """Return the age of a number ("as of 2026-11-22 03:46 UTC"), or that there never was one."""
    return f"as of {moment(at)}" if at else "never read"


def day(at: datetime) -> str:
    """Return the date of an instant in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d")


def first_day(start: datetime) -> str:
    """Return the local date that begins at `start`, local midnight of a zone from UTC−10 to UTC+13."""
    return day(start + timedelta(hours=13))


def last_day(end: datetime) -> str:
    """Return the local date that ends at `end`, local midnight of a zone from UTC−10 to UTC+13."""
    return day(end - timedelta(hours=11))


def key_result_numbers(state: KeyResultState) -> str:
    """Return value, baseline and target in one phrase ("44 points; from 31 to 51 points"); no target, no word of it.

    What has two bounds instead of a target says them: "64 days; between 40 and 60 days".
    """
    if state.bounds is not None:
        return f"{amount(state.value, state.unit)}; between {between(state.bounds, state.unit)}"
    if state.target is None:
        return amount(state.value, state.unit)
    aim = f"target {amount(state.target, state.unit)}"
    if state.baseline is not None:
        aim = f"from {amount(state.baseline)}{captured_mark(state)} to {amount(state.target, state.unit)}"
    return f"{amount(state.value, state.unit)}; {aim}"


def between(bounds: tuple[float, float], unit: str) -> str:
    """Return two bounds, the unit once: "40 and 60 days"."""
    low, high = bounds
    return f"{amount(low)} and {amount(high, unit)}"


def captured_mark(state: KeyResultState) -> str:
    """Return " (captured)" or " (first value seen)" for a baseline that nobody wrote; else nothing."""
    if not state.captured:
        return ""
    return " (first value seen)" if any(each.how == "first" for each in state.captured) else " (captured)"


def baseline_origin(captured: Baseline, unit: str) -> str:
    """Return a captured baseline with where it comes from, in one line."""
    how = {"last": "last value before the start", "mean": "mean before the start", "first": "first value seen"}
    said = [f"{how[captured.how]}, {moment(captured.time)}", *([captured.evidence] if captured.evidence else [])]
    return f"{amount(captured.value, unit)}: {clean('; '.join(said))}; captured {moment(captured.at)}"


def doubt_mark(state: KeyResultState | InitiativeState, status: str) -> str:
    """Return "suspect" or "stale" when the state is and its status does not say so already; else nothing."""
    if isinstance(state, InitiativeState) and state.suspect:
        return "suspect"
    return "stale" if state.stale and status not in {"suspect", "stale", "outdated"} else ""


def since_note(row: KeyResultRow) -> str:
    """Return what moved since the basis of the report: progress, value and status; empty when nothing is known."""
    deltas = [delta for delta in (row.progress_delta, row.value_delta) if delta is not None]
    value = value_delta(row.value_delta, row.state.unit)
    parts = [progress_delta(row.progress_delta), f"value {value}" if value and not _is_progress(row) else ""]
    if deltas and not any(deltas):
        parts = ["no change"]
    if row.status_before:
        parts.append(f"was {status_word(row.status_before)}")
    return ", ".join(part for part in parts if part)


def _is_progress(row: KeyResultRow) -> bool:
    """Return whether the value is the progress in % and need not be said twice."""
    return (row.state.unit, row.state.baseline, row.state.target) == ("%", 0, 100) and row.progress_delta is not None


def coverage(row: ObjectiveRow) -> str:
    """Return how much of an objective is scored ("4 of 5 key results, 80 % of weight")."""
    scored = len(row.key_results) - len(row.state.unscored)
    if not row.key_results:
        return f"no key results of its own, {percent(row.state.coverage)} of weight scored"
    return f"{scored} of {len(row.key_results)} key results, {percent(row.state.coverage)} of weight"


def work_count(state: InitiativeState) -> str:
    """Return an initiative's items ("12 of 20 done, 5 in progress, 3 open, 2 dropped")."""
    if state.total is None:
        return UNKNOWN
    said = f"{state.done} of {state.total} done, {state.in_progress} in progress, {state.open} open"
    return f"{said}, {state.dropped} dropped" if state.dropped else said


def work_delta(row: InitiativeRow) -> str:
    """Return how the items changed since the basis of the report; empty when unknown."""
    if row.done_delta is None or row.total_delta is None:
        return ""
    dropped = f", {row.dropped_delta:+d} dropped" if row.dropped_delta else ""
    reopened = "".join(f", {amount(each.amount)} reopened" for each in row.causes if each.kind == "reopened")
    return f"{row.done_delta:+d} done, {row.total_delta:+d} scope{dropped}{reopened}"


def source_note(row: SourceRow) -> str:
    """Return how a source fares: its last success, its error and what to do."""
    parts = [f"last success {moment(row.state.last_success)}", "late" if row.late else "in time"]
    if row.state.error:
        parts.append(clean(row.state.error))
    if row.state.fix:
        parts.append(f"what to do: {clean(row.state.fix)}")
    return "; ".join(parts)


def cycle_words(state: CycleState) -> str:
    """Return a cycle's state and why ("active, 2026-10-01 to 2026-12-31; ends 2026-12-31")."""
    return f"{state.state}, {state.first} to {state.last}; {clean(state.reason)}"


def cycle_line(state: CycleState) -> str:
    """Return a cycle's name and state in one sentence."""
    return f"Cycle {clean(state.id)}: {cycle_words(state)}."


def headline(report: Report) -> str:
    """Return the one sentence that sums up all key results."""
    counts = ", ".join(f"{number} {status_word(status)}" for status, number in report.summary.by_status.items())
    said = f": {counts}" if counts else ""
    return f"Automatic and fresh: {report.summary.fresh} of {report.summary.total} key results{said}."


def basis(report: Report) -> str:
    """Return as of when the report is, of which run, and what it is compared with."""
    run = f", run {report.run}" if report.run is not None else ""
    since = f"; compared with {moment(report.since)}" if report.since else ""
    return f"As of {moment(report.at)}{run}{since}."
