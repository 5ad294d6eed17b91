"""A report as plain text: aligned, without colour, for logs, mail and chat."""

from __future__ import annotations

from collections.abc import Iterator

from okr_sync.core.report import InitiativeRow, KeyResultRow, ObjectiveRow, Report
from okr_sync.core.snapshot import InitiativeStatus, Status
from okr_sync.render import reasons, words
from okr_sync.render.words import clean, status_word


def render(report: Report) -> str:
    """Return the report as lines of text; the same report gives the same bytes."""
    lines = [
        "OKR report",
        words.basis(report),
        words.headline(report),
        *(words.cycle_line(cycle) for cycle in report.cycles),
        *_section("Moved most", _moved(report)),
        *_section("In doubt", _doubts(report)),
    ]
    for row in report.objectives:
        lines += _objective(row)
    lines += _section("Initiatives", (line for row in report.initiatives for line in _initiative(row)))
    lines += _section("Sources", (f"{clean(row.state.name)}: {words.source_note(row)}" for row in report.sources))
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _section(title: str, lines: Iterator[str]) -> list[str]:
    found = [f"  {line}" for line in lines]
    return ["", title, *found] if found else []


def _moved(report: Report) -> Iterator[str]:
    for row in report.summary.moved:
        delta = words.progress_delta(row.progress_delta)
        yield f"{delta:>10}  {clean(row.state.title)} [{clean(row.state.id)}]"


def _doubts(report: Report) -> Iterator[str]:
    for doubt in report.doubts:
        yield f"{clean(doubt.id)}: {status_word(doubt.word)}, {words.as_of(doubt.as_of)}: {clean(doubt.reason)}"


def _objective(row: ObjectiveRow) -> list[str]:
    state = row.state
    place = ", ".join(clean(part) for part in (state.level, state.team or "", state.owner or "") if part)
    delta = words.progress_delta(row.progress_delta)
    return [
        "",
        f"{clean(state.title)} [{clean(state.id)}]",
        f"  {_status(state.status)}  {words.percent(state.progress):>8}  {delta:>10}  {place}; {words.coverage(row)}",
        *([f"  {clean(state.reason)}"] if state.reason else []),
        *(line for key_result in row.key_results for line in _key_result(key_result)),
    ]


def _key_result(row: KeyResultRow) -> list[str]:
    state = row.state
    mark = words.doubt_mark(state, state.status)
    delta = words.progress_delta(row.progress_delta)
    owner = f" ({clean(state.owner)})" if state.owner else ""
    title = f"{clean(state.title)} [{clean(state.id)}]{owner}"
    reading = f"{words.key_result_numbers(state)}; {words.as_of(state.as_of)}"
    moved = words.since_note(row)
    why, forecast = reasons.causes(row.causes, state.unit, own=state.id), reasons.metric_forecast(state)
    return [
        "",
        f"  {_status(state.status)}  {words.percent(state.progress):>8}  {delta:>10}  {title}",
        f"      {reading}{f'; {mark}' if mark else ''}",
        *([f"      change: {moved}"] if moved else []),
        *([f"      why: {why}"] if why else []),
        *([f"      forecast: {forecast}"] if forecast else []),
        *([f"      {clean(state.reason)}"] if state.reason else []),
    ]


def _initiative(row: InitiativeRow) -> list[str]:
    state = row.state
    mark = words.doubt_mark(state, state.state)
    delta, forecast = words.work_delta(row), reasons.work_forecast(state)
    notes = [words.work_count(state), state.policy, delta, words.as_of(state.as_of), mark, state.reason]
    return [
        f"{_status(state.state)}  {words.percent(state.progress):>8}  {clean(state.title)} [{clean(state.id)}]",
        f"    {'; '.join(clean(note) for note in notes if note)}",
        *([f"    forecast: {forecast}"] if forecast else []),
    ]


def _status(status: Status | InitiativeStatus) -> str:
    return f"{words.SYMBOLS[status]} {status_word(status):<11}"
