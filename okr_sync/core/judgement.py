"""What a measure says about a key result: its number, how it came about, and how it is to be paced."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from okr_sync.core.observing import Unknown
from okr_sync.core.snapshot import Input

__all__ = ["Judgement", "Pace", "unknown"]

Pace: TypeAlias = Literal["linear", "bound", "at_due", "attained"]
"""linear: expected to grow evenly; bound: to be kept inside all the time; at_due: judged only at the due date;
attained: its attainment is expected to be 1 all the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A measured key result, not yet held against the calendar.

    `progress` is raw; None when unknown, `reason` then says why. `attainment` is what is paced (for `done` on an
    initiative the share of its work, else progress). `inside` tells whether a bound holds now. `late`: done, but not
    by the due date. `notes` are sentences to be said with the status; `missed` says why the newest question failed.
    `provisional`: what is reached may be lost again, so that it is met only at the due date. `goal` is the progress
    that counts as met. A number that is not finite raises OverflowError.
    """

    pace: Pace
    unit: str = ""
    value: float | None = None
    baseline: float | None = None
    target: float | None = None
    progress: float | None = None
    attainment: float | None = None
    inside: bool = False
    late: bool = False
    provisional: bool = False
    goal: float = 1.0
    reason: str = ""
    formula: str = ""
    notes: tuple[str, ...] = ()
    missed: str = ""
    inputs: tuple[Input, ...] = ()

    def __post_init__(self) -> None:
        for number in (self.value, self.baseline, self.target, self.progress, self.attainment):
            if number is not None and not math.isfinite(number):
                raise OverflowError(f"a judgement holds finite numbers or None, not {number}")


def unknown(
    why: Unknown | str,
    *,
    pace: Pace = "linear",
    unit: str = "",
    baseline: float | None = None,
    target: float | None = None,
) -> Judgement:
    """Return a judgement without a number; what is known beside it (unit, baseline, target) stays."""
    cause = Unknown(why) if isinstance(why, str) else why
    return Judgement(
        pace=pace,
        unit=unit,
        baseline=baseline,
        target=target,
        reason=cause.reason,
        inputs=cause.inputs,
    )
