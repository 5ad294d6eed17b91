"""States as JSON text: what `latest` keeps of them, equal text for equal states.

Fields that have their default are left out: that is half of a body, and half of the time that reading thousands takes.
So a default is part of how states are kept: where another one becomes right, a field needs another name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, Literal, TypeAlias, TypeVar

from pydantic import TypeAdapter

from okr_sync.core.facts import SourceState
from okr_sync.core.freshness import oldest
from okr_sync.core.snapshot import InitiativeState, KeyResultState, ObjectiveState
from okr_sync.errors import StoreError
from okr_sync.store.statements import batches
from okr_sync.store.unpacking import Columns, Unpacking, parsed

Kind: TypeAlias = Literal["objective", "key_result", "initiative"]
Read = TypeVar("Read")
State: TypeAlias = ObjectiveState | KeyResultState | InitiativeState

VOLATILE = frozenset({"as_of", "expected"})
"""Fields that follow the clock: they are worked out when read, and nothing is written when only they changed."""

AT_ONCE = 128  # bodies that are parsed before states are made of them: with more, they leave the processor's cache
OBJECTIVE = TypeAdapter(ObjectiveState)
KEY_RESULT = TypeAdapter(KeyResultState)
INITIATIVE = TypeAdapter(InitiativeState)


def objective_body(state: ObjectiveState) -> str:
    """Return the objective as JSON. Raises StoreError when a number is not finite."""
    return _text(state.id, OBJECTIVE.dump_python(state, mode="json", exclude_defaults=True))


def key_result_body(state: KeyResultState) -> str:
    """Return the key result as JSON without what is volatile. Raises StoreError when a number is not finite."""
    said = KEY_RESULT.dump_python(state, mode="json", exclude=set(VOLATILE), exclude_defaults=True)
    return _text(state.id, said)


def initiative_body(state: InitiativeState) -> str:
    """Return the initiative as JSON without what is volatile. Raises StoreError when a number is not finite."""
    return _text(state.id, INITIATIVE.dump_python(state, mode="json", exclude={"as_of"}, exclude_defaults=True))


def read_objectives(texts: Sequence[str]) -> tuple[ObjectiveState, ...]:
    """Return the objectives that bodies say."""
    way: Unpacking[ObjectiveState] = _way(ObjectiveState)
    return _read(texts, way, OBJECTIVE)


def read_key_results(texts: Sequence[str], sources: Mapping[str, SourceState]) -> tuple[KeyResultState, ...]:
    """Return the key results that bodies say; as of when they are by `sources`, where there are any."""
    way: Unpacking[KeyResultState] = _way(KeyResultState)
    return _read(texts, way, KEY_RESULT, partial(_dated, sources, "value") if sources else None)


def read_initiatives(texts: Sequence[str], sources: Mapping[str, SourceState]) -> tuple[InitiativeState, ...]:
    """Return the initiatives that bodies say; as of when they are by `sources`, where there are any."""
    way: Unpacking[InitiativeState] = _way(InitiativeState)
    return _read(texts, way, INITIATIVE, partial(_dated, sources, "total") if sources else None)


def _read(
    texts: Sequence[str],
    way: Unpacking[Read],
    adapter: TypeAdapter[Read],
    later: Callable[[Columns], Columns] | None = None,
) -> tuple[Read, ...]:
    read: list[Read] = []
    for some in batches(texts, AT_ONCE):
        read += way.read(list(map(parsed, some)), partial(_validated, adapter, some), later)
    return tuple(read)


def _validated(adapter: TypeAdapter[Read], texts: Sequence[str], place: int) -> Read:
    return adapter.validate_json(texts[place])


def _dated(sources: Mapping[str, SourceState], number: str, columns: Columns) -> Columns:
    """Return as of when those are that have a `number`."""
    having = zip(columns[number], columns["inputs"], strict=True)
    return {"as_of": [None if value is None else oldest(inputs, sources) for value, inputs in having]}


@cache
def _way(cls: type[Any]) -> Unpacking[Any]:
    return Unpacking(cls, VOLATILE)


def instant(at: datetime) -> str:
    """Return an instant as canonical text: ISO 8601 in UTC, ending in Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _text(id_: str, body: object) -> str:
    try:
        return json.dumps(body, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except ValueError as error:
        raise StoreError(f"{id_} has a number that is not finite; please report this, nothing was saved.") from error
