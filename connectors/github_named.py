"""Finds out what the names in questions to GitHub lead to: repositories, the right to read them, milestones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Protocol

from connectors.github_answers import NotThereError
from connectors.github_fields import Fields
from connectors.github_grants import read_grant
from connectors.github_http import Client
from connectors.github_items import Milestone
from connectors.github_scopes import MilestoneQuery, resolve
from okr_sync.connector import AccessError, Caller, Grant, Miss, MissKind, Named, UnauthorizedError

_CLOSE = 0.75  # likeness from which another name is worth naming


class Lister(Protocol):
    """What lists milestones, by GraphQL or by REST."""

    def milestones(self, repos: Sequence[str]) -> Mapping[str, list[Milestone] | Miss]:
        """Return all milestones of each repository; a Miss for one that can't be seen."""
        ...


def grant_of(client: Client) -> Grant | None:
    """Return what a token may do; None for an App, which is no user. Raises SourceError."""
    try:
        return read_grant(client.get("/user").headers)
    except UnauthorizedError:
        raise
    except AccessError:
        return None


class GithubNames:
    """One look at all names."""

    def __init__(self, client: Client, caller: Caller, lister: Lister, types: Mapping[str, Sequence[str]]) -> None:
        self._client = client
        self._caller = caller
        self._lister = lister
        self._types = types  # names of issue types by the setting that they stand in

    def named(self, questions: Mapping[str, MilestoneQuery]) -> Iterator[Named]:
        """Yield for each question its repositories, then its milestones; raises SourceError."""
        names = list(dict.fromkeys(name for query in questions.values() for name in query.names))
        listed = dict(self._lister.milestones(names)) if names else {}
        seen = [name for name in names if not isinstance(listed[name], Miss)]
        refused = dict(zip(seen, self._caller.map(self._refusal, seen), strict=True))
        told = {name: self._told(name, listed[name], refused.get(name)) for name in names}
        for ref, query in questions.items():
            for name in query.names:
                yield Named(ref, ("repo",) if query.repo else ("repos", query.repos.index(name)), *told[name])
            yield from _milestones(ref, query, {name: listed[name] for name in query.names if name in refused})
        yield from self._named_types([name for name in seen if not refused[name]])

    def _named_types(self, repos: Sequence[str]) -> Iterator[Named]:
        """Yield each issue type that is chosen; owners have types, so one repository of each is asked."""
        if not any(self._types.values()) or not repos:
            return
        asked = list({name.partition("/")[0].casefold(): name for name in repos}.values())
        there = {name.casefold(): name for names in self._caller.map(self._types_in, asked) for name in names}
        for setting, names in self._types.items():
            for number, name in enumerate(names):
                said, miss = _told_type(name, there)
                yield Named("", (setting, number), said, miss)

    def _types_in(self, repo: str) -> list[str]:
        """Return the names of the issue types of a repository; none where the server or the owner has none."""
        try:
            rows = self._client.get(f"/repos/{repo}/issue-types").payload
        except NotThereError:
            return []
        return [Fields(row, "issue type").text("name") for row in rows]

    def _told(self, name: str, found: list[Milestone] | Miss, refusal: str | None) -> tuple[str, MissKind | None]:
        if isinstance(found, Miss):
            return f"{found.message}{self._nearest(name)}", found.why
        if refusal:
            return f"{name}: {refusal}", "denied"
        now = next((each.repo for each in found), name)
        renamed = f", which is {now} now" if now.casefold() != name.casefold() else ""
        return f"{name}{renamed}: milestones: {len(found)}", None

    def _refusal(self, repo: str) -> str:
        """Return why the token may not read issues or pull requests; empty when it may."""
        for what in ("issues", "pulls"):
            try:
                self._client.get(f"/repos/{repo}/{what}", {"per_page": 1, "state": "all"})
            except UnauthorizedError:
                raise
            except AccessError as error:
                return f"{error}; {error.fix}"
        return ""

    def _nearest(self, repo: str) -> str:
        """Return the name most alike among the repositories of the owner that the token sees, the first hundred."""
        owner = repo.partition("/")[0]
        for kind in ("orgs", "users"):
            try:
                rows = self._client.get(f"/{kind}/{owner}/repos", {"per_page": 100, "sort": "pushed"}).payload
            except (NotThereError, AccessError):
                continue  # no such owner, or nothing that this token may list: then there is no name to suggest
            names = [Fields(row, "repository").text("full_name") for row in rows]
            near = get_close_matches(repo, names, 1, _CLOSE)
            return f"; did you mean {near[0]}?" if near else ""
        return ""


def _told_type(name: str, there: Mapping[str, str]) -> tuple[str, MissKind | None]:
    if name.casefold() in there:
        return f"issue type {there[name.casefold()]}", None
    near = get_close_matches(name.casefold(), there, 1)
    hint = f"; did you mean {there[near[0]]}?" if near else f"; there are {', '.join(sorted(there.values())) or 'none'}"
    return f"no issue type {name!r}{hint}", "not_found"


def _milestones(ref: str, query: MilestoneQuery, listed: Mapping[str, list[Milestone] | Miss]) -> Iterator[Named]:
    """Yield each milestone that is asked for, as far as its repositories can be seen."""
    for number, wanted in enumerate(query.wanted if listed else ()):
        one = MilestoneQuery(repos=tuple(listed), milestone=wanted)
        found = resolve(one, listed)
        path = ("milestone",) if query.milestone is not None else ("milestones", number)
        if isinstance(found, Miss):
            yield Named(ref, path, found.message, found.why)
        else:
            yield Named(ref, path, f"{wanted!r}: {', '.join(sorted({each.repo for each in found}))}")
