"""States as JSON text: what `latest` keeps of them, equal text for equal states."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from pydantic import TypeAdapter

from okr_sync.core.snapshot import InitiativeState, KeyResultState, ObjectiveState
from okr_sync.errors import StoreError

Kind: TypeAlias = Literal["objective", "key_result", "initiative"]
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


def instant(at: datetime) -> str:
    """Return an instant as canonical text: ISO 8601 in UTC, ending in Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _text(id_: str, body: object) -> str:
    try:
        return json.dumps(body, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except ValueError as error:
        raise StoreError(f"{id_} has a number that is not finite; please report this, nothing was saved.") from error
