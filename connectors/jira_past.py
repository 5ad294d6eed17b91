"""Turns the change log of a Jira issue into transitions of its work item; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.jira_dialect import Dialect
from connectors.jira_items import STATES, need, points_of
from connectors.transitions import Row, told
from okr_sync.connector import ItemState, ProtocolError, Transition, WorkItem

_PARENT = ("parent", "Parent", "IssueParentAssociation")
_MILLISECONDS = 10**11  # what is larger counts milliseconds: in seconds it would lie three thousand years ahead
_ORDER: tuple[ItemState, ...] = ("open", "in_progress", "done")


@dataclass(frozen=True, slots=True)
class End:
    """A value in the log: its id where it has one, and its text. Neither: nothing."""

    id: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the log. `subject` is status, resolution, parent, epic, or the id of a points field."""

    at: datetime
    subject: str
    before: End
    after: End


@dataclass(frozen=True, slots=True)
class Words:
    """What the log's ids mean now: status → state, resolution → name; keys of epics (in capitals) → id."""

    states: Mapping[str, ItemState]
    resolutions: Mapping[str, str]
    issues: Mapping[str, str | None]


def read_states(statuses: Any) -> dict[str, ItemState]:
    """Return status id → state from the list of statuses; raises ProtocolError when it is none."""
    if not isinstance(statuses, list):
        raise ProtocolError("the answer to GET status is no list of statuses", fix="check `url`: is it a Jira site?")
    keys = {str(need(each, "id")): need(each, "statusCategory", "key") for each in statuses}
    return {id_: STATES[key] for id_, key in keys.items() if key in STATES}


def read_log(histories: Iterable[Any], dialect: Dialect) -> list[Change]:
    """Return what a log says about the fields that count, oldest first; changes of one instant in order of their ids.

    Raises ProtocolError when an entry has no instant, no number, or no list of items.
    """
    entries = sorted(histories, key=lambda each: (instant_of(each), _number(each)))
    return [
        Change(instant_of(entry), subject, _end(item, "from", "fromString"), _end(item, "to", "toString"))
        for entry in entries
        for item in items_of(entry)
        if (subject := subject_of(item, dialect))
    ]


def read_transitions(item: WorkItem, log: Sequence[Change], words: Words, dialect: Dialect) -> list[Transition]:
    """Return the transitions of an item from its whole log, oldest first.

    A status that exists no more counts as the less finished of its neighbours in the log, and as open where the log
    begins with it. Of several points fields the first that had a value counted then, as it does now.
    """
    changes = told(item.id, "state", _states(item, log, words))
    changes += told(item.id, "resolution", _of(log, "resolution", lambda end: _resolution(end, words)))
    changes += told(item.id, "points", _points(item, log, dialect))
    above = list(_of(log, _above(item, dialect), lambda end: end.id or words.issues.get((end.text or "").upper())))
    changes += told(item.id, "parent", above)
    if item.kind != "subtask":
        changes += told(item.id, "container", above)
    return sorted(changes, key=lambda each: each.at)


def learn_resolutions(item: WorkItem, log: Sequence[Change]) -> dict[str, str]:
    """Return what the id of an item's present resolution is called now: logs keep the name of their day."""
    last = next((each.after.id for each in reversed(log) if each.subject == "resolution"), None)
    return {last: item.resolution} if last and item.resolution else {}


def keys_only(log: Iterable[Change]) -> set[str]:
    """Return the keys, in capitals, of issues above that the log names without their id."""
    ends = [end for each in log if each.subject in ("parent", "epic") for end in (each.before, each.after)]
    return {end.text.upper() for end in ends if end.text and not end.id}


def instant_of(entry: Any) -> datetime:
    """Return when an entry was made. Jira documents a text, but shows a number since 1970 in changelog/bulkfetch."""
    raw = need(entry, "created")
    try:
        time = datetime.fromtimestamp(_seconds(raw), UTC) if type(raw) is int else datetime.fromisoformat(raw)
    except (ValueError, TypeError, OverflowError, OSError):
        time = None
    if time is None or time.tzinfo is None:
        raise ProtocolError(f"the change log has an entry without an instant: {str(raw)[:40]!r}")
    return time.astimezone(UTC)


