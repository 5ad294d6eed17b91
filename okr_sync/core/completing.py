"""The measures of finishing: `done`, `steps` and `delivery`.

A thing is done when all counted work of its initiative is done, or its metric is at least 1. With a hard deadline what
is done at the due date or later counts as not done; with a soft one it counts, and is late. Reopened is not done.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

from okr_sync.core.delivery import deliver
from okr_sync.core.judgement import Judgement, unknown
from okr_sync.core.model import Delivery, Done, DoneSubject, Initiative, KeyResult, Step, Steps
from okr_sync.core.numbers import at_least, show
from okr_sync.core.observing import Evidence, Moment, Unknown, observe
from okr_sync.core.snapshot import InitiativeState, Input

__all__ = ["measure_delivery", "measure_done", "measure_steps"]


@dataclass(frozen=True, slots=True)
class _Finish:
    """How far one subject is: `counts` says whether it scores, `share` (None: can't tell) how much of it is done."""

    counts: bool
    share: float | None
    late: bool
    text: str
    inputs: tuple[Input, ...]
    missed: str = ""
    note: str = ""


def measure_done(measure: Done, key_result: KeyResult, evidence: Evidence, now: datetime) -> Judgement:
    """Return p = 1 when done, else 0; on an initiative the share of its work is what is paced."""
    paced = measure.subject.initiative is not None
    finish = _finish(measure.subject, key_result, evidence, now, hard=measure.deadline == "hard")
    if isinstance(finish, Unknown):
        return unknown(finish, pace="linear" if paced else "at_due", target=1.0)
    p = 1.0 if finish.counts else 0.0
    return Judgement(
        pace="linear" if paced and finish.share is not None else "at_due",
        value=p,
        target=1.0,
        progress=p,
        attainment=finish.share,
        late=finish.late,
        formula=f"{finish.text} = {show(p)}",
        notes=(finish.note,) if finish.note else (),
        missed=finish.missed,
        inputs=finish.inputs,
    )


def measure_steps(measure: Steps, key_result: KeyResult, evidence: Evidence, now: datetime) -> Judgement:
    """Return p = Σ w·d / Σ w, d 1 for a done step, else 0 (with `partial` the share of its work).

    With `need` n, weights aside, p = Σ of the n largest d / n, so that n done steps are enough. A step that can't be
    judged makes p unknown, unless the others already complete what is needed.
    """
    hard = measure.deadline == "hard"
    finishes = [_finish(step.subject, key_result, evidence, now, hard=hard) for step in measure.steps]
    known = [finish for finish in finishes if isinstance(finish, _Finish)]
    target = float(measure.need or 0) or math.fsum(step.weight for step in measure.steps)
    shares = [_share(finish, partial=measure.partial) for finish in finishes]
    lacking = _lacking(measure.steps, finishes, shares)
    inputs = _gather([finish.inputs for finish in finishes])
    value = _sum_steps(measure, shares)
    enough = measure.need is not None and at_least(value, measure.need)
    if (lacking and not enough) or target <= 0:
        reason = "; ".join(lacking) or "the steps have no weight: give each a weight above 0"
        return unknown(Unknown(reason, inputs), unit="steps", baseline=0.0, target=target if target > 0 else None)
    p = value / target
    done = sum(finish.counts for finish in known)
    return Judgement(
        pace="linear",
        unit="steps",
        value=value,
        target=target,
        baseline=0.0,
        progress=p,
        attainment=p,
        late=any(finish.late for finish in known),
        formula=f"{show(value)} / {show(target)} = {show(p)} ({done} of {len(finishes)} steps done)",
        notes=tuple(dict.fromkeys(finish.note for finish in known if finish.note)),
        missed="; ".join(dict.fromkeys(finish.missed for finish in known if finish.missed)),
        inputs=inputs,
    )


def measure_delivery(measure: Delivery, _key_result: KeyResult, evidence: Evidence, _now: datetime) -> Judgement:
    """Return the mean progress of the initiatives, each weighing the same; the value is in %.

    It follows the work as it is now, also after the due date. An initiative without progress makes it unknown.
    """
    states = [_work(evidence, name) for name in measure.initiatives]
    known = [state for state in states if isinstance(state, InitiativeState)]
    inputs = _gather([state.inputs for state in states])
    lacking = [_why_no_progress(state) for state in states if isinstance(state, Unknown) or state.progress is None]
    if lacking or not known:
        reason = "; ".join(lacking) or "no initiative is named"
        return unknown(Unknown(reason, inputs), unit="%", baseline=0.0, target=100.0)
    shares = [state.progress for state in known if state.progress is not None]
    p = fmean(shares)
    parts = [
        f"{_say_weights(evidence.initiatives[state.id], state)} = {show(share)}"
        for state, share in zip(known, shares, strict=True)
    ]
    return Judgement(
        pace="linear",
        unit="%",
        value=100.0 * p,
        baseline=0.0,
        target=100.0,
        progress=p,
        attainment=p,
        formula=parts[0] if len(parts) == 1 else f"mean of ({'; '.join(parts)}) = {show(p)}",
        inputs=inputs,
    )


def _finish(
    subject: DoneSubject, key_result: KeyResult, evidence: Evidence, now: datetime, *, hard: bool
) -> _Finish | Unknown:
    if subject.initiative is not None:
        return _finish_work(subject.initiative, key_result, evidence, now, hard=hard)
    if subject.metric is not None:
        return _finish_metric(subject.metric, key_result, evidence, now, hard=hard)
    return Unknown("neither an initiative nor a metric tells when it is done")


def _finish_work(
    name: str, key_result: KeyResult, evidence: Evidence, now: datetime, *, hard: bool
) -> _Finish | Unknown:
    state = _work(evidence, name)
    if isinstance(state, Unknown):
        return state
    if state.total is None or state.state == "empty":
        return Unknown(_why_no_progress(state), state.inputs)
    in_time = state
    if now >= key_result.due:
        in_time = deliver(evidence.initiatives[name], evidence.scopes, until=key_result.due).state
    judged = in_time if hard else state
    return _Finish(
        counts=judged.state == "done",
        share=judged.progress,
        late=state.state == "done" and in_time.state != "done",
        text=f"{name}: {judged.done} of {judged.total} items done",
        inputs=state.inputs,
    )


def _finish_metric(
    name: str, key_result: KeyResult, evidence: Evidence, now: datetime, *, hard: bool
) -> _Finish | Unknown:
    observed = observe(evidence, name, now)
    if isinstance(observed, Unknown):
        return observed
    since = _done_since(observed.moments)
    late = since is not None and since >= key_result.due
    counts = since is not None and not (late and hard)
    return _Finish(
        counts=counts,
        share=1.0 if counts else 0.0,
        late=late,
        text=f"{name}: {show(observed.value)} {'>=' if since else '<'} 1",
        inputs=(observed.input,),
        missed=observed.missed,
        note="; ".join(observed.notes(key_result.start)),
    )


def _done_since(moments: Sequence[Moment]) -> datetime | None:
    """Return when the metric last became at least 1 and stayed there; None when it is below 1 now."""
    since: datetime | None = None
    for moment in reversed(moments):
        if not at_least(moment.value, 1.0):
            break
        since = moment.time
    return since


def _share(finish: _Finish | Unknown, *, partial: bool) -> float | None:
    if isinstance(finish, Unknown):
        return None
    return 1.0 if finish.counts else finish.share if partial else 0.0


def _lacking(steps: Sequence[Step], finishes: Sequence[_Finish | Unknown], shares: Sequence[float | None]) -> list[str]:
    return [
        f"step {step.title}: {finish.reason if isinstance(finish, Unknown) else 'its work has no weight'}"
        for step, finish, share in zip(steps, finishes, shares, strict=True)
        if share is None
    ]


def _sum_steps(measure: Steps, shares: Sequence[float | None]) -> float:
    known = [(step.weight, share) for step, share in zip(measure.steps, shares, strict=True) if share is not None]
    if measure.need is None:
        return math.fsum(weight * share for weight, share in known)
    best = sorted((share for _, share in known), reverse=True)
    return math.fsum(best[: measure.need])


def _work(evidence: Evidence, name: str) -> InitiativeState | Unknown:
    return evidence.work.get(name) or Unknown(f"initiative {name} is not defined: add it under initiatives")


def _why_no_progress(state: InitiativeState | Unknown) -> str:
    if isinstance(state, Unknown):
        return state.reason
    return f"initiative {state.id} is {state.state.replace('_', ' ')}: {state.reason}"


def _say_weights(initiative: Initiative, state: InitiativeState) -> str:
    if initiative.containers == "mean":
        return f"{initiative.id} (mean of containers)"
    return f"{initiative.id} {show(state.weight_done or 0.0)} / {show(state.weight_total or 0.0)}"


def _gather(groups: Sequence[tuple[Input, ...]]) -> tuple[Input, ...]:
    return tuple(dict.fromkeys(each for group in groups for each in group))
