"""Reads metrics from what a command prints: one number, or JSON lines; identical commands run once."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from connectors.program_settings import Command, ProgramSettings
from connectors.programs import find, run
from okr_sync import connector as api

_NUMBER = re.compile(rb"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_KEYS = {"ref", "value", "time", "evidence"}


class ExecSettings(ProgramSettings):
    """The program, and how it is run."""

    command: Command = Field(description="the program and its words, as a list; no shell reads them")


class ExecQuery(api.Query):
    """One number out of what the command prints."""

    args: tuple[str, ...] = Field((), description="more words, after those of the source")
    ref: str | None = Field(None, description="the lines that count, where the command prints lines with a `ref`")


class Exec(api.MetricSource):
    """A metric source over a program of one's own; a line with a time is a reading of its own."""

    kind = "exec"
    summary = "Numbers that a command of yours prints"
    Settings = ExecSettings
    Query = ExecQuery
    permissions = "The program runs as the user that runs okr-sync, with the environment listed and nothing else."
    example = """\
sources:
  warehouse:
    kind: exec
    command: [./bin/stock, --json]
    env: {STOCK_TOKEN: "${STOCK_TOKEN}", LANG: C.UTF-8}
    timeout: 30
metrics:
  pallets: {source: warehouse, ref: pallets}
  returns: {source: warehouse, args: [--returns]}
"""

    def probe(self) -> str:
        """Return which program would run. Raises AccessError when there is none that we may run; runs nothing."""
        return f"{find(self.settings.command, self.settings)} can be run"

    def read(self, ask: api.Ask[Any]) -> api.Answer:
        """Return one outcome for every ref; a command that fails is a Miss of those who asked it.

        Raises the first failure when every command failed.
        """
        commands = list(dict.fromkeys((*self.settings.command, *query.args) for query in ask.queries.values()))
        printed = dict(zip(commands, self.caller.map(self._run, commands), strict=True))
        failures = [each for each in printed.values() if isinstance(each, api.SourceError)]
        if failures and len(failures) == len(commands):
            raise failures[0]
        return {
            ref: _answer(printed[(*self.settings.command, *query.args)], query, ask)
            for ref, query in ask.queries.items()
        }

    def _run(self, command: tuple[str, ...]) -> bytes | api.SourceError:
        try:
            return self.caller.call(lambda: run(command, self.settings))
        except api.SourceError as error:
            return error


def _answer(printed: bytes | api.SourceError, query: ExecQuery, ask: api.Ask[Any]) -> api.Outcome:
    if isinstance(printed, api.SourceError):
        denied = isinstance(printed, api.AccessError)
        return api.Miss("denied" if denied else "unreachable", f"{printed}; {printed.fix}")
    try:
        found = list(_readings(printed, query.ref))
    except (ValueError, OverflowError, RecursionError) as error:
        return api.Miss("invalid", f"the command printed what is no answer: {error}")
    if len(found) > 1 and any(reading.time is None for reading in found):
        return api.Miss("invalid", f"the command printed {len(found)} values; give each a `time`, or print one")
    inside = {each.time: each for each in found if each.time is None or ask.start <= each.time <= ask.now}
    if inside:
        return tuple(sorted(inside.values(), key=lambda reading: reading.time or ask.now))
    wanted = "value" if query.ref is None else f"line with the ref {query.ref!r}"
    where = f"from {ask.start:%F} to {ask.now:%F}" if found else "at all"
    return api.Miss("no_data", f"the command printed no {wanted} {where}")


def _readings(printed: bytes, ref: str | None) -> Iterator[api.Reading]:
    """Yield a reading for the number, or for each line with `ref`. Raises ValueError that names the line."""
    if _NUMBER.fullmatch(printed) and ref is None:
        yield api.Reading(_finite(float(printed), "the number"), None, "printed by the command")
        return
    for number, line in enumerate(printed.decode("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        said = _object(line, f"line {number}")
        if said.get("ref") == ref:
            yield _reading(said, f"line {number}")
        elif ref is None:
            raise ValueError(f"line {number} is about {said['ref']!r}; name the lines that count by `ref`")


def _object(line: str, place: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"{place} is neither a number nor JSON; print one number, or a JSON object a line") from error
    if not isinstance(said, dict) or "value" not in said or set(said) - _KEYS:
        raise ValueError(f"{place} is no object of value, and of ref, time and evidence if you like")
    return said


def _reading(said: dict[str, Any], place: str) -> api.Reading:
    value, time, evidence = said["value"], said.get("time"), said.get("evidence", "")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{place}: the value is a {type(value).__name__} where a number belongs")  # noqa: TRY004
    return api.Reading(_finite(value, place), _instant(time, place), str(evidence) or f"printed on {place}")


def _finite(value: float, place: str) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{place} is {value}, which is no number to calculate with")
    return float(value)


def _instant(text: Any, place: str) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}: {text!r} is no time like 2026-10-31T12:00:00Z") from error
    if time.tzinfo is None:
        raise ValueError(f"{place}: {text!r} names no zone; write it like 2026-10-31T12:00:00Z")
    return time.astimezone(UTC)
