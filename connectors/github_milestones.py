"""Brings the issues and pull requests of GitHub milestones, by number or by title over many repositories."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Protocol

from pydantic import AwareDatetime, BaseModel, ValidationError

from connectors.github_graphql import GraphqlTransport
from connectors.github_histories import Teller, tell_past
from connectors.github_http import Client
from connectors.github_items import Contents, Milestone
from connectors.github_rest import RestTransport
from connectors.github_scopes import GithubSettings, MilestoneQuery, resolve
from okr_sync.connector import Caller, DeliverySource, LookUp, Members, Miss, Page, Transition, WorkItem


class Transport(Teller, Protocol):
    """One way of asking GitHub; both ways give equal facts."""

    def viewer(self) -> str:
        """Return who the token belongs to."""
        ...

    def refresh(self, ids: Sequence[str]) -> dict[str, Milestone] | None:
        """Return these milestones as they are now; None when they must be listed anew."""
        ...

    def contents(self, milestones: Sequence[Milestone]) -> Iterator[Contents]:
        """Yield the milestones with their items."""
        ...

    def look_up(self, ids: Sequence[str], known: Mapping[str, WorkItem]) -> LookUp:
        """Return what became of items."""
        ...


class _Cursor(BaseModel):
    """What the next pull may start from: ids by ref, and how each milestone looked when its items were read."""

    scopes: str
    full_at: AwareDatetime
    refs: dict[str, list[str]]
    marks: dict[str, str]


class GithubMilestones(DeliverySource):
    """Delivery source `github_milestones`."""

    kind: ClassVar[str] = "github_milestones"
    summary: ClassVar[str] = "Issues and pull requests of GitHub milestones"
    Settings = GithubSettings
    Query = MilestoneQuery
    HISTORY = True
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
        token = settings.token.get_secret_value().strip()
        self._client = Client(settings.url, token, settings, self.caller)
        self._transport: Transport
        if settings.api == "rest":
            self._transport = RestTransport(self._client, self.caller, with_labels=settings.labels)
        else:
            self._transport = GraphqlTransport(
                self._client, self.caller, batch=settings.batch, with_labels=settings.labels
            )

    def probe(self) -> str:
        """Return who we are at GitHub. Raises SourceError when the token or the address is wrong."""
        return f"signed in as {self._transport.viewer()} at {self.settings.url}"

    def pull(self, scopes: Mapping[str, MilestoneQuery], cursor: str | None, now: datetime) -> Iterator[Page]:
        """Yield the items of milestones that changed since `cursor`, then scopes, other milestones and the cursor.

        A milestone changed when its updatedAt or one of its counts did. Everything is read anew when the scopes
        differ, a milestone vanished, or the last full reading is older than `full_every_hours`.
        """
        past = self._past(scopes, cursor, now)
        chosen = self._choose(scopes, past)
        milestones = {
            each.container.id: each for some in chosen.values() if not isinstance(some, Miss) for each in some
        }
        marks = {id_: past.marks[id_] for id_ in milestones if id_ in past.marks} if past else {}
        changed = [each for id_, each in milestones.items() if marks.get(id_) != each.mark]
        for read in self._transport.contents(changed) if changed else ():
            del milestones[read.milestone.container.id]
            marks[read.milestone.container.id] = read.milestone.mark if read.whole else ""
            yield _page(read)
        refs = {ref: [each.container.id for each in some] for ref, some in chosen.items() if not isinstance(some, Miss)}
        following = _Cursor(
            scopes=self._fingerprint(scopes), full_at=past.full_at if past else now, refs=refs, marks=marks
        )
        yield Page(
            containers=tuple(each.container for each in milestones.values()),
            scopes={ref: tuple(dict.fromkeys(ids)) for ref, ids in refs.items()},
            misses={ref: some for ref, some in chosen.items() if isinstance(some, Miss)},
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

    def _past(self, scopes: Mapping[str, MilestoneQuery], cursor: str | None, now: datetime) -> _Cursor | None:
        """Return the cursor if it fits these scopes and is young enough."""
        try:
            past = _Cursor.model_validate_json(cursor or "")
        except ValidationError:
            return None  # none yet, or from another version: everything is read anew
        age = now - past.full_at
        is_young = timedelta(0) <= age < timedelta(hours=self.settings.full_every_hours)
        return past if is_young and past.scopes == self._fingerprint(scopes) else None

    def _fingerprint(self, scopes: Mapping[str, MilestoneQuery]) -> str:
        asked = {ref: query.model_dump(mode="json") for ref, query in scopes.items()}
        settings = [self.settings.url, self.settings.api, self.settings.labels]
        return hashlib.sha256(json.dumps([settings, asked], sort_keys=True).encode()).hexdigest()

    def _choose(
        self, scopes: Mapping[str, MilestoneQuery], past: _Cursor | None
    ) -> dict[str, tuple[Milestone, ...] | Miss]:
        """Return the milestones of each scope: those of last time as they are now, the others out of full lists."""
        chosen: dict[str, tuple[Milestone, ...] | Miss] = {}
        ids = sorted({id_ for some in past.refs.values() for id_ in some}) if past else []
        known = self._transport.refresh(ids) if ids else None
        if past and known:
            again = {ref: tuple(known[id_] for id_ in some) for ref, some in past.refs.items()}
            chosen = {ref: some for ref, some in again.items() if all(scopes[ref].names_still(each) for each in some)}
        others = {ref: query for ref, query in scopes.items() if ref not in chosen}
        repos = list(dict.fromkeys(name for query in others.values() for name in query.names))
        listed = self._transport.milestones(repos) if repos else {}
        return chosen | {ref: resolve(query, listed) for ref, query in others.items()}


def _page(read: Contents) -> Page:
    container = read.milestone.container
    members = Members(container.id, frozenset(item.id for item in read.items), whole=read.whole)
    return Page(items=read.items, containers=(container,), members=(members,))
