"""Tells what changed in Jira since the last pull, in a handful of requests where nothing did.

What changed is asked for in one list; what a list of changes can't tell (deletions, lost permission) shows in the
number of issues that are older than the last pull. Only when that is not what it must be, or may be so by chance, are
the ids of all children listed and compared with the mirror.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from connectors.jira_failures import RefusedError
from connectors.jira_held import Cursor
from connectors.jira_items import Found
from connectors.jira_moves import Moves
from connectors.jira_reach import LEVELS, Seen, among, below_clause, most_epics, watched
from connectors.jira_search import JiraSearch, chunks, quoted
from okr_sync.connector import Container, Members, Mirrored, Page, WorkItem

MOST = 20_000  # changed issues; with more, everything is read anew


class UnsureError(Exception):
    """Only a reading of everything can tell."""


class Changes:
    """One walk through what changed since `last`, whose tree and projects it brings up to date.

    `count` is the number to compare with next time, `refused` says which queries Jira refused, in its words. `absent`
    are ids that can't be found any more, `told` is what there is to say, all of it or nothing.
    """

    def __init__(
        self, search: JiraSearch, moves: Moves, mirror: Mirrored, last: Cursor, queries: Mapping[str, str]
    ) -> None:
        self._search = search
        self._moves = moves
        self._mirror = mirror
        self._last = last
        self._tree = last.tree
        self._queries = queries
        self._ids = last.tree.ids()
        self._told: set[str] = set()  # issues whose state and place are known from this walk
        self._parts: dict[str, Found] = {}  # sub-tasks that changed, whoever holds them
        self._held: set[str] = set()  # of those in this walk that epics held before it
        self._present: set[int] | None = None  # sub-tasks that are there, once they were listed
        self.seen = Seen()
        self.count = last.count
        self.until = last.since
        self.refused: dict[str, str] = {}
        self.absent: set[str] = set()
        self.told: list[Page] = []

    def cursor(self) -> Cursor:
        """Return where the next pull may start."""
        return replace(
            self._last,
            since=self.until,
            projects=self._last.projects | self.seen.projects,
            types=self._last.types | self.seen.types,
            subtasks=self._last.subtasks or self.seen.subtasks,
            count=self.count,
        )

    def tell(self, until: Callable[[], int]) -> bool:
        """Put what changed up to an instant (ms since 1970), from which on is asked next time, into `told`.

        `until` tells it once the site has answered. Return whether all can be told: not so when a project or epic is
        there no more, or too much changed.
        """
        try:
            self.told += self._changed(until)
            for container in self._queries:
                self.told += self._query(container)
        except (RefusedError, UnsureError):
            return False
        return True

    def _changed(self, until: Callable[[], int]) -> Iterator[Page]:
        places, since = watched(self._search, self._tree, self._last.projects), self._last.since
        here = among(self._search, places)
        changed = self._list(f"{here} AND updated >= {since}")
        if any(each.lacking for each in changed) and not self._search.speaks_still():
            raise UnsureError
        now = self.until = until()
        counted = frozenset(self._ids.values())
        yield from self._take(changed)
        older = self._search.count(f"{here} AND created < {since}")
        born = sum(each.item.created is not None and since <= _ms(each.item) < now for each in changed)
        self.count = older + born
        hidden = self._mirror.hidden()
        shown, uncounted = self._shown_again(hidden), not hidden.keys().isdisjoint(self._told)
        if (
            older != self._last.count
            or shown
            or uncounted
            or self._moves.brought(self._strangers(changed, counted), since, places)
        ):
            yield from self._census()
        yield from self._clear((self._young() | shown) - self._told)
        after = watched(self._search, self._tree, self._last.projects | self.seen.projects)
        if after != places:
            self.count = self._search.count(f"{among(self._search, after)} AND created < {now}")

    def _strangers(self, changed: Collection[Found], counted: Collection[str]) -> list[Found]:
        """Return the old issues among these that may not have been counted last time: if as many were deleted as came,
        the count is as it was.
        """
        known = self._held.union(counted)
        return [each for each in changed if each.item.id not in known and _ms(each.item) < self._last.since]

    def _list(self, jql: str) -> list[Found]:
        found: dict[str, Found] = {}
        for page in self._search.pages(jql, self._ids):
            found.update((each.item.id, each) for each in page)
            if len(found) > MOST:
                raise UnsureError
        return list(found.values())

    def _take(self, found: list[Found]) -> Iterator[Page]:
        """Yield these issues as far as they concern us, and what moved with the containers among them."""
        containers: list[Container] = []
        done: set[str] = set()
        moved = self._move(found, containers)
        for _ in range(LEVELS):
            self._told.update(each.item.id for each in found)
            self._parts.update((each.item.id, each) for each in found if each.item.kind == "subtask")
            yield self._settle(found)
            moved = {id_: key for id_, key in moved.items() if id_ not in done}
            if not moved:
                yield Page(containers=tuple(containers))
                return
            done |= moved.keys()
            found = self._below(moved)
            inner = {each.item.id: each.item.key for each in found if each.item.id in self._tree}
            moved = {**inner, **self._move(found, containers)}
        raise UnsureError

    def _move(self, found: list[Found], containers: list[Container]) -> dict[str, str]:
        """Bring the tree up to date; return the containers, id → key, whose items are held by others now."""
        moved: dict[str, str] = {}
        some = [each.item for each in found if each.item.kind == "container" or each.item.id in self._tree]
        containers += [_container(item) for item in some if item.id in self._tree.roots]
        while again := {item.id: item.key for item in some if self._tree.put(item.id, item.key, item.parent)}:
            moved |= again
        return moved

    def _below(self, moved: Mapping[str, str]) -> list[Found]:
        """Return what stands directly below these containers."""
        clauses = [below_clause(self._search, keys) for keys in chunks(list(moved.values()), most_epics(self._search))]
        return [each for clause in clauses for each in self._list(clause)]

    def _settle(self, found: Collection[Found]) -> Page:
        """Return these issues and their sub-tasks, each with the containers that hold it now."""
        self._ids = self._tree.ids()
        ours = {each.item.id for each in found}
        issues = [each for each in found if each.item.kind != "subtask"]
        parts = [each for each in found if each.item.kind == "subtask"]
        listed = {part: each for each in issues for part in each.subtasks}
        held = self._holders([*ours, *listed, *(each.item.parent or "" for each in parts)])
        self._held |= held.keys()
        where = {each.item.id: self._tree.roots_of(each.item.parent) for each in issues}
        new = [
            part
            for part, each in listed.items()
            if where[each.item.id] and part not in ours and (part not in held or self._came(each))
        ]
        unlisted = self._mirror.below([each.item.id for each in issues], "subtask")
        parts += [each for each in self._search.items(new, self._ids) if each.item.id in listed]
        placed = {id_: frozenset[str]() for id_ in unlisted if id_ not in listed and id_ not in ours}
        placed |= {part: where[each.item.id] for part, each in listed.items() if part in held}
        placed |= where
        for each in parts:
            parent = each.item.parent or ""
            placed[each.item.id] = where[parent] if parent in where else held.get(parent, frozenset())
        relevant = {id_: some for id_, some in placed.items() if some or id_ in held or id_ in unlisted}
        sent = tuple(each.item for each in (*issues, *parts) if each.item.id in relevant)
        self.seen.note(each for each in (*issues, *parts) if placed[each.item.id])
        return Page(items=sent, placed=relevant)

    def _came(self, found: Found) -> bool:
        """Return whether an issue is in a project where changes did not count until now: its sub-tasks came along."""
        return found.item.key.rpartition("-")[0] not in self._last.projects

    def _holders(self, ids: Collection[str]) -> dict[str, frozenset[str]]:
        """Return the mapped containers that hold issues by what is known; queries tell of theirs as a whole."""
        found = self._mirror.holders(ids)
        roots = {id_: holders & self._tree.roots.keys() for id_, holders in found.items()}
        return {id_: frozenset(holders) for id_, holders in roots.items() if holders}

    def _census(self) -> Iterator[Page]:
        """Yield what of the mirror is there no more or elsewhere, and what turned up without having changed."""
        self._present = self._list_subtasks()
        pieces = chunks(sorted(self._tree.keys().items()), most_epics(self._search))
        odd: set[str] = set()
        for piece, present in zip(pieces, self._search.ids_of_each(list(map(self._around, pieces))), strict=True):
            own = {id_ for id_, _ in piece}
            known = self._mirror.below(own).keys()
            there = (present - own) | (present & known)
            odd |= ((known ^ there) - self._told) | self._lost_subtasks(known)
            if own - present or len(odd) > MOST:
                raise UnsureError
        yield from self._clear(odd)

    def _young(self) -> set[str]:
        """Return the issues that are too young for the count, and are not among those that changed since."""
        since = datetime.fromtimestamp(self._last.since / 1000, UTC)
        return set(self._mirror.created_since(since) - self._told)

    def _shown_again(self, hidden: Mapping[str, str]) -> set[str]:
        """Return the hidden issues of projects that can be seen: they may have left meanwhile, and tell no count."""
        projects = {id_: key.rpartition("-")[0] for id_, key in hidden.items() if id_ not in self._told}
        visible = self._search.visible(set(projects.values()))
        return {id_ for id_, project in projects.items() if project in visible}

    def _around(self, piece: Collection[tuple[str, str]]) -> str:
        keys = [key for _, key in piece]
        return f"({below_clause(self._search, keys)} OR key in ({', '.join(keys)}))"

    def _list_subtasks(self) -> set[int]:
        """Return all sub-tasks of the projects: what has none of the types that are known not to be one, so that it is
        exact also for a type that is seen for the first time.
        """
        types = self._last.types | self.seen.types
        if not types or not (self._last.subtasks or self.seen.subtasks):
            return set()
        projects = ", ".join(map(quoted, sorted(self._last.projects | self.seen.projects)))
        ids = self._search.ids(f"project in ({projects}) AND issuetype not in ({', '.join(sorted(types))})")
        return set(map(int, ids))

    def _lost_subtasks(self, issues: Collection[str]) -> set[str]:
        """Return the mirrored sub-tasks of these issues that are there no more."""
        if self._present is None or not (self._last.subtasks or self.seen.subtasks):
            return set()
        return {part for part in self._mirror.below(issues, "subtask") if int(part) not in self._present} - self._told

    def _clear(self, odd: set[str]) -> Iterator[Page]:
        """Yield what became of issues that are not where they were, or where they were not."""
        if not odd:
            return
        found = self._search.items(sorted(odd), self._ids)
        absent = odd - {each.item.id for each in found}
        self.absent |= absent
        yield from self._take(found)
        lost = {*absent, *self._mirror.below(absent, "subtask")} - self._told
        held = self._holders(lost)
        yield Page(placed={id_: frozenset() for id_ in lost & held.keys()})

    def _query(self, container: str) -> list[Page]:
        """Return what a query finds now: what changed of it, what is new to it, and the ids of all."""
        jql = f"({self._queries[container]})"
        try:
            changed = self._list(f"{jql} AND updated >= {self._last.since}")
        except RefusedError as error:
            self.refused[container] = str(error)
            return []
        present = self._search.ids(jql)
        fresh = {each.item.id: each for each in changed}
        kept = present & self._mirror.holders(present).keys()
        new = self._search.items(sorted(present - kept - fresh.keys()), self._ids)
        fresh |= {each.item.id: each for each in new}
        members = kept | (present & fresh.keys())
        listed = {part for id_ in members & fresh.keys() for part in fresh[id_].subtasks}
        below = self._mirror.below(members, "subtask")
        gone = {part for part, parent in below.items() if parent in fresh} - listed
        changed_parts = {id_: each for id_, each in self._parts.items() if each.item.parent in members}
        elsewhere = self._parts.keys() - changed_parts.keys()
        fresh |= changed_parts
        known = (below.keys() | listed | changed_parts.keys()) - gone - elsewhere - self._lost_subtasks(members)
        unread = known - fresh.keys() - self._mirror.holders(known).keys()
        parts = {each.item.id: each for each in self._search.items(sorted(unread), self._ids)}
        found = [*(fresh[id_] for id_ in sorted((members | known) & fresh.keys())), *parts.values()]
        self.seen.note(found)
        whole = members | (known - unread) | parts.keys()
        return [
            Page(items=tuple(each.item for each in found), members=(Members(container, frozenset(whole), whole=True),))
        ]


def _container(item: WorkItem) -> Container:
    return Container(
        item.id, item.key, item.title, item.url, "epic", item.state, item.resolution, due=item.due, done_at=item.done_at
    )


def _ms(item: WorkItem) -> int:
    return round(item.created.timestamp() * 1000) if item.created is not None else 0
