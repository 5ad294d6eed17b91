"""Reads one YAML file into tables that know their places; size, depth and aliases are capped before any walk."""

from __future__ import annotations

import math
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from okr_sync.config.events import events_of
from okr_sync.config.places import Mistakes, Place, Row, Table
from okr_sync.config.references import References

__all__ = ["parse_table", "plain_value", "read_table"]

MAX_BYTES = 1_048_576  # of one file
MAX_DEPTH = 30  # levels, aliases expanded
MAX_ALIASES = 100  # in one file
MAX_WRITTEN = 10_000  # values and keys in one file
MAX_NODES = 100_000  # values in one file, aliases expanded

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((f"{sign}.{word}" for sign in ("", "+") for word in ("inf", "Inf", "INF")), math.inf),
    **dict.fromkeys((f"-.{word}" for word in ("inf", "Inf", "INF")), -math.inf),
}


class _StopError(Exception):
    """The file can't be read on; the mistake is noted."""


def read_table(path: Path, name: str, references: References, mistakes: Mistakes) -> Table | None:
    """Return what stands in the file `path`, which messages call `name`; None when it can't be read.

    Each reason is noted in `mistakes` with its place. An empty file is an empty table.
    """
    try:
        text = _decode(_read(path, name, mistakes), name, mistakes)
    except _StopError:
        return None
    return parse_table(text, name, references, mistakes)


def parse_table(text: str, name: str, references: References, mistakes: Mistakes) -> Table | None:
    """Return what a text says, which messages call `name`; None when it is no YAML, which is noted in `mistakes`."""
    try:
        return _Reader(name, references, mistakes).read(text)
    except _StopError:
        return None


def _read(path: Path, name: str, mistakes: Mistakes) -> bytes:
    start = Place(name, 1, 1)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            mistakes.add(start, "this is not a regular file; put a YAML file here")
            raise _StopError
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        mistakes.add(start, f"the file can't be read: {error.strerror}; `okr-sync init` writes a new one")
        raise _StopError from error
    if len(content) > MAX_BYTES:
        mistakes.add(start, "the file is larger than 1 MiB; split it into several files")
        raise _StopError
    return content


