"""From definitions and facts to a snapshot: the one function that composes the core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from okr_sync.core.capturing import doubts, wanted_baselines
from okr_sync.core.curves import curve_line
from okr_sync.core.definition import initiatives_of, question_of
from okr_sync.core.delivery import Work, deliver_works
from okr_sync.core.facts import History, Override
from okr_sync.core.flows import local_day
from okr_sync.core.forecast import foresee_metric, foresee_work
from okr_sync.core.freshness import refresh
from okr_sync.core.judgement import Judgement
from okr_sync.core.kinds import Range
from okr_sync.core.measures import kind_of, measure_key_result
from okr_sync.core.model import Book, KeyResult, Objective
from okr_sync.core.numbers import clamp
from okr_sync.core.observing import Evidence
from okr_sync.core.overriding import override
from okr_sync.core.privacy import holds_back
from okr_sync.core.rollup import roll_up_objectives
from okr_sync.core.silence import explain_silence
from okr_sync.core.snapshot import InitiativeState, KeyResultState, Snapshot
from okr_sync.core.status import Verdict, judge_status

__all__ = ["evaluate"]

INSTANT = timedelta(microseconds=1)


def evaluate(book: Book, history: History, now: datetime, *, foresee: bool = True) -> Snapshot:
    """Return the state of everything in the book at `now`, in the order of the book; equal input, equal snapshot.

    Readings after `now` are ignored, and so are readings at or after a key result's due date, except that `done` and
    `steps` look at later ones to tell late from never. Work of initiatives counts as it is in `history`. A key result
    before its start is pending; after its due date it is met or missed. Without `foresee` no forecast is made, but
    those that a status depends on: points over time keep none.
    """
    history = explain_silence(book, history)
    work = deliver_works(book.initiatives, history.scopes, history.tallies)
    evidence = Evidence(
        metrics={metric.id: metric for metric in book.metrics},
        readings=history.metrics,
        initiatives={initiative.id: initiative for initiative in book.initiatives},
        scopes=history.scopes,
        work={name: each.state for name, each in work.items()},
        timezone=book.timezone,
        baselines=history.baselines,
    )
    key_results = tuple(
        _judge(objective, key_result, evidence, history.overrides.get(key_result.id), now, foresee=foresee)
        for objective in book.objectives
        for key_result in objective.key_results
    )
    snapshot = Snapshot(
        at=now,
        objectives=roll_up_objectives(book, {state.id: state for state in key_results}, now),
        key_results=key_results,
        initiatives=_foresee(book, work, now) if foresee else tuple(each.state for each in work.values()),
    )
    return refresh(snapshot, history.sources, now)


def _judge(
    objective: Objective,
    key_result: KeyResult,
    evidence: Evidence,
    said: Override | None,
    now: datetime,
    *,
    foresee: bool,
) -> KeyResultState:
    evidence = replace(evidence, since=key_result.start)
    judgement = measure_key_result(key_result, evidence, now)
    withheld = holds_back(key_result, evidence, now)
    captured = [(each, evidence.baselines.get(each.key)) for each in wanted_baselines(key_result)]
    doubted = [note for each, found in captured if found for note in doubts(found, each, evidence.metrics)]
    if doubted:
        judgement = replace(judgement, notes=(*judgement.notes, *doubted))
    wanted = foresee or key_result.preset == "score"
    forecast = foresee_metric(key_result, judgement, evidence, now) if wanted else None
    computed = judge_status(judgement, key_result, now, forecast.progress if forecast else None)
    told, overridden = override(computed, said, key_result.due, now)
    verdict = _put_stale(told, judgement, suspect=_is_suspect(judgement, evidence))
    p, measure = judgement.progress, key_result.measure
    return KeyResultState(
        id=key_result.id,
        objective=objective.id,
        title=key_result.title,
        kind=kind_of(measure),
        owner=key_result.owner,
        weight=key_result.weight,
        unit=judgement.unit,
        start=key_result.start,
        due=key_result.due,
        definition=key_result.definition,
        value=judgement.value,
        baseline=judgement.baseline,
        target=judgement.target,
        progress=p,
        score=None if p is None else clamp(p),
        expected=verdict.expected,
        status=verdict.status,
        reason=verdict.reason,
        formula=judgement.formula,
        inputs=judgement.inputs,
        stale=verdict.status in ("suspect", "stale"),
        forecast=forecast,
        curve=key_result.curve.kind,
        override=overridden,
        captured=() if withheld else tuple(found for _, found in captured if found),
        question=question_of(key_result.measure, evidence.metrics, evidence.initiatives),
        expected_line=_line(key_result),
        bounds=(measure.low, measure.high) if isinstance(measure, Range) and judgement.progress is not None else None,
        withheld=withheld,
    )


def _line(key_result: KeyResult) -> tuple[tuple[float, float], ...]:
    bent = key_result.curve.kind in {"phased", "workdays"}
    return curve_line(key_result.curve, key_result.start, key_result.due) if bent else ()


def _foresee(book: Book, work: Mapping[str, Work], now: datetime) -> tuple[InitiativeState, ...]:
    """Return the state of each initiative with its forecast, held against the first key result that needs it."""
    dues: dict[str, list[date]] = {}
    for key_result in book.key_results():
        for name in initiatives_of(key_result.measure):
            dues.setdefault(name, []).append(_last_day(key_result, book.timezone))
    named = {key_result.id: key_result for key_result in book.key_results()}
    for initiative in book.initiatives:
        found = [_last_day(named[name], book.timezone) for name in initiative.key_results if name in named]
        dues.setdefault(initiative.id, []).extend(found)
    return tuple(
        replace(each.state, forecast=foresee_work(initiative, each, now, min(dues[initiative.id], default=None)))
        for initiative in book.initiatives
        for each in (work[initiative.id],)
    )


def _last_day(key_result: KeyResult, timezone: str) -> date:
    """Return the local day that ends at the due instant."""
    return local_day(key_result.due - INSTANT, timezone)


def _is_suspect(judgement: Judgement, evidence: Evidence) -> bool:
    """Return whether an answer that it rests on is not believed yet."""
    facts = (evidence.readings.get(each.subject) for each in judgement.inputs)
    return any(each is not None and each.miss is not None and each.miss.why == "suspect" for each in facts)


def _put_stale(verdict: Verdict, judgement: Judgement, *, suspect: bool) -> Verdict:
    """Put suspect or stale over the computed status when the newest question failed: the number is the last good."""
    if not judgement.missed or verdict.status == "unknown":
        return verdict
    reason = f"{judgement.missed}; else {verdict.status.replace('_', ' ')}: {verdict.reason}"
    return replace(verdict, status="suspect" if suspect else "stale", reason=reason)
