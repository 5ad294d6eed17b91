"""An explanation as plain text: the number, how it comes about, and the items behind it with their links."""

from __future__ import annotations

from collections.abc import Iterable

from okr_sync.core.explain import CLASSES, ContainerLines, Difference, Explanation, ItemChange, ItemLine, Work
from okr_sync.core.snapshot import InitiativeState, InitiativeStatus, KeyResultState, Status
from okr_sync.render import reasons, words
from okr_sync.render.revisions import revision_line
from okr_sync.render.words import clean, status_word


def render_explanation(explanation: Explanation) -> str:
    """Return the explanation as lines of text; the same explanation gives the same bytes."""
    subject = explanation.subject
    head = _initiative(subject) if isinstance(subject, InitiativeState) else _key_result(subject)
    lines = [
        *head,
        *_versions(explanation),
        *_section("questions", (f"{a.subject} from {a.source}: {a.query}" for a in explanation.asked)),
        *_section("inputs", _inputs(explanation)),
    ]
    for work in explanation.work:
        lines += _work(work, own=work.state is subject)
    return "\n".join(line.rstrip() for line in [*lines, *_why(explanation), *_changes(explanation)]) + "\n"


def _aim(state: KeyResultState) -> str:
    if state.bounds is not None:
        return f"between {words.between(state.bounds, state.unit)}"
    return words.amount(state.target, state.unit) if state.target is not None else "none"


def _key_result(state: KeyResultState) -> list[str]:
    forecast = reasons.metric_forecast(state, with_reason=True)
    origins = [f"  captured    {clean(each.subject)} {words.baseline_origin(each, '')}" for each in state.captured]
    expiry = [f"the value expires {words.moment(each.expires)}" for each in state.inputs if each.expires]
    return [
        f"{clean(state.title)} [{clean(state.id)}]",
        _verdict(state.status, state),
        f"  {clean(state.reason)}",
        "",
        f"  value       {words.amount(state.value, state.unit)}",
        f"  baseline    {words.amount(state.baseline, state.unit) if state.baseline is not None else 'none'}",
        *origins,
        f"  target      {_aim(state)}",
        f"  formula     {clean(state.formula) or 'none: there is no number'}",
        *([f"  forecast    {forecast}"] if forecast else []),
        f"  kind        {clean(state.kind)}, from {words.first_day(state.start)} through {words.last_day(state.due)}",
        f"  weight      {words.amount(state.weight)} in {clean(state.objective)}",
        *([f"  owner       {clean(state.owner)}"] if state.owner else []),
        f"  definition  {clean(state.definition)}",
        *(f"  {line}" for line in expiry),
    ]


def _versions(explanation: Explanation) -> list[str]:
    changed, since = explanation.revision, explanation.series_since
    return [
        *([f"  changed     {revision_line(changed)}"] if changed else []),
        *([f"  series      query changed on {words.day(since)}: not comparable before"] if since else []),
    ]


def _initiative(state: InitiativeState) -> list[str]:
    forecast = reasons.work_forecast(state, with_reason=True)
    weight = f"{words.amount(state.weight_done)} of {words.amount(state.weight_total)}"
    return [
        f"{clean(state.title)} [{clean(state.id)}]",
        _verdict(state.state, state),
        *([f"  {clean(state.reason)}"] if state.reason else []),
        "",
        f"  items       {words.work_count(state)}",
        f"  weight      {weight}{f'; {clean(state.policy)}' if state.policy else ''}",
        *([f"  forecast    {forecast}"] if forecast else []),
        *([f"  owner       {clean(state.owner)}"] if state.owner else []),
        *([f"  works for   {', '.join(map(clean, state.key_results))}"] if state.key_results else []),
        *([f"  shared      {', '.join(map(clean, state.shared))}"] if state.shared else []),
    ]


def _verdict(status: Status | InitiativeStatus, state: KeyResultState | InitiativeState) -> str:
    mark = words.doubt_mark(state, status)
    said = [words.percent(state.progress), words.as_of(state.as_of), *([mark] if mark else [])]
    return f"  {words.SYMBOLS[status]} {status_word(status)}; {'; '.join(said)}"


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"  {clean(line)}" for line in lines]
    return ["", title, *found] if found else []


def _inputs(explanation: Explanation) -> Iterable[str]:
    for each in explanation.inputs:
        limit = f", at most {words.amount(each.max_age_days)} days old" if each.max_age_days is not None else ""
        age = words.moment(each.time) if each.time else "as fresh as the last success of its source"
        evidence = f"; {each.evidence}" if each.evidence else ""
        basis = f"; {each.basis}" if each.basis else ""
        yield f"{each.subject} from {each.source}: {age}{limit}{evidence}{basis}"


def _work(work: Work, *, own: bool) -> list[str]:
    lines = [] if own else ["", *_initiative(work.state)]
    for scope, message in work.misses:
        lines.append(f"  ! {clean(scope)}: {clean(message)}")
    for container in work.containers:
        lines += _container(container)
    return lines


def _container(lines: ContainerLines) -> list[str]:
    held = lines.container
    counts = ", ".join(f"{lines.count(word)} {status_word(word)}" for word in CLASSES if lines.count(word))
    due = f"; due {held.due.isoformat()}" if held.due else ""
    width = max((len(clean(line.item.key)) for line in lines.items), default=0)
    nothing = "no items; itself done" if held.state == "done" else "no items"
    return [
        "",
        f"  {held.kind} {clean(held.key)} {clean(held.title)} ({status_word(held.state)}{due})",
        f"    {clean(held.url)}",
        f"    {counts or nothing}; {clean(lines.source)}, scope {clean(lines.scope)}",
        *(_item(line, width) for line in lines.items),
    ]


def _item(line: ItemLine, width: int) -> str:
    item = line.item
    facts = [clean(item.resolution or "")] if line.counts_as == "dropped" else []
    if item.points is not None:
        facts.append(f"{words.amount(item.points)} points")
    if item.done_at:
        facts.append(f"{'closed' if line.counts_as == 'dropped' else 'done'} {words.day(item.done_at)}")
    said = f" ({', '.join(facts)})" if facts else ""
    head = f"    {status_word(line.counts_as):<11}  {clean(item.key):<{width}}"
    return f"{head}  {clean(item.title)}{said}  {clean(item.url)}"


def _changes(explanation: Explanation) -> list[str]:
    if explanation.since is None:
        return []
    differences = [_difference(each, explanation) for each in explanation.differences]
    items = [_item_change(each) for each in explanation.item_changes]
    return _section(f"changed since {words.moment(explanation.since)}", [*differences, *items] or ["nothing"])


def _why(explanation: Explanation) -> list[str]:
    subject = explanation.subject
    unit = subject.unit if isinstance(subject, KeyResultState) else ""
    said = reasons.causes(explanation.causes, unit, own=subject.id)
    return _section("why it moved", [said] if said else [])


def _item_change(each: ItemChange) -> str:
    before, after = (status_word(value or "none") for value in (each.before, each.after))
    return f"{words.moment(each.at)}  {each.key} {each.title}: {each.field} {before} → {after}"


def _difference(each: Difference, explanation: Explanation) -> str:
    unit = explanation.subject.unit if isinstance(explanation.subject, KeyResultState) else ""
    return f"{status_word(each.field)}: {_said(each.field, each.before, unit)} → {_said(each.field, each.after, unit)}"


def _said(field: str, value: str | float | None, unit: str) -> str:
    if isinstance(value, str):
        return status_word(value)
    return words.percent(value) if field == "progress" else words.amount(value, unit)
