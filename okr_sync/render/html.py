"""A report as one self-contained HTML page: no script, nothing loaded from elsewhere, light, dark and on paper."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from okr_sync.core.report import InitiativeRow, ObjectiveRow, Report
from okr_sync.core.snapshot import Status
from okr_sync.render import reasons, words
from okr_sync.render.drawing import HEIGHT, LEFT, RIGHT, TOP, WIDTH, draw

TEMPLATE = "report.html.j2"


def render(report: Report) -> str:
    """Return the page; the same report gives the same bytes."""
    return _template().render(_context(report)) + "\n"


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(clean=words.clean, status_word=words.status_word)
    return environment.from_string(resources.files("okr_sync.render").joinpath(TEMPLATE).read_text("utf-8"))


def _context(report: Report) -> Mapping[str, Any]:
    return {
        "report": report,
        "reasons": reasons,
        "words": words,
        "levels": _by_level(report.objectives),
        "shares": _shares(report.summary.by_status),
        "draw": draw,
        "frame": {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT, "top": TOP},
        "bar": _bar,
        "clamp": _clamp,
    }


def _by_level(rows: tuple[ObjectiveRow, ...]) -> list[tuple[str, list[ObjectiveRow]]]:
    levels = dict.fromkeys(row.state.level for row in rows)
    return [(level, [row for row in rows if row.state.level == level]) for level in levels]


def _shares(by_status: Mapping[Status, int]) -> list[tuple[Status, int, float]]:
    total = sum(by_status.values())
    return [(status, number, round(number / total * 100, 3)) for status, number in by_status.items()]


def _bar(row: InitiativeRow) -> list[tuple[str, float]]:
    """Return (class, width in %) of done and in progress among all items that count."""
    state = row.state
    if not state.total:
        return []
    parts = (("good", state.done or 0), ("moving", state.in_progress or 0))
    return [(name, round(number / state.total * 100, 2)) for name, number in parts]


def _clamp(share: float | None) -> float:
    """Return the width of a progress bar in %; nothing for unknown, which the text beside it says."""
    return round(min(1.0, max(0.0, share or 0.0)) * 100, 2)
