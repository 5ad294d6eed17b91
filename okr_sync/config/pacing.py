"""How a status is judged, as files say it: a preset by name and the curve of expected progress."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema

from okr_sync.config.amounts import parse_amount
from okr_sync.config.entry import Entry
from okr_sync.core.model import Curve, CurveKind, Preset

__all__ = ["Expected", "StatusEntry", "curve_of", "parse_expected", "preset_of"]

_DAY = re.compile(r"\d{1,4}(\.\d{1,3})?", re.ASCII)
_WORDS: tuple[CurveKind, ...] = ("linear", "workdays", "none")
_SHARE = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^\d+(\.\d+)?\s*%$"}]}


@dataclass(frozen=True, slots=True)
class Expected:
    """A curve as written; `points` of a phased one are (days since the start, share)."""

    kind: CurveKind
    points: tuple[tuple[float, float], ...] = ()


def parse_expected(value: Any) -> Expected:
    """Return the curve of linear, workdays, none or {30: 10 %, 60: 40 %}. Raises ValueError."""
    for kind in _WORDS:
        if value == kind:
            return Expected(kind)
    if not isinstance(value, dict) or not value:
        raise ValueError("expected linear, workdays, none, or days with shares like {30: 10 %, 60: 40 %, 91: 100 %}")
    points = tuple((_day(day), _share(share)) for day, share in value.items())
    for (day, share), (next_day, next_share) in pairwise(points):
        if next_day <= day or next_share < share:
            raise ValueError("days must rise, and shares must not fall, from one to the next")
    return Expected("phased", points)


def _day(text: str) -> float:
    if not _DAY.fullmatch(text):
        raise ValueError(f"{text!r} is not a number of days since the start, like 30")
    return float(text)


def _share(value: Any) -> float:
    amount = parse_amount(value)
    share = amount.value / 100 if amount.percent else amount.value
    if not 0 <= share <= 1:
        raise ValueError("a share lies from 0 to 1, or from 0 % to 100 %")
    return share


class StatusEntry(Entry):
    """How a status is judged; what is not said here is said further up, in the end in okr-sync.yaml."""

    preset: Preset | None = Field(None, description="default: pace")
    expected: (
        Annotated[
            Expected,
            PlainValidator(parse_expected),
            WithJsonSchema(
                {
                    "anyOf": [
                        {"enum": list(_WORDS)},
                        {
                            "type": "object",
                            "patternProperties": {r"^\d+(\.\d+)?$": _SHARE},
                            "minProperties": 1,
                            "additionalProperties": False,
                        },
                    ]
                }
            ),
        ]
        | None
    ) = Field(None, description="progress expected over time; default: linear")


def preset_of(said: Iterable[StatusEntry | None]) -> Preset:
    """Return the preset that the nearest of these entries names; `pace` when none does."""
    return next((entry.preset for entry in said if entry is not None and entry.preset is not None), "pace")


def curve_of(said: Iterable[StatusEntry | None], first: date, zone: str) -> Curve:
    """Return the curve that the nearest of these entries names, for what starts on the local day `first`; else linear.

    `zone` is the IANA name of the time zone in which days begin and end.
    """
    nearest = (entry.expected for entry in said if entry is not None and entry.expected is not None)
    expected = next(nearest, Expected("linear"))
    if expected.kind in {"linear", "none"}:
        return Curve(expected.kind)
    return Curve(expected.kind, expected.points, first, zone)
