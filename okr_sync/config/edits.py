"""Changes a YAML text at the places of its nodes; every other byte stays, comments and quotes too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from okr_sync.config.reading import plain_value

__all__ = ["Edits", "items", "scalar", "value_of"]


def value_of(node: Node | None, key: str) -> Node | None:
    """Return the node below `key` of a mapping; None when there is none."""
    pairs = node.value if isinstance(node, MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def items(node: Node | None) -> Iterator[Node]:
    """Yield the items of a list; nothing for anything else."""
    yield from node.value if isinstance(node, SequenceNode) else ()


def scalar(node: Node | None) -> str | None:
    """Return the text of a plain or quoted value; None for anything else."""
    return str(node.value) if isinstance(node, ScalarNode) else None


@dataclass(slots=True)
class Edits:
    """Changes to one text; `done` applies them all, whatever their order."""

    text: str
    _changes: dict[tuple[int, int], str] = field(default_factory=dict)
    _comments: dict[int, list[str]] = field(default_factory=dict)
    _inline: dict[Node, set[int]] = field(default_factory=dict)

    def root(self) -> Node:
        """Return the top of the text; marks of its nodes are places in the text."""
        return YAML(pure=True).compose(self.text)  # type: ignore[no-any-return]

    def has_aliases(self) -> bool:
        """Return whether the text uses aliases: their nodes stand where the anchor is."""
        return any(isinstance(event, AliasEvent) for event in YAML(pure=True).parse(self.text))

    def replace(self, node: Node, text: str) -> None:
        """Put `text` in the place of a plain or quoted value; it is quoted where it would not read as text."""
        written = text if plain_value(text) == text and type(plain_value(text)) is str else json.dumps(text)
        self._changes[node.start_mark.index, node.end_mark.index] = written

    def replace_number(self, node: Node, text: str) -> None:
        """Put a number, or one with a % sign, in the place of a value."""
        self._changes[node.start_mark.index, node.end_mark.index] = text

    def comment(self, node: Node, text: str) -> None:
        """Put a comment line above the line in which a node begins."""
        self._comments.setdefault(self._line_start(node.start_mark.index), []).append(text)

    def remove(self, parent: Node, number: int) -> None:
        """Take out the entry with this number of a mapping or list, with the comments directly above it."""
        first, value = _bounds(parent, number)
        line = self._line_start(first.start_mark.index)
        if getattr(parent, "flow_style", False):
            self._inline.setdefault(parent, set()).add(number)
        elif self.text[line : first.start_mark.index].strip() == ("" if isinstance(parent, MappingNode) else "-"):
            self._changes[self._with_comments(line), self._end_of(value)] = ""
        else:
            raise ValueError("it does not begin on a line of its own")

    def done(self) -> str:
        """Return the changed text."""
        changes = dict(self._changes) | dict.fromkeys(self._inline_places(), "")
        for at, lines in self._comments.items():
            indent = self.text[at : self._content_start(at)]
            changes[at, at] = "".join(f"{indent}# {line}\n" for line in lines)
        removed = [place for place, new in changes.items() if not new]
        text = self.text
        for (start, end), new in sorted(changes.items(), reverse=True):
            if not any(first <= start and end <= last and (start, end) != (first, last) for first, last in removed):
                text = text[:start] + new + text[end:]
        return text

    def _inline_places(self) -> Iterator[tuple[int, int]]:
        """Yield the places of what is taken out of {…} and […], with the commas beside it."""
        for parent, numbers in self._inline.items():
            bounds = [_bounds(parent, number) for number in range(len(parent.value))]
            kept = [number for number in range(len(bounds)) if number not in numbers]
            last = kept[-1] if kept else -1
            for number in sorted(numbers):
                if number < last:
                    yield bounds[number][0].start_mark.index, bounds[number + 1][0].start_mark.index
            if last + 1 < len(bounds):
                begin = bounds[last][1].end_mark.index if kept else bounds[0][0].start_mark.index
                yield begin, bounds[-1][1].end_mark.index

    def _with_comments(self, start: int) -> int:
        """Return where the comments directly above the line at `start` begin."""
        while start > 0:
            above = self._line_start(start - 1)
            if not self.text[above:start].lstrip().startswith("#"):
                break
            start = above
        return start

    def _end_of(self, value: Node) -> int:
        """Return where the line after a value begins; blank lines and comments below belong to what follows."""
        end = value.end_mark.index
        if self._line_start(end) != end and self.text[self._line_start(end) : end].strip():
            return self._next_line(end)
        while end > value.start_mark.index:
            above = self._line_start(end - 1)
            line = self.text[above:end].strip()
            if line and not line.startswith("#"):
                break
            end = above
        return self._line_start(end)

    def _line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _next_line(self, at: int) -> int:
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found + 1

    def _content_start(self, at: int) -> int:
        return at + len(self.text[at:]) - len(self.text[at:].lstrip(" "))


def _bounds(parent: Node, number: int) -> tuple[Node, Node]:
    """Return the node in which an entry begins and the one in which it ends."""
    entry = parent.value[number]
    return entry if isinstance(entry, tuple) else (entry, entry)
