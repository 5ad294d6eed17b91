"""Brings the issues and pull requests of GitHub milestones, by number or by title over many repositories."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import AwareDatetime, BaseModel, ValidationError

from connectors.github_graphql import GraphqlTransport
from connectors.github_histories import tell_past
from connectors.github_http import Client
from connectors.github_items import ENDINGS, Contents, Milestone, odd
from connectors.github_named import GithubNames, grant_of
from connectors.github_queries import Wanted
from connectors.github_questions import Learnt, Questions
from connectors.github_rest import RestTransport
from connectors.github_scopes import MilestoneQuery, resolve
from connectors.github_settings import GithubSettings
from connectors.github_transport import Transport
from okr_sync.connector import Caller, DeliverySource, Grant, LookUp, Members, Miss, Named, Page, Transition, WorkItem

_POINTS = {"url", "points_field", "project"}
_ASKED = {"url", "api", "labels", "points_field", "project", "only_types", "except_types"}


class _Cursor(BaseModel):
    """What the next pull may start from: ids by ref, and how each milestone looked when its items were read.

    `points` says where points were asked for: what was learnt of projects counts while that stays.
    """

    scopes: str
    full_at: AwareDatetime
    refs: dict[str, list[str]]
    marks: dict[str, str]
    learnt: Learnt = Learnt()
    points: str = ""


class GithubMilestones(DeliverySource):
    """Delivery source `github_milestones`."""

    kind: ClassVar[str] = "github_milestones"
    summary: ClassVar[str] = "Issues and pull requests of GitHub milestones"
    Settings = GithubSettings
    Query = MilestoneQuery
    HISTORY = True
    RESUMES = True
    permissions = (
        "A fine-grained token needs read access to Issues and Pull requests; a classic one `repo`, or nothing."
    )
    example = """\
sources:
  code:
    kind: github_milestones
    token: ${GITHUB_TOKEN}
objectives:
  - id: helpful
    title: People are helped
    initiatives:
      - id: assistant
        title: Build the assistant
        delivery:
          - {source: code, repos: [acme/app, acme/api], milestone: "Assistant 1.0"}
          - {source: code, repo: acme/site, milestones: [7, 9]}
