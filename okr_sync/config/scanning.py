"""A quick reader of the YAML that most people write; it reads nothing that it isn't sure of.

A general parser of YAML takes a second for the files of a company. This one knows keys, lists by dashes, texts of one
line, comments, and flow collections (JSON among them), and tells the same events as the general one; for all other text
it says that it does not know.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import NamedTuple

from ruamel.yaml.events import (
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

__all__ = ["Mark", "scan"]

DEEPEST = 40  # levels of flow collections
# Tabs, other line breaks and what is not printable everywhere are left to the general parser.
_STRANGE = re.compile(r"[^\n\x20-\x7e\xa1-\u2027\u2030-\ud7ff]")
_NOTHING = re.compile(r" *(?:#.*)?")
_REST = re.compile(r" *(?: #.*)?")
_DASH = re.compile(r"-(?: +|$)")
_KEY = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]{0,200}):(?: +|$)")
_PLAIN = re.compile(r"(?:[^ \-?:,\[\]{}#&*!|>'\"%@`]|-(?=[A-Za-z0-9.]))(?:[^ #:]|(?<! )#| +(?![ #]|$)|:(?! |$))*")
_QUOTED = re.compile(r"'((?:[^'\n]|'')*)'|(\"(?:[^\"\\\n]|\\[\"\\/bfnrt]|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4})*\")")
_FLOW_PLAIN = re.compile(r"(?:[A-Za-z0-9_.$/+(~]|-(?=[A-Za-z0-9.]))(?:[A-Za-z0-9_.$/+()~-]| +(?=[A-Za-z0-9_.$/+()~]))*")
_COLON = re.compile(r":(?=[ \n])")
_LONGEST_KEY = 1_000  # characters


class Mark(NamedTuple):
    """A position; both count from 0."""

    line: int
    column: int


class _UnsureError(Exception):
    """The text may mean something that is not known here."""


def scan(text: str) -> list[Event] | None:
    """Return what the general parser tells of `text`, without the beginning and end of the document; None: not known.

    Of marks only those of the beginning are told.
    """
    if _STRANGE.search(text):
        return None
    try:
        if text.startswith(("{", "[")):
            flow = _Flow(text)
            flow.node(0)
            return flow.events if not text[flow.at :].strip(" \n") else None
        return _Block().read(text)
    except _UnsureError:
        return None


def _scalar(value: str, mark: Mark, *, plain: bool) -> ScalarEvent:
    return ScalarEvent(None, None, (plain, not plain), value, start_mark=mark)


def _quoted(text: str, at: int) -> tuple[str, int] | None:
    """Return the quoted text at a place and where it ends; None: there is none, or it is unusual."""
    found = _QUOTED.match(text, at)
    if found is None:
        return None
    single, double = found.groups()
    if double is None:
        return single.replace("''", "'"), found.end()
    return str(json.loads(double)) if "\\" in double else double[1:-1], found.end()


class _Flow:
    """A flow collection, read from a place of a text on."""

    def __init__(self, text: str, at: int = 0, line: int = 0, start: int = 0) -> None:
        self.text = text
        self.at = at
        self.events: list[Event] = []
        self._line = line
        self._start = start  # of the line

    def node(self, depth: int) -> None:
        """Read a node."""
        if depth > DEEPEST:
            raise _UnsureError
        opening = self._here()
        if opening == "{":
            self._collection(MappingStartEvent, MappingEndEvent, "}", depth)
        elif opening == "[":
            self._collection(SequenceStartEvent, SequenceEndEvent, "]", depth)
        else:
            self._scalar()

    def _collection(
        self,
        begins: type[MappingStartEvent | SequenceStartEvent],
        ends: type[MappingEndEvent | SequenceEndEvent],
        closing: str,
        depth: int,
    ) -> None:
        self.events.append(begins(None, None, implicit=True, start_mark=self._mark(), flow_style=True))
        self.at += 1
        self._space()
        while self._here() != closing:
            if begins is MappingStartEvent:
                self._key()
            self.node(depth + 1)
            self._space()
            if self._here() == ",":
                self.at += 1
                self._space()
                if self._here() == closing:
                    raise _UnsureError
            elif self._here() != closing:
                raise _UnsureError
        self.at += 1
        self.events.append(ends())

    def _key(self) -> None:
        start = self.at
        self._scalar()
        if self.at - start > _LONGEST_KEY or not _COLON.match(self.text, self.at):
            raise _UnsureError
        self.at += 1
        self._space()

    def _scalar(self) -> None:
        mark = self._mark()
        quoted = _quoted(self.text, self.at)
        if quoted is not None:
            value, self.at = quoted
            self.events.append(_scalar(value, mark, plain=False))
            return
        found = _FLOW_PLAIN.match(self.text, self.at)
        if found is None:
            raise _UnsureError
        self.at = found.end()
        self.events.append(_scalar(found.group(), mark, plain=True))

    def _space(self) -> None:
        text = self.text
        while text[self.at : self.at + 1] in {" ", "\n"}:
            self.at += 1
            if text[self.at - 1] == "\n":
                self._line, self._start = self._line + 1, self.at

    def _here(self) -> str:
        return self.text[self.at : self.at + 1]

    def _mark(self) -> Mark:
        return Mark(self._line, self.at - self._start)


@dataclass(slots=True)
class _Level:
    """An open block: a mapping or a list, whose keys or dashes stand in one column."""

    is_list: bool
    column: int


class _Block:
    """A document of block collections, read line by line."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._levels: list[_Level] = []
        self._awaited = True  # whether a value is missing so far

    def read(self, text: str) -> list[Event] | None:
        """Return the events of the whole text."""
        for number, line in enumerate(text.split("\n")):
            if not _NOTHING.fullmatch(line):
                self._read_line(number, line)
        if not self._levels:
            return None
        if self._awaited:
            raise _UnsureError
        self._close(-1)
        return self.events

    def _read_line(self, number: int, line: str) -> None:
        column = len(line) - len(line.lstrip(" "))
        self._arrive(column, is_dash=_DASH.match(line, column) is not None)
        while (dash := _DASH.match(line, column)) is not None:
            self._enter(number, column, is_list=True)
            self._awaited = True
            column = dash.end()
            if _NOTHING.fullmatch(line, column):
                return
        key = _KEY.match(line, column)
        if key is None:
            if column == len(line) - len(line.lstrip(" ")):  # behind a dash only: it may go on the line before
                raise _UnsureError
            self._value(number, line, column)
            return
        self._enter(number, column, is_list=False)
        self.events.append(_scalar(key[1], Mark(number, column), plain=True))
        self._awaited = True
        if not _NOTHING.fullmatch(line, key.end()):
            self._value(number, line, key.end())

    def _arrive(self, column: int, *, is_dash: bool) -> None:
        """Close the blocks that a line in this column ends."""
        if self._awaited:
            last = self._levels[-1] if self._levels else _Level(is_list=False, column=-1)
            if column > last.column or (column == last.column and is_dash and not last.is_list):
                return
            raise _UnsureError  # a missing value; the general parser knows where it is missing
        self._close(column)
        if self._levels and self._levels[-1].is_list and self._levels[-1].column == column and not is_dash:
            self._end_level()

    def _enter(self, number: int, column: int, *, is_list: bool) -> None:
        """Begin a block where a value is missing, or go on with the one that is open."""
        if not self._awaited:
            if not self._levels or (self._levels[-1].is_list, self._levels[-1].column) != (is_list, column):
                raise _UnsureError
            return
        self._awaited = False
        self._levels.append(_Level(is_list, column))
        begins = SequenceStartEvent if is_list else MappingStartEvent
        self.events.append(begins(None, None, implicit=True, start_mark=Mark(number, column), flow_style=False))

    def _value(self, number: int, line: str, column: int) -> None:
        """Read the value that the rest of a line is."""
        if line[column] in "[{":
            flow = _Flow(line, column, number)
            flow.node(0)
            self.events += flow.events
            end = flow.at
        elif (quoted := _quoted(line, column)) is not None:
            value, end = quoted
            self.events.append(_scalar(value, Mark(number, column), plain=False))
        elif (plain := _PLAIN.match(line, column)) is not None:
            end = plain.end()
            self.events.append(_scalar(plain.group(), Mark(number, column), plain=True))
        else:
            raise _UnsureError
        if not _REST.fullmatch(line, end):
            raise _UnsureError
        self._awaited = False

    def _close(self, column: int) -> None:
        while self._levels and self._levels[-1].column > column:
            self._end_level()

    def _end_level(self) -> None:
        self.events.append(SequenceEndEvent() if self._levels.pop().is_list else MappingEndEvent())
