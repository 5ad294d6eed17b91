"""The measures that are made of others: the least of them, their weighted mean, or behind a gate.

Every part is clamped to [0, 1] before it counts. To be paced as one, the attainment of each part is put on the scale of
the elapsed share e: what must hold all the time and does counts as e, what is judged only at its end counts as e until
then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from okr_sync.core.counting import join_inputs
from okr_sync.core.judgement import Judgement, unknown
from okr_sync.core.kinds import All, Composite, Gate, Part, Weighted
from okr_sync.core.model import KeyResult
from okr_sync.core.numbers import at_least, clamp, show
from okr_sync.core.observing import Unknown
from okr_sync.core.status import elapsed_share

__all__ = ["Judge", "measure_composite"]

Judge: TypeAlias = Callable[[KeyResult], Judgement]
"""Measures a key result that has a part as its measure."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """A part with its number: score and pace in [0, 1], and whether it counts at all."""

    part: Part
    judgement: Judgement
    score: float
    pace: float


def measure_composite(measure: Composite, key_result: KeyResult, now: datetime, judge: Judge) -> Judgement:
    """Return min p̂ (`All`), Σ w·p̂ / Σ w (`Weighted`), or 0 until the first is done and then the least other (`Gate`).

    The value is in %. A part without a number is left out and named; with `require_all`, when it is the first of a
    gate, or when no part counts, all is unknown.
    """
    expected = elapsed_share(key_result.start, key_result.due, now)
    tried = [(part, judge(replace(key_result, measure=part.measure))) for part in measure.parts]
    judged = [each for part, judgement in tried if (each := _judged(part, judgement, expected))]
    lacking = [f"{part.title}: {each.reason}" for part, each in tried if each.progress is None]
    inputs = join_inputs([judgement.inputs for _, judgement in tried])
    joined = _join(measure, judged)
    # What lacks a part is never met for good: at the due date there is no verdict on it.
    undecided = now >= key_result.due and joined is not None and at_least(joined[0], 1.0)
    if joined is None or (lacking and (measure.require_all or undecided)):
        reason = "; ".join(lacking) or "no part has a weight: give at least one a weight above 0, and none below"
        return unknown(Unknown(reason, inputs), unit="%", baseline=0.0, target=100.0)
    p, pace, said = joined
    parts = "; ".join(f"[{each.part.title}] {each.judgement.formula}" for each in judged)
    known = [each.judgement for each in judged]
    return Judgement(
        pace="linear",
        unit="%",
        value=100.0 * p,
        baseline=0.0,
        target=100.0,
        progress=p,
        attainment=pace,
        late=any(each.late for each in known),
        provisional=any(each.provisional or each.pace == "bound" for each in known) or bool(lacking),
        formula=f"{parts}; {said} = {show(p)}",
        notes=_notes(known, lacking),
        missed="; ".join(dict.fromkeys(each.missed for each in known if each.missed)),
        inputs=inputs,
    )


def _judged(part: Part, judgement: Judgement, expected: float) -> _Judged | None:
    if judgement.progress is None:
        return None
    score = clamp(judgement.progress)
    return _Judged(part, judgement, score, _pace(judgement, score, expected))


def _pace(judgement: Judgement, score: float, expected: float) -> float:
    if at_least(score, 1.0) and not (judgement.provisional or judgement.pace == "bound"):
        return 1.0
    if judgement.attainment is None or judgement.pace == "at_due":
        return expected
    attained = clamp(judgement.attainment)
    return attained if judgement.pace == "linear" else expected * attained


def _join(measure: Composite, judged: Sequence[_Judged]) -> tuple[float, float, str] | None:
    """Return score, pace and how they came about; None when nothing counts."""
    if not judged:
        return None
    if isinstance(measure, Weighted):
        return _join_weighted(judged)
    if isinstance(measure, All):
        return _least(judged)
    return _join_gate(measure, judged)


def _join_weighted(judged: Sequence[_Judged]) -> tuple[float, float, str] | None:
    weights = [each.part.weight for each in judged]
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights) or not any(weights):
        return None
    whole = math.fsum(weights)
    score = math.fsum(each.part.weight * each.score for each in judged) / whole
    pace = math.fsum(each.part.weight * each.pace for each in judged) / whole
    terms = " + ".join(f"{show(each.part.weight)}·{show(each.score)}" for each in judged)
    return clamp(score), pace, f"({terms}) / {show(whole)}"


def _join_gate(measure: Gate, judged: Sequence[_Judged]) -> tuple[float, float, str] | None:
    first = judged[0]
    if first.part is not measure.parts[0]:
        return None
    if not at_least(first.score, 1.0):
        return 0.0, first.pace, f"the gate {first.part.title} is closed"
    return _least(judged[1:], f"the gate {first.part.title} is open: ") if judged[1:] else None


def _least(judged: Sequence[_Judged], before: str = "") -> tuple[float, float, str]:
    scores = ", ".join(show(each.score) for each in judged)
    least = scores if len(judged) == 1 else f"min({scores})"
    return min(each.score for each in judged), min(each.pace for each in judged), f"{before}{least}"


def _notes(known: Sequence[Judgement], lacking: Sequence[str]) -> tuple[str, ...]:
    notes = dict.fromkeys(note for each in known for note in each.notes)
    return (*notes, *([f"partial, without {'; without '.join(lacking)}"] if lacking else []))
