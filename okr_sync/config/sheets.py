"""Tables of OKRs as people keep them: CSV files and Markdown tables → rows by column, each with its line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from okr_sync.errors import Mistake, UsageError

__all__ = ["COLUMNS", "Line", "Sheet", "read_sheet"]

MAX_BYTES = 1_048_576  # of one file
REQUIRED = ("objective", "key result", "baseline", "target")

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "objective": ("objective", "objectives", "goal"),
    "key result": ("keyresult", "keyresults", "kr", "result"),
    "owner": ("owner", "responsible", "lead", "assignee", "who"),
    "baseline": ("baseline", "startvalue", "initialvalue", "initial", "from"),
    "target": ("target", "targetvalue", "to"),
    "unit": ("unit", "units"),
    "due": ("due", "duedate", "deadline"),
    "team": ("team", "department", "group"),
}
"""Column → the names under which it is found, in lower case and without blanks and signs."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row: the line in which it begins, from 1, and the text of each known column (empty: nothing there)."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a file, what was not read and why, and what is wrong."""

    lines: tuple[Line, ...]
    unread: tuple[str, ...]
    mistakes: tuple[Mistake, ...]


def read_sheet(file: Path) -> Sheet:
    """Return the rows of a .csv, .tsv, .md or .markdown file. Raises UsageError when it can't be read at all."""
    readers = {".csv": _csv, ".tsv": _csv, ".md": _markdown, ".markdown": _markdown}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise UsageError(f"{file} is neither CSV nor Markdown; give a file that ends in {', '.join(readers)}")
    tables = reader(_text(file))
    parts = [_table(str(file), table) for table in tables]
    if not parts:
        raise UsageError(f"{file} holds no table; its first row names the columns: {', '.join(COLUMNS)}")
    return Sheet(
        tuple(line for part in parts for line in part.lines),
        tuple(said for part in parts for said in part.unread),
        tuple(each for part in parts for each in part.mistakes),
    )


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}; name another file") from error
    if len(content) > MAX_BYTES:
        raise UsageError(f"{file} is larger than 1 MiB; split it into several files")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8; save it in that encoding") from error


_Rows = list[tuple[int, list[str]]]
"""(line, cells) of each row that is not blank, the head first."""


def _csv(text: str) -> list[_Rows]:
    head = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=lambda sign: sum(_column(cell) is not None for cell in head.split(sign)))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: _Rows = []
    begin = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((begin, cells))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(f"line {begin} is not CSV: {error}; save the table anew") from error
    return [rows] if rows else []


def _markdown(text: str) -> list[_Rows]:
    lines = text.splitlines()
    tables: list[_Rows] = []
    inside = False
    for number, line in enumerate(lines, 1):
        ruled = number < len(lines) and re.fullmatch(r"\s*\|?(\s*:?-+:?\s*\|)*\s*:?-+:?\s*\|?\s*", lines[number])
        if not inside and "|" in line and ruled and "|" in lines[number]:
            tables.append([(number, _cells(line))])
            inside = True
        elif inside and "|" not in line:
            inside = False
        elif inside and number != tables[-1][0][0] + 1:
            tables[-1].append((number, _cells(line)))
    return tables


def _cells(line: str) -> list[str]:
    inner = re.sub(r"(?<!\\)\|$", "", line.strip().removeprefix("|"))
    return [cell.replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner)]


def _table(file: str, rows: _Rows) -> Sheet:
    line, head = rows[0]
    columns = [_column(cell) for cell in head]
    missing = [name for name in REQUIRED if name not in columns]
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if missing or twice:
        said = [f"the table has no column {name}" for name in missing] + [f"two columns mean {name}" for name in twice]
        return Sheet((), (), tuple(Mistake(file, line, 1, f"{each}; columns: {', '.join(COLUMNS)}") for each in said))
    unread = tuple(
        f"{file}:{line}: column {cell.strip()!r} is not read"
        for cell, column in zip(head, columns, strict=True)
        if column is None and cell.strip()
    )
    wrong = tuple(
        Mistake(
            file, number, 1, f"the row has {len(cells)} cells, the head {len(head)}; quote cells that hold the sign"
        )
        for number, cells in rows[1:]
        if len(cells) != len(head)
    )
    good = tuple(Line(number, _named(columns, cells)) for number, cells in rows[1:] if len(cells) == len(head))
    return Sheet(good, unread, wrong)


def _named(columns: Iterable[str | None], cells: Iterable[str]) -> dict[str, str]:
    found = dict.fromkeys(COLUMNS, "")
    found.update((name, " ".join(cell.split())) for name, cell in zip(columns, cells, strict=True) if name)
    return found


def _column(cell: str) -> str | None:
    word = re.sub(r"[\W_]", "", cell).casefold()
    return next((name for name, words in COLUMNS.items() if word in words), None)
