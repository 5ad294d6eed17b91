"""Stored bodies back into frozen dataclasses, as validating them would and several times faster.

A body lacks the fields that have their defaults. `latest` holds what this program wrote, so one that has all fields
that must be there, and no other than those that are written now, is taken at its word. Any other, one of an earlier
version, is validated as a whole.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import MISSING, Field, field, fields, is_dataclass, make_dataclass
from datetime import date, datetime
from itertools import chain, islice, repeat
from types import NoneType, UnionType
from typing import Any, Generic, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

import orjson
from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

State = TypeVar("State")
Body: TypeAlias = dict[str, Any]
Column: TypeAlias = Sequence[Any]
"""The values of one field in many bodies, in their order."""
Columns: TypeAlias = Mapping[str, Column]
Turn: TypeAlias = Callable[[Column], Column]
Shape: TypeAlias = tuple[str, ...]
"""The names of the fields that a body has, in its order."""
INSTANTS = 4_096  # texts of instants that are remembered: those of a cycle are few
PLAIN = frozenset({float, NoneType})


class Unpacking(Generic[State]):
    """The way from bodies to states of one class; `volatile` names the fields that bodies lack.

    Many bodies are turned a field at a time, so that what costs is done by few loops over thousands of values and not
    by thousands of loops over few. A frozen dataclass sets field by field through `object.__setattr__`, several times
    as slow as setting them. So values go by position into a class of the same slots that is not frozen, and what was
    made then becomes one of the frozen class. A class without such slots fails here, when the first state is read.
    """

    def __init__(self, cls: type[State], volatile: Iterable[str] = ()) -> None:
        self._cls = cls
        later = frozenset(volatile)
        known = {each.name: each for each in _fields(cls)}
        written = {name: each.default for name, each in known.items() if name not in later}
        self._needed = frozenset(name for name, default in written.items() if default is MISSING)
        # As the parser holds them: names that are the same objects are found without being compared.
        self._absent = parsed(json.dumps({name: _said(default) for name, default in written.items()}))
        self._names = tuple(self._absent)
        self._defaults = {name: default for name, default in written.items() if default is not MISSING}
        self._later = {name: each.default for name, each in known.items() if name in later}
        hints = get_type_hints(cls)
        self._turns = {name: turn for name in self._names if (turn := _turn(hints[name])) is not None}
        self._thawed = _thawed(cls, [*self._names, *self._later])

    def knows(self, shape: Shape) -> bool:
        """Return whether a body with these fields has all that have no default, and none that is not written now."""
        return self._needed.issubset(shape) and self._absent.keys() >= set(shape)

    def read(
        self,
        bodies: Sequence[Body],
        validate: Callable[[int], State],
        later: Callable[[Columns], Columns] | None = None,
    ) -> list[State]:
        """Return the states that bodies say; of one that it does not know what `validate` says of its place.

        `later` returns columns of volatile fields for those that it knows, from what they say; the others have their
        defaults.
        """
        shapes = set(map(tuple, bodies))
        known = frozenset(filter(self.knows, shapes))
        if len(known) == len(shapes):
            return self._made(bodies, known, later)
        ahead = iter(self._made([body for body in bodies if tuple(body) in known], known, later))
        return [next(ahead) if tuple(body) in known else validate(place) for place, body in enumerate(bodies)]

    def _made(
        self, bodies: Sequence[Body], shapes: AbstractSet[Shape], later: Callable[[Columns], Columns] | None
    ) -> list[State]:
        if not bodies:
            return []
        columns = self._columns(bodies, shapes)
        return self._build({**columns, **(later(columns) if later else {})})

    def _columns(self, bodies: Sequence[Body], shapes: AbstractSet[Shape]) -> Columns:
        """Return all columns; those of which no body says anything are neither read nor turned."""
        unsaid = {name: [each] * len(bodies) for name, each in self._defaults.items()}
        said, whole = self._filled(bodies, shapes)
        columns = zip(said, zip(*map(dict.values, whole), strict=True), strict=True)
        turned = {name: self._turns[name](column) if name in self._turns else column for name, column in columns}
        return {**unsaid, **turned}

    def _filled(self, bodies: Sequence[Body], shapes: AbstractSet[Shape]) -> tuple[Shape, Sequence[Body]]:
        """Return the fields of which any body says something, and bodies with just these, in that order."""
        if len(shapes) == 1:
            return next(iter(shapes)), bodies
        said = frozenset(chain.from_iterable(shapes))
        absent = {name: value for name, value in self._absent.items() if name in said}
        return tuple(absent), [absent | body for body in bodies]

    def _build(self, columns: Columns) -> list[State]:
        later = (columns.get(name, repeat(default)) for name, default in self._later.items())
        made: list[Any] = list(map(self._thawed, *(columns[name] for name in self._names), *later))
        for each in made:
            each.__class__ = self._cls
        return made


@functools.cache
def unpacking(cls: type[State]) -> Unpacking[State]:
    """Return the way back to a class all fields of which are written."""
    return Unpacking(cls)


def _fields(cls: type) -> Sequence[Field[Any]]:
    return fields(cls)


def _said(default: Any) -> Any:
    """Return what JSON would say of a field with its default; nothing of one that has none."""
    return None if default is MISSING else to_jsonable_python(default)


def _thawed(cls: type, order: Sequence[str]) -> type:
    """Return a class with the slots of `cls` that takes its fields by position, in that order."""
    specs = [(name, object, field()) for name in order]
    return make_dataclass(f"Thawed{cls.__name__}", specs, slots=True, eq=False, repr=False)


def _turn(hint: Any) -> Turn | None:
    """Return what makes a field of what JSON says of it; None where that is the same."""
    options = [option for option in get_args(hint) if option is not NoneType]
    if get_origin(hint) in {Union, UnionType}:
        return _turn(options[0]) if len(options) == 1 else _refuse(hint)
    if get_origin(hint) is tuple:
        return _tuples(_turn(options[0]))
    if isinstance(hint, type) and is_dataclass(hint):
        return _parts(hint)
    return TURNS.get(hint)


def _tuples(turn: Turn | None) -> Turn:
    """Return what makes tuples of lists: all their elements are turned together, and then cut to tuples again."""

    def turned(lists: Column) -> Column:
        flat = list(chain.from_iterable(filter(None, lists)))
        if not flat:
            return [None if each is None else () for each in lists]
        parts = flat if turn is None else turn(flat)
        if len(flat) == len(lists) and all(lists):
            return list(zip(parts, strict=True))
        ahead = iter(parts)
        return [None if each is None else tuple(islice(ahead, len(each))) for each in lists]

    return turned


def _parts(cls: type) -> Turn:
    """Return what makes parts of states; parts are few, so one with other fields may cost its validation."""
    way: Unpacking[Any] = unpacking(cls)

    def turned(bodies: Column) -> Column:
        there = [body for body in bodies if body is not None]
        read = way.read(there, lambda place: _adapter(cls).validate_python(there[place]))
        if len(there) == len(bodies):
            return read
        ahead = iter(read)
        return [None if body is None else next(ahead) for body in bodies]

    return turned


@functools.cache
def _adapter(cls: type) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


@functools.lru_cache(maxsize=INSTANTS)
def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _instants(texts: Column) -> Column:
    return list(map(_instant, texts))


def _days(texts: Column) -> Column:
    return [None if text is None else date.fromisoformat(text) for text in texts]


def _floats(numbers: Column) -> Column:
    if set(map(type, numbers)) <= PLAIN:
        return numbers
    return [None if number is None else float(number) for number in numbers]


TURNS: dict[Any, Turn] = {float: _floats, datetime: _instants, date: _days}


def _refuse(hint: Any) -> Turn:
    raise TypeError(f"a field that may be any of {hint} needs a way of its own in okr_sync.store.unpacking")


def parsed(body: str) -> Body:
    """Return the fields of a body as they are written."""
    found: Body = orjson.loads(body)
    return found
