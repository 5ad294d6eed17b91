"""A report as Markdown that GitHub, GitLab and chat tools show alike; foreign text can't become markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from okr_sync.core.report import InitiativeRow, KeyResultRow, ObjectiveRow, Report
from okr_sync.core.snapshot import InitiativeStatus, Status
from okr_sync.render import reasons, words
from okr_sync.render.words import clean, status_word

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#!|~$])")
_BULLET = re.compile(r"^(\s*)([-+=])(?=[-+=\s]|$)")
_NUMBER = re.compile(r"^(\s*\d+)(\.)(?=\s|$)")


def render(report: Report) -> str:
    """Return the report as Markdown; the same report gives the same bytes."""
    parts = [
        "# OKR report",
        escape(words.basis(report)),
        f"**{escape(words.headline(report))}**",
        *(escape(words.cycle_line(cycle)) for cycle in report.cycles),
        *_list("Moved most", _moved(report)),
        *_list("In doubt", _doubts(report)),
    ]
    for row in report.objectives:
        parts += _objective(row)
    parts += _initiatives(report.initiatives)
    sources = (f"{escape(row.state.name)}: {escape(words.source_note(row))}" for row in report.sources)
    return "\n\n".join([*parts, *_list("Sources", sources)]) + "\n"


def escape(text: str) -> str:
    """Return foreign text so that Markdown shows it as it is, on one line, also inside a table."""
    shown = _SPECIAL.sub(r"\\\1", html.escape(clean(text), quote=False))
    return _BULLET.sub(r"\1\\\2", _NUMBER.sub(r"\1\\\2", shown))


def _list(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"- {line}" for line in lines]
    return [f"## {title}", "\n".join(found)] if found else []


def _moved(report: Report) -> Iterator[str]:
    for row in report.summary.moved:
        yield f"{words.progress_delta(row.progress_delta)} {escape(row.state.title)} ({escape(row.state.id)})"


def _doubts(report: Report) -> Iterator[str]:
    for doubt in report.doubts:
        said = f"{status_word(doubt.word)}, {words.as_of(doubt.as_of)}: {doubt.reason}"
        yield f"{escape(doubt.title)} ({escape(doubt.id)}): {escape(said)}"


def _objective(row: ObjectiveRow) -> list[str]:
    state = row.state
    place = ", ".join(part for part in (state.level, state.team or "", state.owner or "") if part)
    delta = words.progress_delta(row.progress_delta)
    line = f"{_status(state.status)}, **{words.percent(state.progress)}**{f' ({delta})' if delta else ''}"
    rows = [_key_result(key_result) for key_result in row.key_results]
    return [
        f"## {escape(state.title)} ({escape(state.id)})",
        f"{line}; {escape(place)}; {words.coverage(row)}",
        *([escape(state.reason)] if state.reason else []),
        *([_table(("Key result", "Status", "Progress", "Change", "Value", "As of", "Why"), rows)] if rows else []),
    ]


def _key_result(row: KeyResultRow) -> tuple[str, ...]:
    state = row.state
    mark = words.doubt_mark(state, state.status)
    owner = f", {escape(state.owner)}" if state.owner else ""
    return (
        f"{escape(state.title)} ({escape(state.id)}{owner})",
        _status(state.status) + (f", {mark}" if mark else ""),
        words.percent(state.progress),
        escape(words.since_note(row)),
        escape(words.key_result_numbers(state)),
        words.moment(state.as_of),
        "; ".join(filter(None, [escape(state.reason), escape(_reasons(row))])),
    )


def _reasons(row: KeyResultRow) -> str:
    causes = reasons.causes(row.causes, row.state.unit, own=row.state.id)
    forecast = reasons.metric_forecast(row.state)
    return "; ".join([*([f"why: {causes}"] if causes else []), *([f"forecast: {forecast}"] if forecast else [])])


def _initiatives(found: tuple[InitiativeRow, ...]) -> list[str]:
    if not found:
        return []
    columns = ("Initiative", "State", "Progress", "Items", "Change", "As of", "Notes")
    return ["## Initiatives", _table(columns, [_initiative(row) for row in found])]


def _initiative(row: InitiativeRow) -> tuple[str, ...]:
    state = row.state
    mark = words.doubt_mark(state, state.state)
    forecast = reasons.work_forecast(state)
    notes = (state.policy, state.reason, f"forecast: {forecast}" if forecast else "")
    return (
        f"{escape(state.title)} ({escape(state.id)})",
        _status(state.state) + (f", {mark}" if mark else ""),
        words.percent(state.progress),
        words.work_count(state),
        words.work_delta(row),
        words.moment(state.as_of),
        "; ".join(escape(note) for note in notes if note),
    )


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _status(status: Status | InitiativeStatus) -> str:
    return f"{words.SYMBOLS[status]} {status_word(status)}"
