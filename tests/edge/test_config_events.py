"""What is read from a text of YAML is what the parser in Python reads, whoever read it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import DocumentEndEvent, DocumentStartEvent, Event, StreamEndEvent, StreamStartEvent

from okr_sync.config.events import events_of
from tests.examples import EXAMPLES

ROOT = Path(__file__).parents[2]
FRAME = (StreamStartEvent, DocumentStartEvent, DocumentEndEvent, StreamEndEvent)
PIECES = (
    *("a: ", "b:", "key: value", "- ", "-", "- a", "- a: b", "x", "'it''s'", '"q\\n"', "# note", " # note", "-2"),
    *("[", "]", "{", "}", ", ", ",", ": ", ":", "[a, b]", "{a: b}", '{"a": 1}', "[]", "{}", "|", "> ", "&a ", "*a"),
    *("---", "...", "?", "? ", "%", "@", "~", "null", "http://a/b", "a#b", "${NAME}", "é", "\t", "\u2028", "\\", "'"),
    *('"', "!x "),
)
LINES = st.builds(
    lambda indent, parts: " " * indent + "".join(parts),
    st.integers(0, 5),
    st.lists(st.sampled_from(PIECES), max_size=4),
)
TRIED = settings(deadline=None, max_examples=4 * EXAMPLES)


MOST = 10_000
UNLIKE = (YAMLError, ArithmeticError, ValueError, LookupError)


def without_frame(events: Iterable[Event]) -> list[Event]:
    """Return the events without the frame of a document."""
    return [event for event in events if not isinstance(event, FRAME)]


def parsed(text: str) -> list[Event] | str:
    """Return what the parser in Python tells, or why it tells nothing."""
    try:
        return without_frame(YAML(typ="safe", pure=True).parse(text))
    except UNLIKE as error:
        return f"{type(error).__name__}: {error}"


def read(text: str) -> list[Event] | str:
    """Return what is read from the text, or why nothing is."""
    try:
        return without_frame(events_of(text, MOST))
    except UNLIKE as error:
        return f"{type(error).__name__}: {error}"


def told(events: list[Event] | str) -> Any:
    """Return all of events that a config is made from."""
    return events if isinstance(events, str) else [_told(event) for event in events]


def _told(event: Event) -> tuple[object, ...]:
    implicit = getattr(event, "implicit", None)
    scalar = implicit[0] if isinstance(implicit, tuple) else None
    mark = event.start_mark if type(event).__name__.endswith(("StartEvent", "ScalarEvent")) else None
    place = None if mark is None else (mark.line, mark.column)
    rest = (getattr(event, name, None) for name in ("value", "anchor", "ctag"))
    return type(event).__name__, place, scalar, *rest


def agree(text: str) -> None:
    """Fail if anything else is read than the parser in Python tells."""
    assert told(read(text)) == told(parsed(text))


@TRIED
@given(st.lists(LINES, max_size=6))
def test_lines_of_any_pieces_are_told_alike(lines: list[str]) -> None:
    """Seen red when libyaml read whatever it could: it puts missing values elsewhere, and takes comments for text."""
    agree("\n".join(lines))


@TRIED
@given(st.text("ab1 \n:-#,[]{}'\"\\~.", max_size=30))
def test_any_characters_are_told_alike(text: str) -> None:
    agree(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@TRIED
@given(st.dictionaries(st.text("abc_-. ", min_size=1, max_size=8), VALUES, max_size=4), st.sampled_from([None, 2]))
def test_json_is_told_alike(value: Any, indent: int | None) -> None:
    agree(json.dumps(value, indent=indent))


BLOCKS = st.recursive(
    st.sampled_from(["a", "b c", "1", "'x: y'", "[a, 1]"]),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3)
    ),
    max_leaves=12,
)


def written(value: Any, indent: int, step: int) -> list[str]:
    """Return a value as lines of YAML; lists begin behind their dashes, and `step` below their keys."""
    if isinstance(value, str):
        return [" " * indent + value]
    if isinstance(value, dict):
        return [line for key, inner in value.items() for line in _entry(f"{key}:", inner, indent, step)]
    nested = [written(inner, indent + 2, step) for inner in value]
    return [line for first, *more in nested for line in (" " * indent + "- " + first.lstrip(), *more)]


def _entry(key: str, inner: Any, indent: int, step: int) -> list[str]:
    if isinstance(inner, str):
        return [f"{' ' * indent}{key} {inner}"]
    return [" " * indent + key, *written(inner, indent + (step if isinstance(inner, list) else 2), step)]


@TRIED
@given(st.dictionaries(st.sampled_from("xyz"), BLOCKS, min_size=1), st.integers(0, 3))
def test_blocks_are_told_alike(value: dict[str, Any], step: int) -> None:
    agree("\n".join(written(value, 0, step)))


@pytest.mark.parametrize("file", sorted(ROOT.glob("config/**/*.yaml")), ids=lambda file: file.name)
def test_the_files_that_come_along_are_told_alike(file: Path) -> None:
    agree(file.read_text("utf-8"))


def test_libyaml_reads_what_people_write() -> None:
    """Else everything here would compare the parser in Python with itself."""
    assert isinstance(events_of("a: 100 %\nb: [c & d]", MOST), list)
    for unlike in ("%YAML 1.2\n--- a", "a: [b", "a:", "a: |\n b", "a: &b c"):
        assert not isinstance(events_of(unlike, MOST), list)


def test_no_more_is_read_than_may_be() -> None:
    assert len(list(events_of("[" + "a," * MOST + "]", MOST))) == MOST
