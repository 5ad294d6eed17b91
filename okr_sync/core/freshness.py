"""How old numbers are at the instant of reading, whoever saved them when.

A number rests on inputs. It is as old as the oldest of them: a dated reading is as old as its time, anything else as
its source's last success. Values, progress and scores are never touched here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from okr_sync.core.facts import SourceState
from okr_sync.core.numbers import show, show_instant, show_span
from okr_sync.core.overriding import lapse
from okr_sync.core.snapshot import InitiativeState, Input, KeyResultState, ObjectiveState, Snapshot, Status

__all__ = ["AHEAD", "believed", "oldest", "refresh", "why_expired", "why_stale"]

AHEAD = timedelta(minutes=5)  # by which clocks may differ that somebody sees to
SETTLED = frozenset({"closed", "suspect", "stale", "outdated"})


def refresh(snapshot: Snapshot, sources: Mapping[str, SourceState], now: datetime) -> Snapshot:
    """Return the snapshot as it is to be read at `now`; `sources` by name.

    Recomputes `as_of`, `stale` and the statuses stale and outdated, with the reason in the sentence. What was saved as
    suspect or stale stays so: only a new evaluation makes anything fresh. A person's status that has expired gives way
    to the computed one. A key result past its due date is as fresh as it was then, because later readings don't count;
    a closed one never ages. An objective is stale when a key result or objective that counts in it is, and suspect
    when all of those are.
    """
    initiatives = tuple(_age_initiative(state, sources, now) for state in snapshot.initiatives)
    aged = {each: state for state in initiatives if state.stale for each in state.inputs}
    fresh = {} if aged else _fresh(sources, now)
    key_results = tuple(
        [
            state if _is_untouched(state, fresh) else _age_key_result(state, sources, aged, now)
            for state in snapshot.key_results
        ]
    )
    return replace(
        snapshot,
        objectives=_age_objectives(snapshot.objectives, key_results),
        key_results=key_results,
        initiatives=initiatives,
    )


def oldest(inputs: Iterable[Input], sources: Mapping[str, SourceState]) -> datetime | None:
    """Return the oldest instant among the inputs; those that never had one are left out, None when none had."""
    found: datetime | None = None
    for each in inputs:
        instant = each.time or _last_success(each, sources)
        if instant is not None and (found is None or instant < found):
            found = instant
    return found


def believed(source: SourceState, now: datetime) -> SourceState:
    """Return the source as it is to be read at `now`: an answer of an instant that is still to come, by more than
    AHEAD, came while a clock was wrong. How old it is nobody knows, so it makes nothing fresh.
    """
    if source.last_success is None or source.last_success - now <= AHEAD:
        return source
    return replace(
        source,
        last_success=None,
        error=f"its last answer is of {show_instant(source.last_success)}, which is still to come: a clock was wrong",
        fix="wait for its next answer; should that be dated wrong, too, set the clocks of the machines",
        still_to_come=source.last_success,
    )


def why_stale(each: Input, sources: Mapping[str, SourceState], now: datetime) -> str:
    """Return why an input is stale at `now`; empty when it is fresh.

    Fresh is: the source did not fail when it was last asked, its last success is at most `fresh_for` ago, and a dated
    reading at most `max_age_days` old, both inclusive. What a source answered at or after `now` stands, whatever it
    did later.
    """
    source = sources.get(each.source)
    if source is None:
        return f"source {each.source} is not asked any more"
    failure = " ".join(f"({part})" for part in (source.error, source.fix) if part)
    if source.last_success is None:
        ever = "has never answered" if source.still_to_come is None else "can't be dated"
        return f"source {each.source} {ever} {failure}".rstrip()
    if now - source.last_success > source.fresh_for:
        since, window = show_instant(source.last_success), show_span(source.fresh_for)
        return f"source {each.source} last answered {since}, more than {window} ago {failure}".rstrip()
    if source.error is not None and now > source.last_success:
        since = show_instant(source.last_success)
        return f"source {each.source} failed when last asked {failure}; it last answered {since}"
    if each.time is not None and each.max_age_days is not None and now - each.time > timedelta(days=each.max_age_days):
        return f"{each.subject} was last read for {show_instant(each.time)}, over {show(each.max_age_days, 'days')} ago"
    return ""


def why_expired(each: Input, now: datetime) -> str:
    """Return why a typed value is outdated at `now`; empty while it is not. `expires` is its first instant without."""
    if each.expires is None or now < each.expires:
        return ""
    return f"the value typed for {each.subject} expired {show_instant(each.expires)}: check in a new one"


def _last_success(each: Input, sources: Mapping[str, SourceState]) -> datetime | None:
    source = sources.get(each.source)
    return None if source is None else source.last_success


def _age_initiative(state: InitiativeState, sources: Mapping[str, SourceState], now: datetime) -> InitiativeState:
    if state.total is None:
        return state
    whys = [why for each in state.inputs if (why := why_stale(each, sources, now))]
    as_of = oldest(state.inputs, sources)
    if state.stale or not whys:
        return state if state.as_of == as_of else replace(state, as_of=as_of)
    return replace(state, as_of=as_of, stale=True, reason="; ".join(filter(None, [*whys, state.reason])))


def _age_key_result(
    state: KeyResultState, sources: Mapping[str, SourceState], aged: Mapping[Input, InitiativeState], now: datetime
) -> KeyResultState:
    if state.value is None:
        return state
    state = lapse(state, now)
    as_of = oldest(state.inputs, sources)
    if state.status == "closed":
        return replace(state, as_of=as_of)
    if state.status in ("suspect", "stale", "outdated"):
        return replace(state, as_of=as_of, stale=True)
    then = min(state.due, now)
    expired = [why for each in state.inputs if (why := why_expired(each, then))]
    stale = [why for each in state.inputs if (why := _why_aged(each, sources, aged, then))]
    if not (expired or stale or state.stale):
        return state if state.as_of == as_of else replace(state, as_of=as_of)
    status: Status = "outdated" if expired else _word(state, aged)
    whys = "; ".join(dict.fromkeys(expired or stale or ["its newest question failed"]))
    reason = f"{whys}; else {state.status.replace('_', ' ')}: {state.reason}"
    return replace(state, as_of=as_of, stale=True, status=status, reason=reason)


def _fresh(sources: Mapping[str, SourceState], now: datetime) -> dict[str, datetime]:
    """Return source → its last success, of those that are fresh at `now`."""
    return {
        name: source.last_success
        for name, source in sources.items()
        if source.last_success is not None and not why_stale(Input(name, ""), sources, now)
    }


def _is_untouched(state: KeyResultState, fresh: Mapping[str, datetime]) -> bool:
    """Return whether `_age_key_result` would return the state as it is, where a short look can tell: most are so.

    It rests on nothing but `fresh` sources and values that don't age, and says already as of when it is. What is fresh
    now was so at its due date, too.
    """
    if state.stale or state.override is not None or state.status in SETTLED:
        return False
    found: datetime | None = None
    for each in state.inputs:
        instant = fresh.get(each.source)
        if instant is None or each.expires is not None or each.max_age_days is not None:
            return False
        instant = each.time or instant
        if found is None or instant < found:
            found = instant
    return found == state.as_of


def _word(state: KeyResultState, aged: Mapping[Input, InitiativeState]) -> Status:
    return "suspect" if any(aged[each].suspect for each in state.inputs if each in aged) else "stale"


def _why_aged(
    each: Input, sources: Mapping[str, SourceState], aged: Mapping[Input, InitiativeState], then: datetime
) -> str:
    if aged and each in aged:  # an empty one needs no hash of the input
        return f"initiative {each.subject} is {'suspect' if aged[each].suspect else 'stale'}: {aged[each].reason}"
    return why_stale(each, sources, then)


def _age_objectives(
    objectives: tuple[ObjectiveState, ...], key_results: tuple[KeyResultState, ...]
) -> tuple[ObjectiveState, ...]:
    """Put stale over objectives that rest on stale or outdated key results, or on objectives that do."""
    by_id = {each.id: each for each in objectives}
    aged: dict[str, list[str]] = {}
    for state in key_results:
        objective = by_id.get(state.objective)
        if state.stale and state.weight > 0 and objective is not None and objective.roll_up != "children":
            aged.setdefault(state.objective, []).append(state.id)
    waiting = list(aged)
    for name in waiting:
        parent = by_id.get(by_id[name].contributes_to or "")
        if parent is not None and parent.roll_up not in {"key_results", "sum"}:
            if parent.id not in aged:
                waiting.append(parent.id)
            aged.setdefault(parent.id, []).append(name)
    firm = {state.id for state in key_results if state.stale and state.status != "suspect"}
    while more := {name for name, parts in aged.items() if firm.intersection(parts)} - firm:
        firm |= more
    words: dict[bool, Status] = {True: "stale", False: "suspect"}
    return tuple(
        _age_objective(each, aged[each.id], words[each.id in firm]) if each.id in aged else each for each in objectives
    )


def _age_objective(state: ObjectiveState, parts: list[str], word: Status) -> ObjectiveState:
    if state.score is None or state.status in ("suspect", "stale", "closed"):
        return state
    reason = f"rests on {word} numbers: {', '.join(parts)}; else {state.status.replace('_', ' ')}: {state.reason}"
    return replace(state, status=word, reason=reason)
