"""Jira's single issues and the change logs of one or many, and the ways in which logs go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from okr_sync.sandbox.issues import View
from okr_sync.sandbox.jira_resources import asked_issues, page, seen
from okr_sync.sandbox.jira_visit import JiraError, Visit, texts, whole
from okr_sync.sandbox.server import Response

_BULK = ("issueIdsOrKeys", "fieldIds", "maxResults", "nextPageToken")
_MOST = 10_000
"""Entries on a page of many issues' logs."""
_TOKEN = "The provided next page token is invalid or has expired."  # noqa: S105 -- an error text


@dataclass(slots=True)
class LogQuirks:
    """How change logs differ. `cap`: an issue brings only so many of its newest entries along, the rest comes by
    pages, which Data Center has only then. `page_limit`: entries on a page of many logs. `epoch`: these have
    milliseconds since 1970 in place of texts. `keys_only`: issues above are named by key, without id. `repeat_token`
    and `empty_page`: pages that don't go on.
    """

    cap: int | None = None
    page_limit: int = _MOST
    epoch: bool = False
    keys_only: bool = False
    repeat_token: bool = False
    empty_page: bool = False


class ChangeLogs:
    """Answers for single issues and for change logs."""

    def __init__(self, quirks: LogQuirks) -> None:
        self._quirks = quirks

    def issue(self, visit: Visit) -> Response:
        """Return one issue by id or any key it has had; with `expand=changelog`, with its change log."""
        view = visit.issue(unquote(visit.address.path.removeprefix("issue/")))
        shape = visit.writer.issue(view, visit.many("fields") or ["*all"])
        if "changelog" in visit.many("expand"):
            log = self._histories(visit, view)
            shown = log if self._quirks.cap is None else log[-self._quirks.cap :]
            shape["changelog"] = {"startAt": 0, "maxResults": len(shown), "total": len(log), "histories": shown}
        return Response.of(shape)

    def one(self, visit: Visit) -> Response:
        """Return a page of one issue's change log, oldest change first."""
        if visit.flavour == "dc" and self._quirks.cap is None:
            raise JiraError(404, "null for uri")
        id_or_key = unquote(visit.address.path.split("/")[1])
        view = visit.issue(id_or_key)
        return page(visit, f"issue/{id_or_key}/changelog", self._histories(visit, view), default=100)

    def many(self, visit: Visit) -> Response:
        """Return change logs of up to 1000 issues, oldest change first, a page at a time."""
        body = visit.body(_BULK)
        only = texts(body.get("fieldIds") or [], "fieldIds", 10)
        limit = whole(1000 if body.get("maxResults") is None else body["maxResults"], "maxResults", least=1)
        if limit > _MOST:
            raise JiraError(400, f"'maxResults' must be at most {_MOST}.")
        start = _start(body.get("nextPageToken"))
        views = seen(visit, asked_issues(body, 1000))
        rows = [(view.id, row) for view in views for row in self._histories(visit, view, only)]
        shown = rows[start : start + min(limit, self._quirks.page_limit)]
        if start and self._quirks.empty_page:
            shown = []
        payload: dict[str, Any] = {"issueChangeLogs": self._by_issue(shown)}
        if start + len(shown) < len(rows):
            following = start if self._quirks.repeat_token and start else start + len(shown)
            payload["nextPageToken"] = f"changes:{following}"
        return Response.of(payload)

    def _by_issue(self, rows: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
        logs: dict[str, list[dict[str, Any]]] = {}
        for id_, row in rows:
            logs.setdefault(id_, []).append(_in_numbers(row) if self._quirks.epoch else row)
        return [{"issueId": id_, "changeHistories": log} for id_, log in logs.items()]

    def _histories(self, visit: Visit, view: View, only: list[str] | None = None) -> list[dict[str, Any]]:
        log = visit.writer.histories(visit.world.issues[view.id], visit.now, only or ())
        return [_without_ids(entry) for entry in log] if self._quirks.keys_only else log


def _in_numbers(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "created": round(datetime.fromisoformat(entry["created"]).timestamp() * 1000)}


def _without_ids(entry: dict[str, Any]) -> dict[str, Any]:
    above = {"Epic Link", "Parent", "IssueParentAssociation"}
    bare = {"from": None, "to": None}
    return {**entry, "items": [item | (bare if item["field"] in above else {}) for item in entry["items"]]}


def _start(token: Any) -> int:
    if token is None:
        return 0
    if not isinstance(token, str) or not token.startswith("changes:"):
        raise JiraError(400, _TOKEN)
    return whole(token.removeprefix("changes:"), "nextPageToken")
