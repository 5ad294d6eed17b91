"""Rows of OKRs → config files whose values people type; whatever can't be read is a mistake, nothing is guessed."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from okr_sync.config.amounts import parse_day, parse_id
from okr_sync.config.loading import Config
from okr_sync.config.sheets import Line, Sheet
from okr_sync.core.model import Cycle
from okr_sync.core.spelling import nearest_word
from okr_sync.errors import ConfigError, Mistake, UsageError

__all__ = ["imported_files"]

CAPTURE = "capture"  # in the place of a baseline: the first value that is typed

_NUMBER = re.compile(r"([-+]?\d{1,15}(?:\.\d{1,15})?)\s*(.*)", re.ASCII)


def imported_files(config: Config, file: Path, sheet: Sheet, cycle: str) -> dict[Path, str]:
    """Return path → text of one file a team, beside the config's other files; nothing is written.

    Each row is a key result from its baseline to its target with a metric of its own, whose values people type. An
    empty objective is that of the row above, and so is then an empty team. Raises ConfigError with every mistake, by
    line, and UsageError for an unknown cycle, without a source of kind manual, or when there is no row.
    """
    found = next((each for each in config.book.cycles if each.id == cycle), None)
    if found is None:
        known = ", ".join(each.id for each in config.book.cycles) or "none"
        raise UsageError(f"there is no cycle {cycle} in the config; known: {known}")
    source = next((source.name for source in config.sources.values() if source.kind == "manual"), None)
    if source is None:
        raise UsageError("values are typed into a source of kind manual; add `people: {kind: manual}` under sources")
    reader = _Reader(config, str(file), found)
    rows = [row for line in sheet.lines if (row := reader.read(line)) is not None]
    mistakes = tuple(sorted((*sheet.mistakes, *reader.mistakes)))
    if mistakes:
        raise ConfigError(mistakes)
    if not rows:
        raise UsageError(f"{file} holds no key result below its head; add a row for each")
    teams = list(dict.fromkeys(row.team for row in rows))
    return {
        _path(config, file, team): _file_text(file.name, cycle, source, [row for row in rows if row.team == team])
        for team in teams
    }


@dataclass(frozen=True, slots=True)
class _Row:
    team: str | None
    objective: str
    objective_id: str
    title: str
    id: str
    owner: str | None
    baseline: float | None
    """None: the first value that is typed."""
    target: float
    unit: str
    due: date | None


@dataclass(slots=True)
class _Reader:
    """Reads rows one after the other; what is wrong is noted with its line."""

    config: Config
    file: str
    cycle: Cycle
    mistakes: list[Mistake] = field(default_factory=list)
    _objective: str = ""
    _team: str | None = None
    _taken: set[str] = field(default_factory=set)
    _objectives: dict[tuple[str | None, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        book = self.config.book
        parts: tuple[Iterable[object], ...] = (book.objectives, book.key_results(), book.initiatives, book.metrics)
        self._taken = {str(getattr(each, "id", "")) for part in parts for each in part}

    def read(self, line: Line) -> _Row | None:
        """Return the row; None when something in it is wrong."""
        before = len(self.mistakes)
        cells = line.cells
        self._check_signs(line)
        self._objective = cells["objective"] or self._objective
        if not self._objective:
            self._note(line, "objective: the first row must name one")
        if not cells["key result"]:
            self._note(line, "key result: there is none; give its title or take the row out")
        target, its_unit = self._number(line, "target")
        captured = line.cells["baseline"].casefold() == CAPTURE
        baseline, unit = (None, its_unit) if captured else self._number(line, "baseline")
        if None not in {baseline, target} and unit != its_unit:
            self._note(line, "only one of baseline and target is in %; give both in the same unit")
        if baseline is not None and baseline == target:
            self._note(line, f"target: it equals the baseline, {baseline:.15g}; nothing would have to change")
        owner = self._known(line, "owner", dict(self.config.book.people))
        if cells["team"] or cells["objective"]:
            self._team = self._known(line, "team", dict(self.config.book.teams))
        due = self._day(line)
        if len(self.mistakes) > before or target is None:
            return None
        key = (self._team, self._objective)
        if key not in self._objectives:
            self._objectives[key] = self._id(self._objective, "objective")
        return _Row(
            self._team, self._objective, self._objectives[key], cells["key result"],
            self._id(cells["key result"], "key-result"), owner, baseline, target, unit or its_unit, due,
        )  # fmt: skip

    def _note(self, line: Line, message: str) -> None:
        self.mistakes.append(Mistake(self.file, line.number, 1, message))

    def _check_signs(self, line: Line) -> None:
        for column, text in line.cells.items():
            if not text.isprintable():
                self._note(line, f"{column}: it holds a character that can't be printed; type it anew")

    def _number(self, line: Line, column: str) -> tuple[float | None, str]:
        """Return a number with its unit: that of the column unit, or a % sign."""
        text, unit = line.cells[column], line.cells["unit"]
        match = _NUMBER.fullmatch(text)
        if not text:
            self._note(line, f"{column}: there is none; give a number like 20")
        elif match is None or (match[2] and match[2] not in {"%", unit}):
            self._note(
                line, f"{column}: {text!r} can't be read; give a number like 1234.5, its unit in the column unit"
            )
        elif match[2] == "%" and unit not in {"", "%"}:
            self._note(line, f"{column}: {text!r} is in %, the column unit says {unit!r}; give one of both")
        else:
            return float(match[1]), match[2] or unit
        return None, ""

    def _day(self, line: Line) -> date | None:
        text = line.cells["due"]
        if not text:
            return None
        try:
            day = parse_day(text)
        except ValueError as error:
            self._note(line, f"due: {text!r} can't be read: {error}")
            return None
        if not self.cycle.first <= day <= self.cycle.last:
            bounds = f"{self.cycle.first} to {self.cycle.last}"
            self._note(line, f"due: {day} is outside cycle {self.cycle.id} ({bounds})")
        return day

    def _known(self, line: Line, column: str, known: Mapping[str, str]) -> str | None:
        """Return the id of a person or team, by id or name; where none is declared, any id will do."""
        text = line.cells[column]
        section = {"owner": "people", "team": "teams"}[column]
        if not text:
            return None
        names = {name.casefold(): each for each, name in known.items()} | {each.casefold(): each for each in known}
        if text.casefold() in names:
            return names[text.casefold()]
        if not known and _is_id(text):
            return text
        near = nearest_word(text.casefold(), names)
        hint = f"did you mean {names[near]}?" if near else f"declare it under {section} in okr-sync.yaml first"
        self._note(line, f"{column}: there is no {text!r}; {hint}")
        return None

    def _id(self, title: str, otherwise: str) -> str:
        """Return a new id made of the title's words."""
        plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
        stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or otherwise
        made, number = stem, 2
        while made in self._taken:
            made, number = f"{stem}-{number}", number + 1
        self._taken.add(made)
        return made


