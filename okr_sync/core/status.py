"""From a number and the calendar to a status with its reason.

Progress is held against what the key result's curve expects by now, and graded by its preset. Precedence here: pending
before the start, met, missed after the due date, then the grade; `freshness` puts stale and outdated over all of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from okr_sync.core.curves import expected_share
from okr_sync.core.judgement import Judgement
from okr_sync.core.model import KeyResult, Preset
from okr_sync.core.numbers import at_least, show, show_instant, show_share
from okr_sync.core.presets import grade
from okr_sync.core.snapshot import Status

__all__ = ["Verdict", "elapsed_share", "judge_pace", "judge_status"]

WARM_UP = 0.10  # elapsed share below which ratios say nothing


@dataclass(frozen=True, slots=True)
class Verdict:
    """A status, why, and the progress expected by now (None for what is not paced)."""

    status: Status
    reason: str
    expected: float | None = None


def elapsed_share(start: datetime, due: datetime, now: datetime) -> float:
    """Return e = (now − start) / (due − start) within [0, 1]; `start` inclusive, `due` exclusive."""
    if now >= due:
        return 1.0
    return 0.0 if now <= start else (now - start) / (due - start)


def judge_status(judgement: Judgement, key_result: KeyResult, now: datetime, projected: float | None = None) -> Verdict:
    """Return the key result's status at `now`; `projected` is its forecast progress at the due date, if there is one.

    Kinds that grow are held against what their curve expects, without one only at the due date; a bound is on track
    while it holds and met when it holds at the due date; what is judged at the due date is pending until then unless
    it is met before.
    """
    expected = _expect(judgement, key_result, now)
    if judgement.progress is None:
        return Verdict("unknown", judgement.reason, expected)
    if now < key_result.start:
        status: Status = "pending"
        reason = f"starts {show_instant(key_result.start)}"
    elif judgement.pace == "bound":
        status, reason = _judge_bound(judgement, key_result, now)
    else:
        status, reason = _judge_growth(judgement, judgement.progress, expected, key_result, now, projected)
    return Verdict(status, "; ".join([reason, *judgement.notes]), expected)


def judge_pace(
    progress: float,
    attainment: float,
    expected: float,
    *,
    elapsed: float | None = None,
    preset: Preset = "pace",
    projected: float | None = None,
) -> tuple[Status, str]:
    """Return the status before the due date, and why.

    Met when p >= 1. Below 10 % of the time (`elapsed`, by default as `expected`) pending, but at risk when worse than
    at the start. Else by the attainment a (p itself, or the share of the work): off track when it is worse than at the
    start, else as the preset grades it.
    """
    if at_least(progress, 1.0):
        return "met", f"{show_share(progress)} of 1.00 reached before the due date"
    if not at_least(expected if elapsed is None else elapsed, WARM_UP):
        if attainment < 0:
            return "at_risk", f"{show_share(attainment)}: worse than at the start"
        return "pending", f"{show_share(attainment)} so far; the pace is judged from {WARM_UP:.0%} of the time on"
    if attainment < 0:
        reason = f"{show_share(attainment)} of {show_share(expected)} expected by now"
        return "off_track", f"{reason}: worse than at the start"
    return grade(preset, attainment, expected, projected)


def _expect(judgement: Judgement, key_result: KeyResult, now: datetime) -> float | None:
    """Return the progress expected by now: of what is attained as time goes e, or 1 where it can be lost again."""
    start, due = key_result.start, key_result.due
    if judgement.pace == "attained":
        return 1.0 if judgement.provisional else elapsed_share(start, due, now)
    return expected_share(key_result.curve, start, due, now) if judgement.pace == "linear" else None


def _judge_growth(  # noqa: PLR0917 -- as judge_status, with what it found
    judgement: Judgement,
    progress: float,
    expected: float | None,
    key_result: KeyResult,
    now: datetime,
    projected: float | None,
) -> tuple[Status, str]:
    """Judge what grows towards 1: by its end from the due date on, else by its preset where anything is expected."""
    start, due, preset = key_result.start, key_result.due, key_result.preset
    if now >= due:
        return _judge_end(judgement, progress)
    if judgement.provisional and at_least(progress, judgement.goal):
        return "on_track", f"{show_share(progress)} so far; met when it holds at the due date"
    if expected is None or judgement.attainment is None:
        return _judge_unpaced(judgement, progress, key_result)
    if judgement.pace == "attained":
        return judge_pace(progress, judgement.attainment, 1.0, preset=preset)
    elapsed = elapsed_share(start, due, now)
    return judge_pace(progress, judgement.attainment, expected, elapsed=elapsed, preset=preset, projected=projected)


def _judge_unpaced(judgement: Judgement, progress: float, key_result: KeyResult) -> tuple[Status, str]:
    """Judge what has no expected share: pending until the due date, at risk while worse than at the start."""
    if at_least(progress, 1.0):
        return "met", "done before the due date"
    if progress < 0:
        return "at_risk", f"{show_share(progress)}: worse than at the start"
    so_far = f"{show_share(progress)} so far" if judgement.pace == "linear" else "not done yet"
    return "pending", f"{so_far}; due {show_instant(key_result.due)}"


def _judge_end(judgement: Judgement, progress: float) -> tuple[Status, str]:
    late = ", late: done after the due date" if judgement.late else ""
    reason = f"{show_share(progress)} of {show_share(judgement.goal)} at the due date"
    if at_least(progress, judgement.goal):
        return "met", reason if not late else f"met{late}"
    return "missed", f"{reason}{late}"


def _judge_bound(judgement: Judgement, key_result: KeyResult, now: datetime) -> tuple[Status, str]:
    held = _say_days(key_result, now)
    said = judgement.formula
    if now >= key_result.due:
        return ("met", f"{said}; held until the due date") if judgement.inside else ("missed", said)
    if judgement.inside:
        return "on_track", f"{said}; holding ({held})"
    return ("at_risk" if judgement.progress else "off_track"), f"{said} ({held})"


def _say_days(key_result: KeyResult, now: datetime) -> str:
    passed, whole = (now - key_result.start).days, (key_result.due - key_result.start).days
    return f"{show(passed)} of {show(whole)} days"
