"""Which document a query is about: what to send for it, with the window filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from connectors.http_json_settings import HttpJsonQuery, Pages
from okr_sync import connector as api

_WINDOW = re.compile(r"\{(start|end|now)(?::(iso|date|compact|seconds|milliseconds))?\}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A document: what to send, with the window filled in. Equal ones are fetched once."""

    method: str
    url: str
    params: str
    body: str
    rows: str | None
    pages: Pages | None


def wanted(url: str, query: HttpJsonQuery, ask: api.Ask[Any]) -> Wanted:
    """Return the document that a query is about. A place for the window is encoded for where it stands."""
    path = _filled(query.path, ask, lambda text: quote(text, safe=""))
    params, body = (json.dumps(_filled(part, ask, str), sort_keys=True) for part in (query.params, query.body))
    rows = query.rows if query.pages else None
    return Wanted(query.method, url.rstrip("/") + path, params, body, rows, query.pages)


def _filled(value: Any, ask: api.Ask[Any], encode: Callable[[str], str]) -> Any:
    """Return the value with {start}, {end} and {now} replaced, wherever they stand in it."""
    if isinstance(value, Mapping):
        return {key: _filled(each, ask, encode) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, ask, encode) for each in value]
    if not isinstance(value, str):
        return value
    times = {"start": ask.start, "end": ask.now, "now": ask.now}
    return _WINDOW.sub(lambda place: encode(_spelled(times[place[1]].astimezone(UTC), place[2])), value)


def _spelled(at: datetime, form: str | None) -> str:
    seconds = int(at.timestamp())
    days = {"date": f"{at:%F}", "compact": f"{at:%Y%m%d}"}
    return {**days, "seconds": str(seconds), "milliseconds": str(seconds * 1000)}.get(form or "iso", f"{at:%FT%TZ}")