def _is_id(text: str) -> bool:
    try:
        return parse_id(text) == text
    except ValueError:
        return False


def _path(config: Config, file: Path, team: str | None) -> Path:
    return config.folder / "okrs" / (f"{file.stem}-{team}.yaml" if team else f"{file.stem}.yaml")


def _file_text(name: str, cycle: str, source: str, rows: list[_Row]) -> str:
    lines = [f"# Imported from {json.dumps(name)}; people type the values: okr-sync check-in ID --value …"]
    lines.append(f"cycle: {_quoted(cycle)}")
    if rows[0].team is not None:
        lines.append(f"team: {_quoted(rows[0].team)}")
    lines.append("objectives:")
    for objective in dict.fromkeys(row.objective_id for row in rows):
        mine = [row for row in rows if row.objective_id == objective]
        lines += [f"  - id: {_quoted(objective)}", f"    title: {_quoted(mine[0].objective)}", "    key_results:"]
        lines += [line for row in mine for line in _key_result(row)]
    lines.append("metrics:")
    lines += [f"  {_quoted(row.id)}: {{source: {_quoted(source)}{_unit(row)}}}" for row in rows]
    return "\n".join(lines) + "\n"


def _key_result(row: _Row) -> list[str]:
    lines = [f"      - id: {_quoted(row.id)}", f"        title: {_quoted(row.title)}"]
    if row.owner is not None:
        lines.append(f"        owner: {_quoted(row.owner)}")
    if row.due is not None:
        lines.append(f"        due: {row.due}")
    baseline = CAPTURE if row.baseline is None else f"{row.baseline:.15g}"
    numbers = f"baseline: {baseline}, target: {row.target:.15g}"
    return [*lines, f"        measure: {{metric: {_quoted(row.id)}, {numbers}}}"]


def _unit(row: _Row) -> str:
    return f", unit: {_quoted(row.unit)}" if row.unit else ""


def _quoted(text: str) -> str:
    """Return the text in quotes, so that it reads as it is, references too."""
    return json.dumps(text.replace("${", "$${"), ensure_ascii=False)
