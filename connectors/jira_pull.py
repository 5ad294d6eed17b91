"""Answers scopes of Jira: everything below them, or what changed since the last answer."""

from __future__ import annotations

import json
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from connectors.jira_asked import (
    Scopes,
    digest,
    ids_of,
    keys_of,
    lost_of,
    misses_of,
    queries_of,
    query_container,
    refusals_of,
    why_not,
)
from connectors.jira_changes import Changes
from connectors.jira_held import Cursor, Tree, load_cursor
from connectors.jira_items import Epic, container_of
from connectors.jira_logs import JiraLogs
from connectors.jira_moves import Moves
from connectors.jira_reach import LEVELS, Reach, among, too_deep, watched
from connectors.jira_search import JiraSearch
from connectors.jira_settings import JiraSettings
from okr_sync.connector import Caller, Container, LookUp, Mirrored, Miss, Page, WorkItem

_MINUTE = 60_000  # ms
_HOUR = 3_600_000  # ms; as often the site is asked whether its fields are still those
_UNKNOWN = -1  # issues: no site shows so many
_NEVER = 1 << 53  # ms since 1970; a full reading that is yet to come is none, whatever `full_every_hours` says


class JiraPull:
    """Pulls scopes of one site; remembers from a pull what spares requests when items are looked up after it."""

    def __init__(self, search: JiraSearch, logs: JiraLogs, caller: Caller, settings: JiraSettings) -> None:
        self._search = search
        self._logs = logs
        self._caller = caller
        self._settings = settings
        self._tree = Tree()
        self._absent: set[str] = set()  # ids that could not be found

    def pages(self, scopes: Scopes, cursor: str | None, now: datetime, mirror: Mirrored | None) -> Iterator[Page]:
        """Yield what changed since `cursor` if it and the mirror can tell, else everything."""
        at, asked = round(now.timestamp() * 1000), self._fingerprint(scopes)
        last = self._last(cursor, asked, at)
        if last is None or mirror is None or not (yield from self._later(scopes, last, at, mirror)):
            self._search.ask_anew()
            dialect = self._search.dialect
            self._search.resolutions.recall(_names_at(dialect.address, cursor))
            yield from self._everything(scopes, Cursor(self._until(at), at, asked, dialect, heard=at))

    def look_up(self, ids: frozenset[str], known: Mapping[str, WorkItem]) -> LookUp:
        """Return what became of issues: those left out are gone if their project is still there to be seen."""
        found = tuple(each.item for each in self._search.items(sorted(ids - self._absent), self._tree.ids()))
        missing = ids - {item.id for item in found}
        projects = {id_: known[id_].key.rpartition("-")[0] for id_ in missing if id_ in known}
        visible = self._search.visible(set(projects.values()))  # asked when they are missed: it may be lost meanwhile
        gone = frozenset(id_ for id_, project in projects.items() if project in visible)
        return LookUp(found, gone, missing - gone)

    def _fingerprint(self, scopes: Scopes) -> str:
        """Return a hash of all that makes the answer another one: what is asked, of whom, and what is pinned of it."""
        asked, settings = sorted({scope.model_dump_json() for scope in scopes.values()}), self._settings
        return digest(json.dumps([asked, settings.url, settings.deployment, settings.points_field]))

    def _last(self, cursor: str | None, asked: str, at: int) -> Cursor | None:
        """Return the cursor when a pull at `at` may start from it; None: everything must be read."""
        last = load_cursor(cursor)
        if last is None or last.asked != asked or not 0 <= at - last.full < self._settings.full_every_hours * _HOUR:
            return None
        return last if last.since <= at else None  # else it was written while a clock was ahead

    def _until(self, at: int) -> int:
        """Return from when on the next pull asks (ms since 1970): a while before this one, as an index may be late."""
        return self._search.until(at) - round(self._settings.overlap_minutes * _MINUTE)

    def _later(self, scopes: Scopes, last: Cursor, at: int, mirror: Mirrored) -> Generator[Page, None, bool]:
        """Yield what changed since `last`; return whether that could be told."""
        self._search.recall(last.dialect)
        self._search.resolutions.recall(last.resolutions)
        if not 0 <= at - last.heard < _HOUR and not self._search.speaks_still():
            return False
        lost = [key for key in keys_of(scopes) if key not in last.epics]
        found = self._search.epics(lost) if lost else {}
        bad = {key: why_not(key, found.get(key), last.epics) for key in lost}
        if not all(bad.values()):
            return False
        moves = Moves(self._logs, self._search.dialect)
        changes = Changes(self._search, moves, mirror, last, queries_of(scopes))
        if not changes.tell(lambda: self._until(at)):
            return False
        self._tree, self._absent = last.tree, changes.absent
        yield from changes.told
        misses = {**misses_of(scopes, bad), **refusals_of(scopes, changes.refused)}
        cursor = changes.cursor()
        yield self._end(scopes, misses, (), replace(cursor, heard=at) if self._search.heard else cursor)
        return True

    def _everything(self, scopes: Scopes, start: Cursor) -> Iterator[Page]:
        keys = keys_of(scopes)
        found = self._search.epics(keys)
        bad = {key: why_not(key, found.get(key), found) for key in keys}
        misses = misses_of(scopes, bad)
        good = {ref: scope for ref, scope in scopes.items() if ref not in misses}
        epics = {found[key].id: found[key] for scope in good.values() for key in scope.epics}
        tree, queries = self._plant(epics.values()), queries_of(good)
        reach = Reach(self._search, self._caller, tree, queries)
        places = watched(self._search, tree, ())
        count = self._count(places, start.since)
        self._tree, self._absent = tree, set()
        yield from reach.everything()
        ids = {key: found[key].id for key in keys if bad[key] is None}
        lost = lost_of({ref: ids_of(scope, ids) for ref, scope in good.items()}, reach.lost())
        after = watched(self._search, tree, reach.seen.projects)
        if after != places and not lost:
            count = self._count(after, start.since)
        cursor = replace(
            start,
            epics=ids,
            tree=tree,
            projects=reach.seen.projects,
            types=reach.seen.types,
            subtasks=reach.seen.subtasks,
            count=count,
        )
        containers = tuple(container_of(each.item) for _, each in sorted(epics.items()) if each.item is not None)
        end = self._end(scopes, {**misses, **lost, **refusals_of(good, reach.refused)}, containers, cursor)
        yield replace(end, cursor=None) if lost else end

    def _count(self, projects: Iterable[str], before: int) -> int:
        return self._search.count(f"{among(self._search, projects)} AND created < {before}")

    def _plant(self, epics: Collection[Epic]) -> Tree:
        """Return the tree of these epics, with what stands between one and another far above it."""
        ahead = [epic.item for epic in epics if epic.item is not None]
        tree = Tree({item.id: item.key for item in ahead})
        if not any(epic.level > 1 for epic in epics):
            ahead = [item for item in ahead if item.parent in tree]
        between: dict[str, WorkItem] = {}
        stands = {item.id: item for item in ahead}
        for _ in range(LEVELS):
            unknown = {item.parent for item in stands.values() if item.parent} - stands.keys() - tree.roots.keys()
            found = {each.item.id: each.item for each in self._search.items(sorted(unknown), {})} if unknown else {}
            if not found:
                break
            between |= found
            stands |= found
        else:
            raise too_deep(item.key for item in found.values())
        while [item for item in (*between.values(), *ahead) if tree.put(item.id, item.key, item.parent)]:
            pass
        return tree

    def _end(self, scopes: Scopes, misses: Mapping[str, Miss], epics: tuple[Container, ...], cursor: Cursor) -> Page:
        """Return the last page: the scopes with their containers, and where the next pull may start.

        What was listed in two parts, and was deleted or moved from page to page between them, no count tells: the next
        pull lists all ids.
        """
        dialect = self._search.dialect
        good = {ref: scope for ref, scope in scopes.items() if ref not in misses}
        queries = tuple(query_container(id_, jql, dialect) for id_, jql in queries_of(good).items())
        ids = {ref: ids_of(scope, cursor.epics) for ref, scope in good.items()}
        count = _UNKNOWN if self._caller.goes_on else cursor.count
        resolutions = self._search.resolutions
        full = _NEVER if resolutions.renamed else cursor.full  # else some items would keep a name that nobody has now
        following = replace(cursor, count=count, full=full, resolutions=resolutions.names())
        return Page(containers=(*epics, *queries), scopes=ids, misses=misses, cursor=following.dump())


def _names_at(address: str, cursor: str | None) -> Mapping[str, str]:
    """Return what resolutions were called at the last pull, whatever was asked then, if it was of the same site."""
    last = load_cursor(cursor)
    return last.resolutions if last is not None and last.dialect.address == address else {}
