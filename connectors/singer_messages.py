"""Reads what a Singer tap prints, and asks one what it could print."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from okr_sync import connector as api

FIX = "see what the tap prints when it is run by hand"


@dataclass(slots=True)
class Said:
    """What a tap said of one stream: its records, the names that make one unique, and its last state."""

    records: list[dict[str, Any]] = field(default_factory=list)
    keys: tuple[str, ...] = ()
    state: Any = None


def heard(printed: bytes, tap: str, stream: str) -> Said:
    """Return what the tap said of `stream`. Raises ProtocolError that names the line that is no Singer message."""
    said = Said()
    for number, line in enumerate(printed.splitlines(), 1):
        if not line.strip():
            continue
        message = _object(line, f"line {number} of {tap}")
        kind = message.get("type")
        if kind == "STATE":
            said.state = message.get("value")
        elif message.get("stream") == stream and kind == "SCHEMA":
            said.keys = tuple(map(str, message.get("key_properties") or ()))
        elif message.get("stream") == stream and kind == "RECORD":
            said.records.append(_record(message, f"line {number} of {tap}"))
        elif not isinstance(kind, str):
            raise api.ProtocolError(f"line {number} of {tap} is no Singer message: it has no type", fix=FIX)
    return said


def _object(text: bytes, place: str) -> dict[str, Any]:
    try:
        message = json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise api.ProtocolError(f"{place} is no JSON", fix=FIX) from error
    if not isinstance(message, dict):
        raise api.ProtocolError(f"{place} is a {type(message).__name__}, no object", fix=FIX)
    return message


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _record(message: dict[str, Any], place: str) -> dict[str, Any]:
    record = message.get("record")
    if not isinstance(record, dict):
        raise api.ProtocolError(f"{place} is a RECORD without a record", fix=FIX)
    return record


def selected(printed: bytes, tap: str, stream: str, fields: Iterable[str]) -> dict[str, Any]:
    """Return the catalog with that one stream and these fields chosen.

    Raises ProtocolError when it can't be read, SourceError when it has no such stream.
    """
    streams = _object(printed, f"the catalog of {tap}").get("streams")
    if not isinstance(streams, list) or not all(isinstance(each, dict) for each in streams):
        raise api.ProtocolError(f"the catalog of {tap} has no list of streams", fix=FIX)
    known = {str(each.get("stream", each.get("tap_stream_id"))): each for each in streams}
    if stream not in known:
        near = get_close_matches(stream, known, n=1) or sorted(known)
        raise api.SourceError(f"{tap} has no stream {stream!r}", fix=f"correct `stream`; there is: {', '.join(near)}")
    chosen = known[stream]
    wanted = [[], *(["properties", name] for name in sorted(set(fields)))]
    written = chosen.get("metadata")
    metadata = [each for each in written if isinstance(each, dict)] if isinstance(written, list) else []
    for breadcrumb in wanted:
        found = next((each for each in metadata if each.get("breadcrumb") == breadcrumb), None)
        if found is None:
            metadata.append({"breadcrumb": breadcrumb, "metadata": {"selected": True}})
        else:
            found["metadata"] = {**(found.get("metadata") or {}), "selected": True}
    return {"streams": [{**chosen, "metadata": metadata}]}
