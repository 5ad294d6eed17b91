"""Baselines in config files: a number, or how it is to be captured from the source."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import PlainValidator, WithJsonSchema

from okr_sync.config.amounts import Amount, parse_amount, parse_duration, parse_number, parse_relative
from okr_sync.config.measuring import Facts
from okr_sync.config.places import Place
from okr_sync.core.capturing import wanted_captures
from okr_sync.core.kinds import Capture
from okr_sync.core.model import Measure

__all__ = ["BaselineNumber", "BaselineQuantity", "BaselineShare", "refuse_two_captures"]

T = TypeVar("T")

LONGEST = timedelta(days=3660)
_EXPECTED = "expected capture, {capture: mean, over: 14 d} or {capture: last, over: 30 d}"
_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"const": "capture"},
        {
            "type": "object",
            "properties": {
                "capture": {"enum": ["last", "mean"]},
                "over": {"type": "string", "pattern": r"^\d+(\.\d+)?\s*[a-z]+$"},
            },
            "required": ["capture"],
            "additionalProperties": False,
        },
    ]
}
_SHARE: dict[str, Any] = {"type": "string", "pattern": r"^[-+]?\d+(\.\d+)?\s*%$"}


def parse_capture(value: Any) -> Capture | None:
    """Return how `capture` or {capture: mean, over: 14 d} is to be captured; None for a number. Raises ValueError."""
    if value == "capture":
        return Capture()
    if not isinstance(value, dict):
        return None
    how = value.get("capture")
    if set(value) - {"capture", "over"} or how not in {"last", "mean"}:
        raise ValueError(_EXPECTED)
    if "over" not in value and how == "mean":
        raise ValueError("say the time of which the mean is: {capture: mean, over: 14 d}")
    over = parse_duration(value["over"]) if "over" in value else Capture().over
    if over > LONGEST:
        raise ValueError(f"over: expected at most {LONGEST.days} d")
    return Capture(how, over)


def _or_captured(parse: Callable[[Any], T]) -> Callable[[Any], T | Capture]:
    def parse_either(value: Any) -> T | Capture:
        return parse_capture(value) or parse(value)

    return parse_either


def parse_sum_baseline(value: Any) -> float:
    """Return a finite number. Raises ValueError; for a capture, too: a sum begins at 0."""
    if parse_capture(value) is not None:
        raise ValueError("a sum begins at 0 with the key result, so there is nothing to capture; leave it out")
    return parse_number(value)


BaselineQuantity: TypeAlias = Annotated[
    Amount | Capture,
    PlainValidator(_or_captured(parse_amount)),
    WithJsonSchema({"anyOf": [{"type": "number"}, _SHARE, *_SCHEMA["anyOf"]]}),
]
BaselineShare: TypeAlias = Annotated[
    float | Capture,
    PlainValidator(_or_captured(parse_relative)),
    WithJsonSchema({"anyOf": [_SHARE, *_SCHEMA["anyOf"]]}),
]
BaselineNumber: TypeAlias = Annotated[float, PlainValidator(parse_sum_baseline), WithJsonSchema({"type": "number"})]


def refuse_two_captures(measure: Measure, place: Place, facts: Facts) -> None:
    """Note at `place` a measure that captures the baseline of one metric in two ways: there is one of each."""
    found: dict[str, Capture] = {}
    for subject, capture in wanted_captures(measure):
        if found.setdefault(subject, capture) != capture:
            facts.mistake(place, f"baseline: that of {subject!r} is captured in two ways here; capture it in one")
