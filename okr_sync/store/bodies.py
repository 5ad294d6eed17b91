"""States as JSON text: what `latest` keeps of them, equal text for equal states."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, Literal, TypeAlias, TypeVar

from pydantic import TypeAdapter

from okr_sync.core.facts import SourceState
from okr_sync.core.freshness import oldest
from okr_sync.core.snapshot import InitiativeState, KeyResultState, ObjectiveState
from okr_sync.errors import StoreError
from okr_sync.store.unpacking import Unpacking, parsed

Kind: TypeAlias = Literal["objective", "key_result", "initiative"]
Read = TypeVar("Read")
State: TypeAlias = ObjectiveState | KeyResultState | InitiativeState

VOLATILE = frozenset({"as_of", "expected"})
"""Fields that follow the clock: they are worked out when read, and nothing is written when only they changed."""

OBJECTIVE = TypeAdapter(ObjectiveState)
KEY_RESULT = TypeAdapter(KeyResultState)
INITIATIVE = TypeAdapter(InitiativeState)


def objective_body(state: ObjectiveState) -> str:
    """Return the objective as JSON. Raises StoreError when a number is not finite."""
    return _text(state.id, OBJECTIVE.dump_python(state, mode="json"))


def key_result_body(state: KeyResultState) -> str:
    """Return the key result as JSON without what is volatile. Raises StoreError when a number is not finite."""
    return _text(state.id, KEY_RESULT.dump_python(state, mode="json", exclude=set(VOLATILE)))


def initiative_body(state: InitiativeState) -> str:
    """Return the initiative as JSON without what is volatile. Raises StoreError when a number is not finite."""
    return _text(state.id, INITIATIVE.dump_python(state, mode="json", exclude={"as_of"}))


def read_objective(text: str) -> ObjectiveState:
    """Return the objective that a body says."""
    way: Unpacking[ObjectiveState] = _way(ObjectiveState)
    return _read(text, way, OBJECTIVE)


def read_key_result(text: str, sources: Mapping[str, SourceState]) -> KeyResultState:
    """Return the key result that a body says; as of when it is by `sources`, where there are any."""
    way: Unpacking[KeyResultState] = _way(KeyResultState)
    return _read(text, way, KEY_RESULT, sources, "value")


def read_initiative(text: str, sources: Mapping[str, SourceState]) -> InitiativeState:
    """Return the initiative that a body says; as of when it is by `sources`, where there are any."""
    way: Unpacking[InitiativeState] = _way(InitiativeState)
    return _read(text, way, INITIATIVE, sources, "total")


def _read(
    text: str,
    way: Unpacking[Read],
    adapter: TypeAdapter[Read],
    sources: Mapping[str, SourceState] | None = None,
    number: str = "",
) -> Read:
    """Return what a body says, dated by `sources` where there are any and it has a `number`."""
    body = parsed(text)
    if not way.knows(body):
        return adapter.validate_json(text)
    return way.build(body, partial(_date, sources) if sources and body[number] is not None else None)


def _date(sources: Mapping[str, SourceState], made: Any) -> None:
    made.as_of = oldest(made.inputs, sources)


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
