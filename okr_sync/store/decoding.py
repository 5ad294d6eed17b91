"""Bodies of stored definitions back into what they were made of; the inverse of how `definitions` writes them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime, timedelta
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from okr_sync.core import kinds, model
from okr_sync.core.measures import KINDS
from okr_sync.errors import StoreError

__all__ = ["decode"]

Defined = TypeVar("Defined")
MEASURES: dict[str, type] = {name: kind for kind, name in KINDS.items()}


def decode(cls: type[Defined], body: Mapping[str, Any]) -> Defined:
    """Return what a stored body says, as `cls`; fields that came after it was written have their defaults.

    Raises StoreError for a body that lacks something, holds something unknown, or has another shape.
    """
    try:
        decoded: Defined = _dataclass(cls, body)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(
            f"The store holds a definition ({cls.__name__} {body.get('id', '')}) that this okr-sync can't read: "
            f"{error}. Use the okr-sync that wrote it, or a newer one."
        ) from error
    return decoded


def _dataclass(cls: type, body: Mapping[str, Any]) -> Any:
    hints = _hints(cls)
    unknown = sorted(body.keys() - hints.keys())
    if unknown:
        raise ValueError(f"{cls.__name__} has no {', '.join(unknown)}")
    lacking = [each.name for each in fields(cls) if each.name not in body and not _has_default(each)]
    if lacking:
        raise ValueError(f"{cls.__name__} lacks {', '.join(lacking)}")
    return cls(**{name: _value(hints[name], value) for name, value in body.items()})


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls, {**vars(model), **vars(kinds)})


def _has_default(field: Any) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _value(hint: Any, value: Any) -> Any:
    origin = get_origin(hint)
    if origin in {Union, UnionType}:
        return _one_of(get_args(hint), value)
    if origin is Literal:
        return _said(get_args(hint), value)
    if origin is tuple:
        return _tuple(get_args(hint), value)
    if origin is frozenset:
        return frozenset(_value(get_args(hint)[0], each) for each in value)
    return _dataclass(hint, value) if isinstance(hint, type) and is_dataclass(hint) else _plain(hint, value)


def _one_of(options: tuple[Any, ...], value: Any) -> Any:
    if value is None and NoneType in options:
        return None
    rest = [option for option in options if option is not NoneType]
    if len(rest) == 1:
        return _value(rest[0], value)
    if not isinstance(value, Mapping):
        return _value(next(option for option in rest if not is_dataclass(option)), value)
    if "kind" not in value:
        return _value(next(option for option in rest if is_dataclass(option)), value)
    kind = MEASURES[value["kind"]]
    return _dataclass(kind, {name: each for name, each in value.items() if name != "kind"})


def _said(words: tuple[Any, ...], value: Any) -> Any:
    if value not in words:
        raise ValueError(f"{value!r} is none of {', '.join(map(str, words))}")
    return value


def _tuple(parts: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if len(parts) == 2 and parts[1] is Ellipsis:
        return tuple(_value(parts[0], each) for each in value)
    return tuple(_value(part, each) for part, each in zip(parts, value, strict=True))


def _plain(hint: Any, value: Any) -> Any:
    if hint is datetime or hint is date:
        return hint.fromisoformat(value)
    if hint is timedelta:
        return timedelta(seconds=value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint):
        raise TypeError(f"{value!r} is no {hint.__name__}")
    return value
