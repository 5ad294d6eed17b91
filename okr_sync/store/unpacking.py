"""Stored bodies back into frozen dataclasses, as validating them would and several times faster.

`latest` holds what this program wrote, so a body that has all names without which there is no state is taken at its
word: what it leaves out has its default, what nobody asks for any more is passed over. Any other is validated whole.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, field, fields, is_dataclass, make_dataclass
from datetime import date, datetime
from itertools import chain, islice
from types import NoneType, UnionType
from typing import Any, Generic, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

import orjson
from pydantic import TypeAdapter

State = TypeVar("State")
Body: TypeAlias = dict[str, Any]
Column: TypeAlias = Sequence[Any]
"""The values of one field in many bodies, in their order."""
Columns: TypeAlias = Mapping[str, Column]
Turn: TypeAlias = Callable[[Column], Column]
Shape: TypeAlias = tuple[str, ...]
"""The names that a body has, in their order."""
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
        self._defaults = {name: each.default for name, each in known.items() if each.default is not MISSING}
        self._names = tuple(name for name in known if name not in later)
        self._later = tuple(name for name in known if name in later)
        self._order = tuple(known)
        # As the parser holds them: names that are the same objects are found without being compared.
        self._blank = {name: self._defaults.get(name) for name in parsed(json.dumps(dict.fromkeys(self._names)))}
        self._needed = frozenset(self._names) - self._defaults.keys()
        self._shapes: dict[Shape, bool] = {}
        hints = get_type_hints(cls)
        self._turns = {name: turn for name in self._names if (turn := _turn(hints[name])) is not None}
        self._thawed = _thawed(cls, self._order)

    def knows(self, shape: Shape) -> bool:
        """Return whether bodies of these names have all without which there is no state."""
        known = self._shapes.get(shape)
        if known is None:
            known = self._shapes[shape] = self._needed.issubset(shape)
        return known

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
        shapes = list(map(tuple, bodies))
        if len(frozenset(shapes)) == 1 and self.knows(shapes[0]):
            return self._built(shapes[0], bodies, later)
        whole = [self._blank | body for body, shape in zip(bodies, shapes, strict=True) if self.knows(shape)]
        ahead = iter(self._built(self._names, whole, later) if whole else ())
        return [next(ahead) if self.knows(shape) else validate(place) for place, shape in enumerate(shapes)]

    def _built(self, shape: Shape, bodies: Sequence[Body], later: Callable[[Columns], Columns] | None) -> list[State]:
        """Return the states of bodies that all have this shape."""
        said = dict(zip(shape, zip(*map(dict.values, bodies), strict=True), strict=True))
        columns = {name: self._column(name, said.get(name), len(bodies)) for name in self._names}
        columns |= {name: [self._defaults[name]] * len(bodies) for name in self._later}
        if later is not None:
            columns |= later(columns)
        made: list[Any] = list(map(self._thawed, *(columns[name] for name in self._order)))
        for each in made:
            each.__class__ = self._cls
        return made

    def _column(self, name: str, said: Column | None, number: int) -> Column:
        if said is None:
            return [self._defaults[name]] * number
        return self._turns[name](said) if name in self._turns else said


@functools.cache
def unpacking(cls: type[State]) -> Unpacking[State]:
    """Return the way back to a class all fields of which are written."""
    return Unpacking(cls)


def _fields(cls: type) -> Sequence[Field[Any]]:
    return fields(cls)


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
        ahead = iter(flat if turn is None else turn(flat))
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
