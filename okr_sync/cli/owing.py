"""`owed`: who owes which value or check-in, as data for reminders."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from okr_sync.cli.exits import DONE
from okr_sync.cli.output import emit, say
from okr_sync.cli.place import AsOf, Json, Place, reading_time
from okr_sync.cli.stores import reader
from okr_sync.config import load
from okr_sync.render.words import clean
from okr_sync.sync.owing import Owed, owed_at


def owed(
    *,
    days: Annotated[int, Parameter(validator=Number(gte=0), help="Count values that end within so many days.")] = 7,
    place: Place | None = None,
    as_of: AsOf = None,
    json: Json = False,
) -> int:
    """List who owes what: typed values that are missing or end soon, key results that were never checked in."""
    config = load((place or Place()).config_file(), os.environ)
    now = reading_time(as_of)
    with reader(place).reading() as session:
        found = owed_at(session, config, now, timedelta(days=days))
    people = dict(config.book.people)
    if json:
        emit({"as_of": _instant(now), "owed": [_person(owner, people, own) for owner, own in _by_owner(found)]})
    else:
        say("\n".join(_lines(found, people)) or "nobody owes anything")
    return DONE


def _by_owner(found: tuple[Owed, ...]) -> list[tuple[str | None, list[Owed]]]:
    return [(owner, list(own)) for owner, own in groupby(found, key=lambda each: each.owner)]


def _person(owner: str | None, people: dict[str, str], own: list[Owed]) -> dict[str, Any]:
    return {"owner": owner, "name": people.get(owner or ""), "items": [_item(each) for each in own]}


def _item(each: Owed) -> dict[str, Any]:
    names = ("key_result", "title", "debt", "reason")
    return {**{name: getattr(each, name) for name in names}, "until": _instant(each.until)}


def _lines(found: tuple[Owed, ...], people: dict[str, str]) -> list[str]:
    lines = []
    for owner, own in _by_owner(found):
        lines.append(clean(people.get(owner or "", owner or "without an owner")))
        lines += [f"  {clean(each.title)} [{clean(each.key_result)}]: {clean(each.reason)}" for each in own]
    return lines


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
