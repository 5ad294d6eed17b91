"""From key results to objectives, and from objectives to the one that they contribute to.

score = Σ w·p̂ / Σ w over what is scored; coverage = scored weight / all weight. The parts of an objective are its own
key results and the objectives that contribute to it, each with its weight; `supports` is a link and changes nothing.
Other methods take only the key results, only what contributes, the least part, or the sum of values of one unit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from okr_sync.core.model import Book, Cycle, Objective, Preset
from okr_sync.core.numbers import at_least, clamp, show, show_instant, show_share
from okr_sync.core.snapshot import KeyResultState, ObjectiveState, Status
from okr_sync.core.status import judge_pace

__all__ = ["Child", "RollUp", "roll_up", "roll_up_least", "roll_up_objectives", "roll_up_sum"]

HOLDING = frozenset({"range", "threshold"})
"""Kinds that are expected to hold from the start."""


@dataclass(frozen=True, slots=True)
class Child:
    """What goes into a roll-up: `score` and `expected` in [0, 1]; a score of None is unscored, `reason` says why."""

    id: str
    weight: float
    score: float | None
    expected: float = 0.0
    met: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RollUp:
    """The weighted mean of what is scored; `score` None when that has no weight. `met`: each weighed child is."""

    score: float | None
    expected: float
    coverage: float
    met: bool
    scored: int
    unscored: tuple[Child, ...]
    note: str = ""
    """How the score came about, or why there is none; empty for the weighted mean."""


def roll_up(children: Sequence[Child]) -> RollUp:
    """Return Σ w·p̂ / Σ w over the scored children; the same for any order of them; weight 0 is watched only."""
    scored = [child for child in children if child.score is not None and child.weight > 0]
    weight = math.fsum(child.weight for child in scored)
    whole = math.fsum(child.weight for child in children)
    return RollUp(
        score=_mean([(child.weight, clamp(child.score or 0.0)) for child in scored]),
        expected=_mean([(child.weight, child.expected) for child in scored]) or 0.0,
        coverage=weight / whole if whole > 0 else 0.0,
        met=bool(scored) and all(child.met for child in children if child.weight > 0),
        scored=sum(child.score is not None for child in children),
        unscored=tuple(child for child in children if child.score is None),
    )


def roll_up_least(children: Sequence[Child]) -> RollUp:
    """Return the least p̂ of the scored children with a weight, held against what is expected of that child."""
    rolled = roll_up(children)
    weighed = ((child, child.score) for child in children if child.weight > 0)
    scored = [(clamp(score), -child.expected, child.id) for child, score in weighed if score is not None]
    if not scored:
        return rolled
    score, expected, name = min(scored)
    return replace(rolled, score=score, expected=-expected, note=f"the least of {len(scored)} parts: {name}")


def roll_up_sum(states: Sequence[KeyResultState], now: datetime) -> RollUp:
    """Return (Σ v - Σ b) / (Σ t - Σ b) over the key results with a weight, all of one unit and direction.

    Expected is what their values are expected to sum up to, in the same share. Without a number, with the reason in
    `note`, when one of them is unknown or has no baseline and target, and when units or directions differ.
    """
    counted = [state for state in states if state.weight > 0]
    rolled = roll_up([_child(state, now) for state in states])
    spans = [(state, _span(state)) for state in counted]
    known = [(state, *span) for state, span in spans if span is not None]
    why = _why_no_sum(counted, [t - b for _, _, b, t in known])
    if why:
        return replace(rolled, score=None, met=False, note=why)
    v, b, t = (sum(part) for part in zip(*(numbers for _, *numbers in known), strict=True))
    expected = sum(_expected(state, now) * (until - since) for state, _, since, until in known) / (t - b)
    score = (v - b) / (t - b)
    if not math.isfinite(score + expected):
        return replace(rolled, score=None, met=False, note="the numbers are too large to compute with")
    unit = counted[0].unit
    note = f"sum {show(v, unit)}, from {show(b)} to {show(t, unit)}"
    return replace(rolled, score=clamp(score), expected=expected, met=at_least(score, 1.0), note=note)


def _span(state: KeyResultState) -> tuple[float, float, float] | None:
    """Return value, baseline and target of what can be summed up."""
    if state.value is None or state.baseline is None or state.target is None:
        return None
    return state.value, state.baseline, state.target


def _why_no_sum(counted: Sequence[KeyResultState], ways: Sequence[float]) -> str:
    if not counted:
        return "all weights are 0: nothing counts"
    units = sorted({state.unit for state in counted})
    if len(units) > 1:
        return f"values of different units don't add up: {', '.join(unit or 'none' for unit in units)}"
    lacking = [state.id for state in counted if _span(state) is None]
    if lacking:
        return f"no sum without a value, baseline and target of {', '.join(lacking)}"
    if not (all(way < 0 for way in ways) or all(way > 0 for way in ways)):
        return "not all values are to rise, or all to fall: they don't add up"
    return ""


def roll_up_objectives(
    book: Book, key_results: Mapping[str, KeyResultState], now: datetime
) -> tuple[ObjectiveState, ...]:
    """Return the state of each objective in the order of the book, given the states of all its key results by id."""
    return _Tree(book, key_results, now).states()


def _mean(pairs: Sequence[tuple[float, float]]) -> float | None:
    weight = math.fsum(weight for weight, _ in pairs)
    if weight <= 0:
        return None
    mean = math.fsum(weight * value for weight, value in pairs) / weight
    # Rounding must not carry the mean beyond what it is the mean of.
    values = [value for _, value in pairs]
    return min(max(values), max(min(values), mean))


class _Tree:
    """The objectives of a book with what contributes to each."""

    def __init__(self, book: Book, key_results: Mapping[str, KeyResultState], now: datetime) -> None:
        self._objectives = book.objectives
        self._key_results = key_results
        self._cycles = {cycle.id: cycle for cycle in book.cycles}
        self._now = now
        self._done: dict[str, tuple[ObjectiveState, Child]] = {}
        self._below: dict[str, list[Objective]] = {}
        for objective in book.objectives:
            if objective.contributes_to is not None:
                self._below.setdefault(objective.contributes_to, []).append(objective)

    def states(self) -> tuple[ObjectiveState, ...]:
        return tuple(self._judge(objective)[0] for objective in self._objectives)

    def _judge(self, objective: Objective) -> tuple[ObjectiveState, Child]:
        if objective.id not in self._done:
            rolled = self._roll_up(objective)
            state = self._state(objective, rolled)
            reached = state.status == "met"
            child = Child(objective.id, objective.weight, rolled.score, rolled.expected, reached, state.reason)
            self._done[objective.id] = (state, child)
        return self._done[objective.id]

    def _roll_up(self, objective: Objective) -> RollUp:
        own = [self._key_results[key_result.id] for key_result in objective.key_results]
        if objective.roll_up == "sum" and own:
            return roll_up_sum(own, self._now)
        children = [_child(state, self._now) for state in own] if objective.roll_up != "children" else []
        if objective.roll_up not in {"key_results", "sum"}:
            children += [self._judge(below)[1] for below in self._below.get(objective.id, ())]
        return roll_up_least(children) if objective.roll_up == "min" else roll_up(children)

    def _state(self, objective: Objective, rolled: RollUp) -> ObjectiveState:
        status, reason = _judge_objective(rolled, objective.preset, self._cycles.get(objective.cycle), self._now)
        return ObjectiveState(
            id=objective.id,
            title=objective.title,
            cycle=objective.cycle,
            level=objective.level,
            team=objective.team,
            owner=objective.owner,
            contributes_to=objective.contributes_to,
            key_results=tuple(key_result.id for key_result in objective.key_results),
            progress=rolled.score,
            score=rolled.score,
            status=status,
            coverage=rolled.coverage,
            reason="; ".join(dict.fromkeys(filter(None, [reason, rolled.note, _say_coverage(rolled)]))),
            roll_up=objective.roll_up,
            unscored=tuple(child.id for child in rolled.unscored),
        )


def _child(state: KeyResultState, now: datetime) -> Child:
    return Child(
        id=state.id,
        weight=state.weight,
        score=state.score,
        expected=_expected(state, now),
        met=state.status == "met",
        reason=state.reason,
    )


def _expected(state: KeyResultState, now: datetime) -> float:
    """Return what is expected by now: a bound always holds, what is judged at the due date is done by then."""
    if state.expected is not None:
        return state.expected
    return 1.0 if state.kind in HOLDING or now >= state.due else 0.0


def _judge_objective(rolled: RollUp, preset: Preset, cycle: Cycle | None, now: datetime) -> tuple[Status, str]:
    if rolled.score is None:
        return "unknown", _why_unscored(rolled)
    if cycle is not None and now < cycle.start:
        return "pending", f"starts {show_instant(cycle.start)}"
    if cycle is not None and now >= cycle.end:
        return _judge_end(rolled, rolled.score)
    status, reason = judge_pace(rolled.score, rolled.score, rolled.expected, preset=preset)
    if status == "met" and not rolled.met:
        # A bound that holds so far, or a part without a number, may still spoil it.
        return "on_track", f"{show_share(rolled.score)} so far; not each part is met for good"
    return status, reason


def _judge_end(rolled: RollUp, score: float) -> tuple[Status, str]:
    reason = f"{show_share(score)} of 1.00 at the end of the cycle"
    if not at_least(score, 1.0):
        return "missed", reason
    return ("met", reason) if at_least(rolled.coverage, 1.0) else ("unknown", f"{reason}, but not all of it is scored")


def _why_unscored(rolled: RollUp) -> str:
    if rolled.note:
        return rolled.note
    if rolled.unscored:
        return "nothing in it has a score"
    return "all weights are 0: nothing counts" if rolled.scored else "it has no key results and nothing contributes"


def _say_coverage(rolled: RollUp) -> str:
    if not rolled.unscored:
        return ""
    whole = rolled.scored + len(rolled.unscored)
    named = ", ".join(f"{child.id} ({child.reason})" for child in rolled.unscored)
    return f"{rolled.scored} of {whole} scored, {show(100 * rolled.coverage, '%')} of weight; unscored: {named}"
