"""Changes between two snapshots as JSON."""

from __future__ import annotations

import json
from typing import Any

from okr_sync.core.changes import Change, describe
from okr_sync.core.definition import canonical


def change_document(change: Change) -> dict[str, Any]:
    """Return one change: its mark (+ ~ -), what it is about, each field that differs, and the line for people."""
    return {
        "mark": change.mark,
        "subject": change.subject,
        "id": change.id,
        "fields": [
            {"name": each.name, "before": _plain(each.before), "after": _plain(each.after)} for each in change.fields
        ],
        "text": describe(change),
    }


def _plain(value: object) -> Any:
    return json.loads(canonical(value))
