"""What comes back from the web: the status judged, Retry-After read, JSON taken at its strict word."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

from okr_sync.errors import AccessError, ProtocolError, SourceError, TransientError, UnauthorizedError

__all__ = ["PLAIN_ENCODINGS", "HttpAnswer", "UnauthorizedError", "failure", "parse_json", "retry_after"]

PLAIN_ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})  # one layer each, and none that grows a millionfold
_PASSING = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer: header names in lower case, the body unpacked. `place` is what was asked, without query.

    `links` holds the addresses of the Link header by their relation ("next").
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    place: str
    links: Mapping[str, str]

    def json(self) -> Any:
        """Return the body as JSON. Raises ProtocolError when it is none, or holds NaN, 1e999 or a key twice."""
        try:
            return parse_json(self.body)
        except ValueError as error:
            # The error may be a decoder's, which quotes the body; only our own words go on.
            why = str(error) if type(error) is ValueError else "it can't be parsed"
            raise ProtocolError(f"{self.place}: the answer is no JSON: {why}", fix="check the address") from None


def parse_json(body: bytes | str) -> Any:
    """Return a JSON document. Raises ValueError: no JSON, no finite number, a key twice, nested too deep."""
    try:
        return json.loads(body, parse_constant=_no_number, parse_float=_finite, object_pairs_hook=_each_once)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return table


def failure(status: int, headers: Mapping[str, str], place: str) -> SourceError:
    """Return the error that a status means which nobody expected; header names are in lower case."""
    said = f"{place}: status {status}"
    if status in (401, 403):
        kind = UnauthorizedError if status == 401 else AccessError
        return kind(said, fix="check the credential of this source, whether it expired, and what it may read")
    if status in _PASSING or status >= 500:
        wish = retry_after(headers)
        return TransientError(said, fix="nothing to do unless it lasts: the next run asks again", retry_after=wish)
    return ProtocolError(said, fix="check the address and what is asked there")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that Retry-After wishes, a date counted from the server's own Date; None: no usable wish."""
    wish = headers.get("retry-after", "")
    try:
        seconds = float(wish)
    except ValueError:
        seconds = _until(wish, headers.get("date", ""))
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _until(wish: str, date: str) -> float:
    try:
        return (parsedate_to_datetime(wish) - parsedate_to_datetime(date)).total_seconds()
    except (ValueError, TypeError):  # no date, or one of the two without a zone
        return math.nan
