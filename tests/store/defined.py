"""Anything that people could define: Hypothesis strategies made from the types' own annotations."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from okr_sync.core import kinds, model

DEEPEST = 2  # measures inside measures

_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    bool: st.booleans(),
    int: st.integers(-(10**6), 10**6),
    float: st.floats(allow_nan=False, allow_infinity=False),
    date: st.dates(),
    datetime: st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    timedelta: st.timedeltas(timedelta(), timedelta(days=4000)),
}


def anything(cls: type, depth: int = 0) -> st.SearchStrategy[Any]:
    """Return a strategy for instances of a dataclass of the model, each field given or left at its default."""
    hints = get_type_hints(cls, {**vars(model), **vars(kinds)})
    made = {each.name: _hinted(hints[each.name], depth) for each in fields(cls)}
    needed = {each.name for each in fields(cls) if each.default is MISSING and each.default_factory is MISSING}
    given = {name: strategy for name, strategy in made.items() if name in needed}
    optional = {name: strategy for name, strategy in made.items() if name not in needed}
    return st.fixed_dictionaries(given, optional=optional).map(lambda found: cls(**found))


def measures(depth: int = 0) -> st.SearchStrategy[Any]:
    """Return a strategy for measures of every kind; those that hold others end after two levels."""
    found = [cls for cls in get_args(model.Measure) if depth < DEEPEST or cls not in get_args(kinds.Composite)]
    return st.one_of([anything(cls, depth + 1) for cls in found])


def _hinted(hint: Any, depth: int) -> st.SearchStrategy[Any]:
    if hint == model.Measure:
        return st.deferred(lambda: measures(depth))
    origin, parts = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return st.one_of([st.none() if part is NoneType else _hinted(part, depth) for part in parts])
    if origin is Literal:
        return st.sampled_from(parts)
    if origin in {frozenset, tuple}:
        return _several(origin, parts, depth)
    return anything(hint, depth) if isinstance(hint, type) and is_dataclass(hint) else _PLAIN[hint]


def _several(origin: Any, parts: tuple[Any, ...], depth: int) -> st.SearchStrategy[Any]:
    if origin is frozenset:
        return st.frozensets(_hinted(parts[0], depth), max_size=3)
    if parts[1] is Ellipsis:
        return st.lists(_hinted(parts[0], depth), max_size=2).map(tuple)
    return st.tuples(*(_hinted(part, depth) for part in parts))