"""

    def __init__(self, settings: GithubSettings, caller: Caller | None = None) -> None:
        super().__init__(settings, caller)
        self._client = Client(settings.url, settings.sign_in(), settings, self.caller)
        self._transport: Transport
        if settings.api == "rest":
            self._transport = RestTransport(self._client, self.caller, settings.types, with_labels=settings.labels)
        else:
            wanted = Wanted(settings.labels, settings.points_field, settings.types.chosen)
            questions = Questions(self._client, self.caller, wanted, settings.batch)
            self._transport = GraphqlTransport(questions, settings.project, settings.types)

    def probe(self) -> str:
        """Return who we are at GitHub. Raises SourceError when the token or the address is wrong."""
        return f"signed in as {self._transport.viewer()} at {self.settings.url}"

    def grant(self) -> Grant | None:
        """Return the scopes and the end of the token. Raises SourceError."""
        return grant_of(self._client)

    def resolve(self, questions: Mapping[str, MilestoneQuery], now: datetime) -> Iterator[Named]:
        """Yield what repositories and milestones are. Raises SourceError."""
        types = {"only_types": self.settings.only_types, "except_types": self.settings.except_types}
        return GithubNames(self._client, self.caller, self._transport, types).named(questions)

    def resolutions(self) -> tuple[str, ...]:
        """Return how issues and pull requests can end at GitHub."""
        return ENDINGS

    def pull(self, scopes: Mapping[str, MilestoneQuery], cursor: str | None, now: datetime) -> Iterator[Page]:
        """Yield the items of milestones that changed since `cursor`, then scopes, other milestones and the cursor.

        A milestone changed when its updatedAt or one of its counts did. Everything is read anew when the scopes
        differ, a milestone vanished, or the last full reading is older than `full_every_hours`.
        """
        last = _read(cursor)
        past = last if last and self._is_fit(last, scopes, now) else None
        self._transport.recall(past.learnt if past else self._lasting(last))
        chosen = self._choose(scopes, past)
        milestones = {
            each.container.id: each for some in chosen.values() if not isinstance(some, Miss) for each in some
        }
        marks = {id_: past.marks[id_] for id_ in milestones if id_ in past.marks} if past else {}
        changed = [each for id_, each in milestones.items() if marks.get(id_) != each.mark]
        held: dict[str, str] = {}  # item → its milestone as told last, where parts of a pull may differ
        lists: list[Members] = []
        misfits: dict[str, Miss] = {}
        for read in self._contents(changed, misfits) if changed else ():
            del milestones[read.milestone.container.id]
            marks[read.milestone.container.id] = read.milestone.mark
            page = _page(read)
            if self.caller.goes_on:
                held.update(dict.fromkeys((item.id for item in page.items), read.milestone.container.id))
                lists += page.members
                page = replace(page, members=())
            yield page
        yield Page(members=tuple(_last_told(each, held) for each in lists))
        marks |= dict.fromkeys(misfits, "")
        refs = {ref: [each.container.id for each in some] for ref, some in chosen.items() if not isinstance(some, Miss)}
        following = _Cursor(
            scopes=self._fingerprint(scopes),
            full_at=past.full_at if past else now,
            refs=refs,
            marks=marks,
            learnt=self._learnt(past),
            points=self._points(),
        )
        misses = {ref: some for ref, some in chosen.items() if isinstance(some, Miss)}
        misses |= {ref: misfits[id_] for ref, ids in refs.items() for id_ in ids if id_ in misfits}
        yield Page(
            containers=tuple(each.container for id_, each in milestones.items() if id_ not in misfits),
            scopes={ref: tuple(dict.fromkeys(ids)) for ref, ids in refs.items() if ref not in misses},
            misses=misses,
            cursor=following.model_dump_json(),
        )

    def look_up(self, ids: frozenset[str], known: Mapping[str, WorkItem]) -> LookUp:
        """Return what became of items; one is gone only when its repository can still be seen."""
        return self._transport.look_up(sorted(ids), known) if ids else LookUp()

    def past(self, items: Mapping[str, WorkItem], since: datetime, now: datetime) -> Iterator[tuple[Transition, ...]]:
        """Yield what the events of `items` say about [since, now]; raises SourceError."""
        return tell_past(self._transport, items, since, now)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _contents(self, changed: Sequence[Milestone], misfits: dict[str, Miss]) -> Iterator[Contents]:
        """Yield the milestones with their items. Where these are not as many as counted, both are read once more: an
        item may come or leave between a count and a list. What doesn't fit then either is told in `misfits`, by id.
        """
        doubtful: list[Milestone] = []
        for read in self._transport.contents(changed):
            if read.whole:
                yield read
            else:
                doubtful.append(read.milestone)
        for read in self._transport.again(doubtful) if doubtful else ():
            if read.whole:
                yield read
            else:
                misfits[read.milestone.container.id] = odd(read.milestone)

    def _is_fit(self, held: _Cursor, scopes: Mapping[str, MilestoneQuery], now: datetime) -> bool:
        """Return whether the cursor is of these scopes and young enough."""
        is_young = timedelta(0) <= now - held.full_at < timedelta(hours=self.settings.full_every_hours)
        return is_young and held.scopes == self._fingerprint(scopes)

    def _lasting(self, last: _Cursor | None) -> Learnt:
        """Return what is still known where everything is read anew: sizes stay for good, and the projects that points
        were read from; what the schema lacks is found out again.
        """
        if last is None:
            return Learnt()
        projects = last.learnt.projects if last.points == self._points() else {}
        return Learnt(sizes=last.learnt.sizes, projects=projects)

    def _learnt(self, past: _Cursor | None) -> Learnt:
        """Return what is known now; of projects, what was known before where not everything was read."""
        learnt = self._transport.learnt()
        return learnt.model_copy(update={"projects": (past.learnt.projects if past else {}) | learnt.projects})

    def _points(self) -> str:
        return json.dumps(self.settings.model_dump(mode="json", include=_POINTS), sort_keys=True)

    def _fingerprint(self, scopes: Mapping[str, MilestoneQuery]) -> str:
        asked = {ref: query.model_dump(mode="json") for ref, query in scopes.items()}
        settings = self.settings.model_dump(mode="json", include=_ASKED)
        return hashlib.sha256(json.dumps([settings, asked], sort_keys=True).encode()).hexdigest()

    def _choose(
        self, scopes: Mapping[str, MilestoneQuery], past: _Cursor | None
    ) -> dict[str, tuple[Milestone, ...] | Miss]:
        """Return the milestones of each scope: those of last time as they are now, the others out of full lists."""
        chosen: dict[str, tuple[Milestone, ...] | Miss] = {}
        ids = sorted({id_ for some in past.refs.values() for id_ in some}) if past else []
        known = self._transport.refresh(ids) if ids else {}
        for ref, some in past.refs.items() if past else ():
            again = tuple(known[id_] for id_ in some if id_ in known)
            if len(again) == len(some) and all(scopes[ref].names_still(each) for each in again):
                chosen[ref] = again
        others = {ref: query for ref, query in scopes.items() if ref not in chosen}
        repos = list(dict.fromkeys(name for query in others.values() for name in query.names))
        listed = self._transport.milestones(repos) if repos else {}
        for ref, query in others.items():
            found = resolve(query, listed)
            # A list has no counts: what is known by id says more of whether it changed.
            chosen[ref] = (
                found if isinstance(found, Miss) else tuple(known.get(each.container.id, each) for each in found)
            )
        return chosen


def _read(cursor: str | None) -> _Cursor | None:
    """Return what the last pull left; None where there is none yet, or one of another version."""
    try:
        return _Cursor.model_validate_json(cursor or "")
    except ValidationError:
        return None


def _last_told(members: Members, held: Mapping[str, str]) -> Members:
    """Return what a milestone holds: not what was seen in another one after that."""
    here = frozenset(item for item in members.items if held[item] == members.container)
    return replace(members, items=here)


def _page(read: Contents) -> Page:
    container = read.milestone.container
    members = Members(container.id, frozenset(item.id for item in read.items), whole=True)
    return Page(items=read.items, containers=(container,), members=(members,))
