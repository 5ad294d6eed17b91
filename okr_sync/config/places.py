"""Where things stand in config files, and all the mistakes found there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from okr_sync.connector import Referenced
from okr_sync.core.spelling import nearest_word
from okr_sync.errors import Mistake

__all__ = ["Key", "Mistakes", "Place", "Row", "Table", "nearest", "place_of"]

Key: TypeAlias = str | int
"""A key of a mapping or an index of a list."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file; `line` and `column` count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Table(dict[str, Any]):
    """A mapping as written, with the places of itself, its keys and its values."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.keys_at: dict[str, Place] = {}
        self.values_at: dict[str, Place] = {}

    def put(self, key: str, value: Any, key_at: Place, value_at: Place) -> None:
        """Set one key with its places."""
        self[key] = value
        self.keys_at[key] = key_at
        self.values_at[key] = value_at

    def without(self, keys: Iterable[str]) -> Table:
        """Return a copy that lacks `keys`."""
        return self._picked(key for key in self if key not in set(keys))

    def only(self, keys: Iterable[str]) -> Table:
        """Return a copy that has no others than `keys`."""
        wanted = set(keys)
        return self._picked(key for key in self if key in wanted)

    def _picked(self, keys: Iterable[str]) -> Table:
        picked = Table(self.place)
        for key in keys:
            picked.put(key, self[key], self.keys_at[key], self.values_at[key])
        return picked


class Row(list[Any]):
    """A list as written, with the places of itself and its items."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.items_at: list[Place] = []


def place_of(tree: Table | Row, path: Iterable[Key]) -> Place:
    """Return where the value at `path` stands; steps of the path that lead nowhere are passed over."""
    here: Any = tree
    found = tree.place
    for step in path:
        if isinstance(here, Table) and step in here:
            found, here = here.values_at[str(step)], here[str(step)]
        elif isinstance(here, Row) and isinstance(step, int) and step < len(here):
            found, here = here.items_at[step], here[step]
    return found


def nearest(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the known word that is spelled most alike, or nothing."""
    near = nearest_word(word, known)
    return f"; did you mean {near!r}?" if near else ""


@dataclass(slots=True)
class Mistakes:
    """Collects mistakes, each once, and keeps what references brought out of their texts."""

    files: list[str] = field(default_factory=list)
    """Names in the order in which their mistakes are told."""
    _found: dict[Mistake, None] = field(default_factory=dict)
    _hidden: dict[str, str] = field(default_factory=dict)
    """What a reference brought → how it is shown ("${NAME}")."""

    def add(self, place: Place, message: str) -> None:
        """Note a mistake."""
        self._found[Mistake(place.file, place.line, place.column, message)] = None

    def any_at(self, place: Place) -> bool:
        """Return whether a mistake is noted at `place`."""
        return any(
            (each.file, each.line, each.column) == (place.file, place.line, place.column) for each in self._found
        )

    def hide(self, value: str, shown: str) -> None:
        """Make `value` appear as `shown` in every message from now on."""
        if value.strip():
            self._hidden[value] = shown

    def quote(self, value: object) -> str:
        """Return `value` in quotes, shortened, or how it was written if a reference brought it."""
        text = str(value)
        if isinstance(value, Referenced) or text in self._hidden:
            return self._hidden.get(text, "this reference")
        return repr(text if len(text) <= 60 else text[:57] + "...")

    def veil(self, text: str) -> str:
        """Return a text of a connector's own with every referenced value of 4 characters or more replaced."""
        for value in sorted(self._hidden, key=len, reverse=True):
            if len(value) >= 4:
                text = text.replace(value, self._hidden[value])
        return text

    def shown(self, value: str) -> str:
        """Return `value` as it was written in the file, references unresolved."""
        return self._hidden.get(value, value)

    def told(self) -> tuple[Mistake, ...]:
        """Return all mistakes in the order of the files, lines and columns."""
        order = {name: number for number, name in enumerate(self.files)}
        return tuple(sorted(self._found, key=lambda each: (order.get(each.file, -1), each)))
