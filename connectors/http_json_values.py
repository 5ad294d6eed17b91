"""Takes numbers out of JSON documents: one, or a dated one from each row."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import jmespath
from jmespath.exceptions import JMESPathTypeError

from connectors.http_json_settings import HttpJsonQuery
from okr_sync import connector as api

_MILLISECONDS = 1e11  # numbers from here on count milliseconds: as seconds they would be the year 5138


def outcome(document: Any, query: HttpJsonQuery, ask: api.Ask[Any], zone: ZoneInfo | None) -> api.Outcome:
    """Return the readings of a document, or why there are none."""
    try:
        seen = document if query.pages or not query.rows else search(query.rows, document)
        if query.time:
            return _dated(seen, query, ask, zone)
        return (api.Reading(_number(search(query.value, seen), query.value, query.scale), None, query.value),)
    except NoNumberError as error:
        return error.miss


class NoNumberError(Exception):
    """A document has no such number; `miss` says why."""

    def __init__(self, why: api.MissKind, message: str) -> None:
        super().__init__(message)
        self.miss = api.Miss(why, message)


def search(expression: str, document: Any) -> Any:
    """Return what JMESPath finds. Raises NoNumberError when the document does not fit, without quoting it."""
    try:
        return jmespath.search(expression, document)
    except JMESPathTypeError as error:  # its own text quotes the document
        wanted = ", ".join(map(str, error.expected_types))
        said = f"{expression}: {error.function_name}() takes {wanted}, and got {error.actual_type}"
        raise NoNumberError("invalid", f"{said}; leave out what is null or text: [?x != `null`]") from None
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as error:
        raise NoNumberError("invalid", f"{expression} can't be computed ({type(error).__name__}); correct it") from None


def _number(value: Any, expression: str, scale: float) -> float:
    if value is None:
        raise NoNumberError("no_data", f"{expression} finds nothing; check the path, and that the service has data")
    if isinstance(value, bool) or not isinstance(value, int | float):
        several = f"{len(value)} values; aggregate them: sum(…), avg(…), length(…)" if isinstance(value, list) else ""
        hints = {str: "text; try to_number(…)", bool: "true or false; count with length([?…])", dict: "an object"}
        what = several or hints[type(value)]
        raise NoNumberError("invalid", f"{expression} finds {what}")
    try:
        number = float(value) * scale
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise NoNumberError("invalid", f"{expression} finds a number that is too large")
    return number


def _dated(rows: Any, query: HttpJsonQuery, ask: api.Ask[Any], zone: ZoneInfo | None) -> tuple[api.Reading, ...]:
    if not isinstance(rows, list):
        raise NoNumberError(
            "invalid", f"{query.rows or 'the document'} is no list; say with `rows` where the list stands"
        )
    found: dict[datetime, api.Reading] = {}
    latest: datetime | None = None
    for n, row in enumerate(rows):
        at = _time(search(query.time or "", row), f"row {n + 1}: {query.time}", zone)
        value = search(query.value, row)
        latest = max(at, latest or at)
        if value is None or not ask.start <= at <= ask.now:
            continue  # an empty cell, or not of this window
        evidence = f"row {n + 1}: {query.value}"
        reading = api.Reading(_number(value, evidence, query.scale), at, evidence)
        if found.setdefault(at, reading).value != reading.value:
            raise NoNumberError("invalid", f"row {n + 1} has the time of another row; let the service sum by date")
    if not found:
        known = f"; the latest of {len(rows)} rows is of {latest:%F %T}" if latest else "; there are no rows"
        raise NoNumberError("no_data", f"nothing from {ask.start:%F} to {ask.now:%F %T}{known}")
    return tuple(found[at] for at in sorted(found))


def _time(value: Any, place: str, zone: ZoneInfo | None) -> datetime:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS else value, UTC)
        at = datetime.fromisoformat(value)
    except (ValueError, TypeError, OverflowError, OSError):
        raise NoNumberError("invalid", f"{place} is no date; ISO 8601 and seconds since 1970 are understood") from None
    if at.tzinfo is None and zone is None:
        raise NoNumberError("invalid", f"{place} names no offset; say with the source's `timezone` which one is meant")
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
