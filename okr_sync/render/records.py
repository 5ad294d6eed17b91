"""Runs and histories as aligned plain text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from okr_sync.core.series import Asked, breaks
from okr_sync.render import words
from okr_sync.render.costs import Cost, cost_words
from okr_sync.render.words import clean, status_word

BROKEN = "---- query changed: not comparable with the lines above ----"


class SourceRecord(Cost, Protocol):
    """What one source cost and brought in a run."""

    @property
    def source(self) -> str: ...  # noqa: D102 -- as in the ledger
    @property
    def outcome(self) -> str: ...  # noqa: D102
    @property
    def error(self) -> str | None: ...  # noqa: D102
    @property
    def fix(self) -> str | None: ...  # noqa: D102
    @property
    def seconds(self) -> float: ...  # noqa: D102
    @property
    def changed(self) -> int: ...  # noqa: D102
    @property
    def kept(self) -> int | None: ...  # noqa: D102


class EntryRecord(Protocol):
    """What became of one key result in a run."""

    @property
    def key_result(self) -> str: ...  # noqa: D102 -- as in the ledger
    @property
    def outcome(self) -> str: ...  # noqa: D102
    @property
    def reason(self) -> str: ...  # noqa: D102
    @property
    def fix(self) -> str: ...  # noqa: D102


class RunRecord(Protocol):
    """One run of the ledger."""

    @property
    def id(self) -> int: ...  # noqa: D102 -- as in the ledger
    @property
    def trigger(self) -> str: ...  # noqa: D102
    @property
    def outcome(self) -> str: ...  # noqa: D102
    @property
    def started(self) -> datetime: ...  # noqa: D102
    @property
    def finished(self) -> datetime | None: ...  # noqa: D102
    @property
    def summary(self) -> str: ...  # noqa: D102
    @property
    def counts(self) -> Mapping[str, int]: ...  # noqa: D102
    @property
    def sources(self) -> Sequence[SourceRecord]: ...  # noqa: D102
    @property
    def entries(self) -> Sequence[EntryRecord]: ...  # noqa: D102


class PointRecord(Protocol):
    """A progress point of a key result or an objective."""

    @property
    def slot(self) -> datetime: ...  # noqa: D102 -- as in the store
    @property
    def value(self) -> float | None: ...  # noqa: D102
    @property
    def target(self) -> float | None: ...  # noqa: D102
    @property
    def progress(self) -> float | None: ...  # noqa: D102
    @property
    def status(self) -> str: ...  # noqa: D102
    @property
    def question(self) -> str | None: ...  # noqa: D102
    @property
    def backfilled(self) -> bool: ...  # noqa: D102


class WorkRecord(Protocol):
    """A progress point of an initiative."""

    @property
    def slot(self) -> datetime: ...  # noqa: D102 -- as in the store
    @property
    def done(self) -> int | None: ...  # noqa: D102
    @property
    def in_progress(self) -> int | None: ...  # noqa: D102
    @property
    def open(self) -> int | None: ...  # noqa: D102
    @property
    def dropped(self) -> int | None: ...  # noqa: D102
    @property
    def progress(self) -> float | None: ...  # noqa: D102
    @property
    def question(self) -> str | None: ...  # noqa: D102
    @property
    def backfilled(self) -> bool: ...  # noqa: D102


class SupersededRecord(Protocol):
    """What a point said before it was computed again."""

    @property
    def slot(self) -> datetime: ...  # noqa: D102 -- as in the store
    @property
    def said(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def recorded_at(self) -> datetime: ...  # noqa: D102
    @property
    def superseded_at(self) -> datetime: ...  # noqa: D102
    @property
    def run(self) -> int: ...  # noqa: D102


class Told(Asked, Protocol):
    """A point that may have been computed later."""

    @property
    def backfilled(self) -> bool: ...  # noqa: D102


def render_runs(runs: Iterable[RunRecord]) -> str:
    """Return a line a run, in the given order."""
    head = ("run", "started", "outcome", "by", "requests", "what")
    rows = [
        (
            str(run.id),
            words.moment(run.started),
            run.outcome,
            clean(run.trigger),
            str(sum(source.requests for source in run.sources)),
            clean(run.summary),
        )
        for run in runs
    ]
    return _table(head, rows) if rows else "no run yet; `okr-sync sync` makes one\n"


def render_run(run: RunRecord) -> str:
    """Return one run: what each source cost and brought, and a line a key result with its reason and fix."""
    finished = f", finished {words.moment(run.finished)}" if run.finished else ""
    lines = [f"run {run.id}: {run.outcome}; {clean(run.trigger)}, started {words.moment(run.started)}{finished}", ""]
    lines += [line for source in run.sources for line in _source(source)]
    lines.append("")
    lines += [line for entry in run.entries for line in _entry(entry)]
    return "\n".join(lines) + "\n"


def render_points(points: Iterable[PointRecord]) -> str:
    """Return a line a progress point, in the given order, and a line where another series begins.

    A star marks those that were computed later, and a last line says so.
    """
    listed = list(points)
    rows = [
        (
            _since(point),
            words.amount(point.value),
            words.amount(point.target) if point.target is not None else "",
            words.percent(point.progress),
            status_word(point.status),
        )
        for point in listed
    ]
    return _listed(("since", "value", "target", "progress", "status"), rows, listed)


def render_work_points(points: Iterable[WorkRecord]) -> str:
    """Return a line a progress point of an initiative, in the given order, marked as in `render_points`."""
    listed = list(points)
    rows = [
        (
            _since(point),
            *(_count(number) for number in (point.done, point.in_progress, point.open, point.dropped)),
            words.percent(point.progress),
        )
        for point in listed
    ]
    head = ("since", "done", "in progress", "open", "dropped", "progress")
    return _listed(head, rows, listed)


def _listed(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], points: Sequence[Told]) -> str:
    """Return the table with a line before each point that begins another series, and what the star in it means."""
    if not rows:
        return "no point in this time\n"
    note = "* computed later, from what was known by then\n" if any(point.backfilled for point in points) else ""
    return _marked(_table(head, rows), points) + note


def _marked(table: str, points: Sequence[Asked]) -> str:
    """Return the table with a line before each point that begins another series."""
    broken = frozenset(map(id, breaks(points)))
    head, *rows = table.splitlines()
    lines = [head]
    for row, point in zip(rows, points, strict=True):
        lines += [BROKEN, row] if id(point) in broken else [row]
    return "\n".join(lines) + "\n"


def render_superseded(replaced: Iterable[SupersededRecord]) -> str:
    """Return a line for each point that was computed again, with what it said before, in the given order."""
    rows = [
        (
            words.moment(each.slot),
            words.percent(each.said["progress"]),
            clean(str(each.said.get("status") or each.said.get("state"))),
            words.moment(each.recorded_at),
            words.moment(each.superseded_at),
            str(each.run),
        )
        for each in replaced
    ]
    head = ("since", "progress", "status", "said at", "replaced at", "by run")
    return _table(head, rows) if rows else "no point was computed again\n"


def _since(point: PointRecord | WorkRecord) -> str:
    return f"{words.moment(point.slot)}{' *' if point.backfilled else ''}"


def _source(source: SourceRecord) -> list[str]:
    cost = f"{cost_words(source)}, {source.seconds:.1f} s, {source.changed} facts changed"
    lines = [f"  {clean(source.source)}: {source.outcome}; {cost}"]
    if source.kept is not None:
        lines.append(f"    went on with an interrupted pull: {source.kept} answers of it were not asked for again")
    if source.error:
        lines.append(f"    ! {clean(source.error)}" + (f"; what to do: {clean(source.fix)}" if source.fix else ""))
    return lines


def _entry(entry: EntryRecord) -> list[str]:
    lines = [f"  {entry.outcome:9}  {clean(entry.key_result)}: {clean(entry.reason)}".rstrip(": ")]
    return [*lines, f"             what to do: {clean(entry.fix)}"] if entry.fix else lines


def _count(number: int | None) -> str:
    return words.UNKNOWN if number is None else str(number)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return left-aligned columns, two spaces apart."""
    every = [head, *rows]
    widths = [max(len(row[column]) for row in every) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in every]
    return "\n".join(lines) + "\n"