def _decode(content: bytes, name: str, mistakes: Mistakes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        mistakes.add(_at_end(name, before), "this is not UTF-8; save the file in that encoding")
        raise _StopError from None


def _at_end(name: str, before: str) -> Place:
    return Place(name, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


@dataclass(frozen=True, slots=True)
class _Node:
    """A value with its place and what it costs: nodes and levels, aliases expanded."""

    value: Any
    place: Place
    size: int = 1
    depth: int = 0


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being read; `key` waits for its value."""

    value: Table | Row
    anchor: str | None
    key: tuple[str, Place] | None = None
    size: int = 1
    depth: int = 1


@dataclass(slots=True)
class _Reader:
    name: str
    references: References
    mistakes: Mistakes
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, _Node] = field(default_factory=dict)
    written: int = 0
    aliases: int = 0
    documents: int = 0
    root: _Node | None = None

    def read(self, text: str) -> Table:
        try:
            for event in events_of(text, 4 * MAX_WRITTEN):
                self._take(event)
        except ReaderError as error:
            place = _at_end(self.name, text[: error.position])
            self._stop(place, f"character U+{error.character:04X} is not allowed in YAML; remove it")
        except MarkedYAMLError as error:
            self._stop(self._place(error.problem_mark), f"this is not YAML: {error.problem}")
        except (YAMLError, ArithmeticError, ValueError, LookupError) as error:
            # the parser has escapes and directives that it trips over without saying where
            self._stop(Place(self.name, 1, 1), f"this is not YAML: {type(error).__name__} while reading it")
        if self.root is None or self.root.value is None:
            return Table(Place(self.name, 1, 1))
        if not isinstance(self.root.value, Table):
            self._stop(self.root.place, "expected a mapping (key: value) at the top of the file")
        table: Table = self.root.value
        return table

    def _take(self, event: Any) -> None:
        match event:
            case DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    self._stop(self._place(event.start_mark), "a second document begins here; use one file for each")
            case AliasEvent():
                self._alias(event)
            case ScalarEvent():
                self._scalar(event)
            case MappingStartEvent() | SequenceStartEvent():
                self._begin(event)
            case MappingEndEvent() | SequenceEndEvent():
                self._end()

    def _alias(self, event: AliasEvent) -> None:
        place = self._place(event.start_mark)
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            self._stop(place, f"more than {MAX_ALIASES} aliases; write the values out or split the file")
        node = self.anchors.get(event.anchor)
        if node is None:
            self._stop(place, f"alias *{event.anchor} names no finished anchor above it; add &{event.anchor} there")
        else:
            self._add(_Node(node.value, place, node.size, node.depth), str(node.value))

    def _scalar(self, event: ScalarEvent) -> None:
        place = self._count(event)
        plain = event.implicit[0]
        is_key = bool(self.stack) and isinstance(self.stack[-1].value, Table) and self.stack[-1].key is None
        value: Any = event.value if is_key else self.references.resolve(event.value, place)
        if plain and value is event.value and not is_key:
            value = plain_value(event.value)
        node = _Node(value, place)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        self._add(node, event.value)

    def _begin(self, event: Any) -> None:
        place = self._count(event)
        if len(self.stack) >= MAX_DEPTH:
            self._stop(place, f"nested deeper than {MAX_DEPTH} levels")
        if self.stack and isinstance(self.stack[-1].value, Table) and self.stack[-1].key is None:
            self._stop(place, "a key must be a word, not a mapping or list")
        value = Table(place) if isinstance(event, MappingStartEvent) else Row(place)
        self.stack.append(_Open(value, event.anchor))

    def _end(self) -> None:
        done = self.stack.pop()
        node = _Node(done.value, done.value.place, done.size, done.depth)
        if done.anchor is not None:
            self.anchors[done.anchor] = node
        self._add(node, "")

    def _add(self, node: _Node, text: str) -> None:
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        parent.size += node.size
        parent.depth = max(parent.depth, node.depth + 1)
        if parent.size > MAX_NODES:
            self._stop(node.place, f"aliases expand to more than {MAX_NODES:,} values; write less through them")
        if len(self.stack) + node.depth > MAX_DEPTH:
            self._stop(node.place, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(parent.value, Row):
            parent.value.append(node.value)
            parent.value.items_at.append(node.place)
        elif parent.key is None:
            parent.key = (text, node.place)
        else:
            self._put(parent.value, parent.key, node)
            parent.key = None

    def _put(self, table: Table, key: tuple[str, Place], node: _Node) -> None:
        word, place = key
        if word in table:
            self.mistakes.add(place, f"key {word!r} is here twice; the first is in line {table.keys_at[word].line}")
            return
        table.put(word, node.value, place, node.place)

    def _count(self, event: Any) -> Place:
        place = self._place(event.start_mark)
        if event.ctag is not None:
            self._stop(place, "YAML tags (!…) are not allowed here; write the plain value")
        self.written += 1
        if self.written > MAX_WRITTEN:
            self._stop(place, f"more than {MAX_WRITTEN:,} keys and values in one file; split it")
        return place

    def _place(self, mark: Any) -> Place:
        return Place(self.name, mark.line + 1, mark.column + 1) if mark else Place(self.name, 1, 1)

    def _stop(self, place: Place, message: str) -> None:
        self.mistakes.add(place, message)
        raise _StopError


def plain_value(text: str) -> Any:
    """Return what a plain scalar means in YAML 1.2 (core schema); dates stay text."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= 40 and _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in {"0x", "0o"} else int(text)
    if len(text) <= 400 and _FLOAT.fullmatch(text):
        return float(text)
    return text
