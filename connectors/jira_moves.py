"""Tells by change logs which issues came from where nobody counted them: as many may have been deleted meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from connectors.jira_dialect import Dialect
from connectors.jira_items import Found
from connectors.jira_logs import JiraLogs
from connectors.jira_past import instant_of, items_of, subject_of

MOST = 1000  # issues whose logs are read; of more it is simpler to list all ids


class Moves:
    """Reads the logs of one site; `dialect` is how it speaks."""

    def __init__(self, logs: JiraLogs, dialect: Dialect) -> None:
        self._logs = logs
        self._dialect = dialect

    def brought(self, found: Collection[Found], since: int, projects: Collection[str]) -> bool:
        """Return whether any of these issues may have come since an instant (ms since 1970) to where all are counted:
        into one of `projects`, or below any epic. One whose log is not told whole may have.
        """
        if len(found) > MOST:
            return True
        logs = self._logs.moves([each.item.id for each in found]) if found else {}
        return any(
            each.item.id not in logs
            or came(logs[each.item.id], since, self._dialect, near=each.item.key.rpartition("-")[0] in projects)
            for each in found
        )


def came(log: Iterable[Any], since: int, dialect: Dialect, *, near: bool) -> bool:
    """Return whether an issue came since an instant (ms since 1970) to where all are counted, by its raw log.

    `near`: it is in a project whose issues are all counted. What stood below an epic was counted wherever it was.
    """
    start = datetime.fromtimestamp(since / 1000, UTC)
    lines = [line for entry in sorted(log, key=instant_of) if instant_of(entry) >= start for line in items_of(entry)]
    above = next((line for line in lines if subject_of(line, dialect) == "epic"), None)
    if above is not None and (above.get("from") or above.get("fromString")):
        return False
    return any(line.get("field") in ("project", "Key") for line in lines) if near else above is not None
