"""The small values of config files: numbers with or without %, durations, dates, ids."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema

__all__ = [
    "Amount",
    "By",
    "ByAmount",
    "Count",
    "Day",
    "Duration",
    "Flag",
    "Guard",
    "Id",
    "Ids",
    "Number",
    "Quantity",
    "Relative",
    "Text",
    "Texts",
]

_UNITS = {
    "s": 1,
    "sec": 1,
    "min": 60,
    "h": 3600,
    "hour": 3600,
    "hours": 3600,
    "d": 86_400,
    "day": 86_400,
    "days": 86_400,
    "w": 604_800,
    "week": 604_800,
    "weeks": 604_800,
}  # seconds
_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)\s*([a-z]+)", re.ASCII)
_PERCENT = re.compile(r"([-+]?\d{1,15}(?:\.\d{1,15})?)\s*%", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ID = re.compile(r"\w[\w.@+-]*")
_PERCENT_SCHEMA = {"type": "string", "pattern": r"^[-+]?\d+(\.\d+)?\s*%$"}


@dataclass(frozen=True, slots=True)
class Amount:
    """A number as written; `percent` says that a % sign stood behind it."""

    value: float
    percent: bool = False


@dataclass(frozen=True, slots=True)
class By:
    """How much a change is: points or a share (0.25 means +25 %); `short` when written without saying which."""

    points: float | None = None
    relative: float | None = None
    short: bool = True


def parse_number(value: Any) -> float:
    """Return a finite number. Raises ValueError for text (but that of a reference), yes or no, NaN, infinity."""
    if isinstance(value, str) and type(value) is not str:  # by reference, so it can't help being text
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("expected a number like 20 or 0.5")
    return float(value)


def parse_count(value: Any) -> int:
    """Return a whole number of at least 1. Raises ValueError."""
    number = parse_number(value)
    if number < 1 or number != int(number):
        raise ValueError("expected a whole number of at least 1")
    return int(number)


def parse_flag(value: Any) -> bool:
    """Return true or false as YAML 1.2 has them. Raises ValueError."""
    if not isinstance(value, bool):
        raise ValueError("expected true or false")  # noqa: TRY004 -- pydantic takes no TypeError for a mistake
    return value


def parse_switch(value: Any) -> bool:
    """Return whether `on` or `off` is written, or true or false. Raises ValueError."""
    words = {"on": True, "off": False, True: True, False: False}
    if not isinstance(value, str | bool) or value not in words:
        raise ValueError("expected on or off")
    return words[value]


def parse_text(value: Any) -> str:
    """Return text that is not blank. Raises ValueError for numbers and the like, which need quotes."""
    if not isinstance(value, str):
        raise ValueError('expected text; write a number or a word like true in "quotes"')  # noqa: TRY004 -- as above
    if not value.strip():
        raise ValueError("expected text, found none")
    return value


def parse_id(value: Any) -> str:
    """Return a word of letters, digits and . _ - @ + of at most 100 characters. Raises ValueError."""
    text = parse_text(value)
    if not _ID.fullmatch(text) or len(text) > 100:
        raise ValueError("expected an id: letters, digits and . _ - @ + without blanks, at most 100")
    return text


def parse_day(value: Any) -> date:
    """Return a date between the years 1900 and 9000. Raises ValueError."""
    if isinstance(value, str) and _DAY.fullmatch(value) and 1900 <= int(value[:4]) <= 9000:
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError("there is no such day in the calendar") from None
    raise ValueError("expected a date like 2026-12-31")


def parse_duration(value: Any) -> timedelta:
    """Return the length of "45 min", "2 h", "1 d", "2 w" or "30 s"; always above 0. Raises ValueError."""
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or match[2] not in _UNITS or float(match[1]) == 0:
        raise ValueError('expected a duration like "45 min", "2 h", "14 d" or "2 w"')
    return timedelta(seconds=float(match[1]) * _UNITS[match[2]])


def parse_amount(value: Any) -> Amount:
    """Return a number, or one with a % sign behind it. Raises ValueError."""
    if value == "capture":
        raise ValueError("only a baseline can be captured; write the number itself")
    match = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match:
        return Amount(float(match[1]), percent=True)
    try:
        return Amount(parse_number(value))
    except ValueError:
        raise ValueError('expected a number like 20 or "75 %"') from None


def parse_relative(value: Any) -> float:
    """Return the share of "-25 %" (-0.25). Raises ValueError, for a bare number too: 25 could mean 2500 %."""
    match = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a percentage with its sign, like -25 %")
    return float(match[1]) / 100


def parse_by(value: Any) -> By:
    """Return the change that +20, "-25 %", {points: 20} or {relative: -25 %} asks for. Raises ValueError."""
    if isinstance(value, dict):
        if list(value) == ["points"]:
            return By(points=parse_number(value["points"]), short=False)
        if list(value) == ["relative"]:
            return By(relative=parse_relative(value["relative"]), short=False)
        raise ValueError("expected exactly one of {points: 20} and {relative: -25 %}")
    try:
        amount = parse_amount(value)
    except ValueError:
        raise ValueError("expected +20, -25 %, {points: 20} or {relative: -25 %}") from None
    return By(relative=amount.value / 100) if amount.percent else By(points=amount.value)


def parse_guard(value: Any) -> float | None:
    """Return the share of a guard, above 0 and below 1; None for off. Raises ValueError."""
    if value == "off":
        return None
    try:
        share = parse_number(value)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise ValueError("expected a share above 0 and below 1, like 0.5, or off")
    return share


def as_list(value: Any) -> Any:
    """Return a single text as a list of one; all else as it is."""
    return [value] if isinstance(value, str) else value


def _one_or_many(what: str) -> dict[str, Any]:
    one = {"type": "string", "minLength": 1}
    return {"anyOf": [one, {"type": "array", "items": one}], "description": f"{what}, or a list of them"}


_QUANTITY_SCHEMA = {"anyOf": [{"type": "number"}, _PERCENT_SCHEMA]}

Number = Annotated[float, BeforeValidator(parse_number)]
Count = Annotated[int, PlainValidator(parse_count), WithJsonSchema({"type": "integer", "minimum": 1})]
Flag = Annotated[bool, BeforeValidator(parse_flag)]
Switch = Annotated[bool, BeforeValidator(parse_switch), WithJsonSchema({"enum": ["on", "off", True, False]})]
Text = Annotated[str, BeforeValidator(parse_text)]
Id = Annotated[str, BeforeValidator(parse_id)]
Ids = Annotated[list[Id], BeforeValidator(as_list), WithJsonSchema(_one_or_many("an id"))]
Texts = Annotated[list[Text], BeforeValidator(as_list), WithJsonSchema(_one_or_many("a text"))]
Day = Annotated[date, PlainValidator(parse_day), WithJsonSchema({"type": "string", "format": "date"})]
Duration = Annotated[
    timedelta, PlainValidator(parse_duration), WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*[a-z]+$"})
]
Guard = Annotated[
    float | None,
    PlainValidator(parse_guard),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, {"enum": ["off"]}],
            "description": "a fall by more than this share, to 0 or to nothing needs a second look",
        }
    ),
]
Quantity = Annotated[Amount, PlainValidator(parse_amount), WithJsonSchema(_QUANTITY_SCHEMA)]
Relative = Annotated[float, PlainValidator(parse_relative), WithJsonSchema(_PERCENT_SCHEMA)]
ByAmount = Annotated[
    By,
    PlainValidator(parse_by),
    WithJsonSchema(
        {
            "anyOf": [
                *_QUANTITY_SCHEMA["anyOf"],
                {
                    "type": "object",
                    "properties": {"points": {"type": "number"}, "relative": _PERCENT_SCHEMA},
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