def _number(entry: Any) -> int:
    number = str(need(entry, "id"))
    if not number.isdecimal():
        raise ProtocolError(f"the change log has an entry with the number {number[:40]!r}")
    return int(number)


def items_of(entry: Any) -> list[Any]:
    """Return the lines of an entry; raises ProtocolError when it has no list of them."""
    items = need(entry, "items")
    if not isinstance(items, list):
        raise ProtocolError("the change log has an entry without a list of items")
    return items


def _seconds(number: int) -> float:
    return number / 1000 if number >= _MILLISECONDS else number


def subject_of(item: Any, dialect: Dialect) -> str | None:
    """Return what a line is about; Data Center, and Cloud for parents, tell the field's name only."""
    names = (item.get("fieldId"), item.get("field")) if isinstance(item, dict) else ()
    for name in (each for each in names if isinstance(each, str)):
        if name in ("status", "resolution"):
            return name
        if name in _PARENT:
            return "epic" if dialect.cloud else "parent"
        if name in dialect.logged:
            return dialect.logged[name]
    return None


def _end(item: Mapping[str, Any], id_: str, text: str) -> End:
    found, said = item.get(id_), item.get(text)
    return End(str(found) if found else None, str(said) if said else None)


def _above(item: WorkItem, dialect: Dialect) -> str:
    """Return where the log tells what stands above: Data Center has one field for sub-tasks and one for the others."""
    return "parent" if item.kind == "subtask" and not dialect.cloud else "epic"


def _of(log: Iterable[Change], subject: str, value: Any) -> Iterator[Row]:
    return ((each.at, value(each.before), value(each.after)) for each in log if each.subject == subject)


def _resolution(end: End, words: Words) -> str | None:
    return words.resolutions.get(end.id or "", end.text or "") or None


def _states(item: WorkItem, log: Iterable[Change], words: Words) -> Iterator[Row]:
    moves = [each for each in log if each.subject == "status"]
    known = [words.states.get(end.id or "") for each in moves for end in (each.before, each.after)]
    left, right = _carried(known, "open"), _carried(known[::-1], item.state)[::-1]
    states = [min(pair, key=_ORDER.index) for pair in zip(left, right, strict=True)]
    return ((each.at, *pair) for each, pair in zip(moves, zip(states[::2], states[1::2], strict=True), strict=True))


def _carried(states: Iterable[ItemState | None], first: ItemState) -> list[ItemState]:
    """Return the states, each unknown one replaced by the one before it."""
    carried = []
    for state in states:
        first = state or first
        carried.append(first)
    return carried


def _points(item: WorkItem, log: Iterable[Change], dialect: Dialect) -> Iterator[Row]:
    changes = [each for each in log if each.subject in dialect.points]
    values = _first_values(item, changes, dialect)
    for each in changes:
        before = _counted(values, dialect)
        values[each.subject] = each.after.text
        yield each.at, before, _counted(values, dialect)


def _first_values(item: WorkItem, changes: Sequence[Change], dialect: Dialect) -> dict[str, str | None]:
    """Return each points field's text before the log. A field that the log never names is taken to hold the item's
    points where no other does now, else nothing.
    """
    last = {each.subject: each.after.text for each in changes}
    first = {each.subject: each.before.text for each in reversed(changes)}
    silent = [name for name in dialect.points if name not in last]
    if silent and item.points is not None and _counted(last, dialect) != str(item.points):
        first[silent[0]] = str(item.points)
    return first


def _counted(values: Mapping[str, str | None], dialect: Dialect) -> str | None:
    raw = next((values[name] for name in dialect.points if values.get(name) is not None), None)
    points = points_of(raw) if raw is not None else None
    return None if points is None else str(points)
