"""Brings the issues of GitLab's milestones, epics and labels over its REST API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import chain
from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel, ValidationError

from connectors.gitlab_lists import Lists, told_once
from connectors.gitlab_named import PLANNER, GitlabNames, grant_of, there
from connectors.gitlab_rows import ALL, GitlabQuery, GitlabSettings, Issue, Place, Row, places
from okr_sync.connector import Caller, DeliverySource, Grant, Http, LookUp, Members, Miss, Named, Page, WorkItem

_NEWEST = {**ALL, "order_by": "updated_at", "sort": "desc", "per_page": 1}


class _Cursor(BaseModel):
    asked: str
    full_at: AwareDatetime
    marks: dict[str, str] = {}


class Gitlab(DeliverySource):
    """A delivery source over REST v4."""

    kind = "gitlab"
    summary = "Issues of GitLab milestones, epics and labels"
    Settings = GitlabSettings
    Query = GitlabQuery
    permissions = "The token needs the scope read_api, and the role Planner or Reporter in each project and group."
    example = """\
sources:
  lab: {kind: gitlab, token: "${GITLAB_TOKEN}"}
objectives:
  - id: helpful
    title: People are helped
    initiatives:
      - id: assistant
        title: Build the assistant
        delivery:
          - {source: lab, projects: [acme/app, acme/api], milestone: "Assistant 1.0"}
          - {source: lab, group: acme, epic: 7}
"""

    def __init__(self, settings: GitlabSettings, caller: Caller | None = None) -> None:
        super().__init__(settings, caller)
        self._http = Http(self.caller, settings, auth=settings.token)
        self._lists = Lists(self._http, f"{settings.url}/api/v4")

    def probe(self) -> str:
        """Return who we are at GitLab. Raises SourceError."""
        rows, _ = self._lists.all("/user", Row, {})
        return f"signed in as {rows[0].place} at {self.settings.url}"

    def grant(self) -> Grant | None:
        """Return the scopes and the end of the token. Raises SourceError."""
        return grant_of(self._http, f"{self.settings.url}/api/v4")

    def resolve(self, questions: Mapping[str, GitlabQuery], now: datetime) -> Iterator[Named]:
        """Yield what projects, milestones and epics are. Raises SourceError."""
        return GitlabNames(self._lists, there(self._lists, self.caller, questions)).named(questions)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def pull(self, scopes: Mapping[str, GitlabQuery], cursor: str | None, now: datetime) -> Iterator[Page]:
        """Yield the issues of all places but those of projects in which nothing changed since `cursor`; then scopes."""
        past = self._past(scopes, cursor, now)
        named = there(self._lists, self.caller, scopes)
        found = {ref: places(query, named) for ref, query in scopes.items()}
        held = {ref: some for ref, some in found.items() if not isinstance(some, Miss)}
        every = {each.container.id: each for each in chain.from_iterable(held.values())}
        projects = list(dict.fromkeys(each.project for each in every.values() if each.project))
        marks = dict(zip(projects, self.caller.map(self._mark, projects), strict=True))
        quiet = {project for project, mark in marks.items() if mark and past.marks.get(project) == mark}
        read = [each for each in every.values() if each.project not in quiet]
        for page in self.caller.map(self._contents, read):
            marks.update({every[each.container].project: "" for each in page.members if not each.whole})
            yield page
        yield Page(
            containers=tuple(each.container for each in every.values()),
            scopes={ref: tuple(dict.fromkeys(each.container.id for each in some)) for ref, some in held.items()},
            misses={ref: some for ref, some in found.items() if isinstance(some, Miss)},
            cursor=past.model_copy(update={"marks": marks}).model_dump_json(),
        )

    def look_up(self, ids: frozenset[str], known: Mapping[str, WorkItem]) -> LookUp:
        """Return what became of issues; one is gone only where the token would see it if it were there."""
        projects: dict[str, list[WorkItem]] = {}
        for id_ in sorted(ids & known.keys()):
            projects.setdefault(known[id_].key.rpartition("#")[0], []).append(known[id_])
        pieces = [(name, some[at : at + 100]) for name, some in projects.items() for at in range(0, len(some), 100)]
        answers = list(self.caller.map(lambda piece: self._again(*piece), pieces))
        found = tuple(item for each in answers for item in each.found)
        gone = frozenset(id_ for each in answers for id_ in each.gone)
        return LookUp(found, gone, ids - gone - {item.id for item in found})

    def _past(self, scopes: Mapping[str, GitlabQuery], cursor: str | None, now: datetime) -> _Cursor:
        questions = [self.settings.url, {ref: query.model_dump() for ref, query in scopes.items()}]
        asked = hashlib.sha256(json.dumps(questions, sort_keys=True).encode()).hexdigest()
        fresh = _Cursor(asked=asked, full_at=now)
        try:
            past = _Cursor.model_validate_json(cursor or "")
        except ValidationError:
            return fresh  # none yet, or from another version: everything is read anew
        is_young = timedelta(0) <= now - past.full_at < timedelta(hours=self.settings.full_every_hours)
        return past if is_young and past.asked == asked else fresh

    def _mark(self, project: str) -> str:
        """Return what changes with every issue of a project; empty where GitLab doesn't count them, above 10,000."""
        newest, answer = self._lists.page(f"{project}/issues", Issue, _NEWEST)
        total = answer.headers.get("x-total")
        return f"{total} {[(row.id, row.updated_at.isoformat()) for row in newest]}" if total else ""

    def _contents(self, place: Place) -> Page:
        rows, answer = self._lists.all(place.path, Issue, place.asked)
        here = {row.id: row for row in rows}
        total = told_once(place.container.key, rows, answer)
        kept = (row for row in here.values() if not row.moved_to_id and place.milestone in (None, row.milestone))
        items = tuple(row.item() for row in kept)
        ids, whole = frozenset(item.id for item in items), total in (None, len(here))  # else rows moved between pages
        return Page(items, members=(Members(place.container.id, ids, whole),))

    def _again(self, name: str, items: list[WorkItem]) -> LookUp:
        project, ids = f"/projects/{quote(name, safe='')}", {item.id for item in items}
        asked = {**ALL, "iids[]": [item.key.rpartition("#")[2] for item in items]}
        rows, answer = self._lists.all(f"{project}/issues", Issue, asked, (200, 404))
        found = tuple(row.item() for row in rows if str(row.id) in ids)
        lost = frozenset(ids - {item.id for item in found})
        if answer.status == 404 or not lost:
            return LookUp(found)
        roles = self._lists.all(project, Row, {})[0][0].permissions.values()
        is_seen = any(role and role.get("access_level", 0) >= PLANNER for role in roles)
        return LookUp(found, lost if is_seen else frozenset())
