"""Stored bodies back into frozen dataclasses, as validating them would and several times faster.

`latest` holds what this program wrote, so a body with exactly the names that are written now is taken at its word. Any
other, one of an earlier version, is validated as a whole.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import Field, field, fields, is_dataclass, make_dataclass
from datetime import date, datetime
from types import NoneType, UnionType
from typing import Any, Generic, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

import orjson
from pydantic import TypeAdapter

State = TypeVar("State")
Turn: TypeAlias = Callable[[Any], Any]
INSTANTS = 4_096  # texts of instants that are remembered: those of a cycle are few


class Unpacking(Generic[State]):
    """The way from bodies to states of one class; `volatile` names the fields that bodies lack.

    A frozen dataclass sets field by field through `object.__setattr__`, which is most of what reading thousands of
    states costs. So values go by position into a class of the same slots that is not frozen, and what was made then
    becomes one of the frozen class. A class without such slots fails here, when the first state is read.
    """

    def __init__(self, cls: type[State], volatile: Iterable[str] = ()) -> None:
        self._cls = cls
        self._volatile = frozenset(volatile)
        self._names = tuple(each.name for each in _fields(cls) if each.name not in self._volatile)
        hints = get_type_hints(cls)
        turns = ((place, _turn(hints[name])) for place, name in enumerate(self._names))
        self._turns = tuple((place, turn) for place, turn in turns if turn is not None)
        self._thawed = _thawed(cls, self._names)

    def knows(self, body: dict[str, Any]) -> bool:
        """Return whether a body has the fields that are written now, in their order."""
        return tuple(body) == self._names

    def build(self, body: dict[str, Any], finish: Callable[[Any], None] | None = None) -> State:
        """Return the state that a body says; volatile fields have their defaults, or what `finish` sets in it."""
        values = list(body.values())
        for place, turn in self._turns:
            value = values[place]
            if value is not None:
                values[place] = turn(value)
        made = self._thawed(*values)
        if finish is not None:
            finish(made)
        made.__class__ = self._cls
        state: State = made
        return state


@functools.cache
def unpacking(cls: type[State]) -> Unpacking[State]:
    """Return the way back to a class all fields of which are written."""
    return Unpacking(cls)


def _fields(cls: type) -> Sequence[Field[Any]]:
    return fields(cls)


def _thawed(cls: type, first: Sequence[str]) -> type:
    """Return a class with the slots of `cls` that takes the fields `first` by position, in that order."""
    known = {each.name: each for each in _fields(cls)}
    later = [(name, object, field(default=each.default)) for name, each in known.items() if name not in first]
    specs = [*((name, object, field()) for name in first), *later]
    return make_dataclass(f"Thawed{cls.__name__}", specs, slots=True, eq=False, repr=False)


def _turn(hint: Any) -> Turn | None:
    """Return what makes a field of what JSON says of it; None where that is the same."""
    options = [option for option in get_args(hint) if option is not NoneType]
    if get_origin(hint) in {Union, UnionType}:
        return _turn(options[0]) if len(options) == 1 else _refuse(hint)
    if get_origin(hint) is tuple:
        return _tuple(options)
    if isinstance(hint, type) and is_dataclass(hint):
        return _part(hint)
    return TURNS.get(hint)


def _tuple(options: Sequence[Any]) -> Turn:
    turn = _turn(options[0])
    if turn is None:
        return tuple
    return lambda values: tuple([turn(value) for value in values]) if values else ()


def _part(cls: type) -> Turn:
    """Return what makes a part of a state; parts are few, so one with other fields may cost its validation."""
    way: Unpacking[Any] = unpacking(cls)
    return lambda body: way.build(body) if way.knows(body) else _adapter(cls).validate_python(body)


@functools.cache
def _adapter(cls: type) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


@functools.lru_cache(maxsize=INSTANTS)
def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


TURNS: dict[Any, Turn] = {float: float, datetime: _instant, date: date.fromisoformat}


def _refuse(hint: Any) -> Turn:
    raise TypeError(f"a field that may be any of {hint} needs a way of its own in okr_sync.store.unpacking")


def parsed(body: str) -> dict[str, Any]:
    """Return the fields of a body as they are written."""
    found: dict[str, Any] = orjson.loads(body)
    return found
