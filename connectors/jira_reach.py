"""Walks from epics and queries to all that they hold, a piece at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from connectors.jira_failures import RefusedError
from connectors.jira_held import Tree
from connectors.jira_items import Found
from connectors.jira_search import JiraSearch, chunks, quoted
from okr_sync.connector import Caller, Members, Page, ProtocolError

LEVELS = 100  # of issues one above the other; Jira has far fewer
_EPICS = 200  # epics in one query on Cloud, where the pages of a list come one after the other
_DC_EPICS = 1000  # on Data Center, where they come side by side
_CHAINS = 4  # lists read side by side on Cloud
_CHAIN = 50  # epics that are worth a list of their own
_PARTS = 1000  # sub-tasks that are worth being fetched before all are known


class Seen:
    """What a walk saw of a site: the projects and types of issues, sub-tasks aside; whether there are sub-tasks."""

    def __init__(self) -> None:
        self.projects: set[str] = set()
        self.types: set[str] = set()
        self.subtasks = False

    def note(self, found: Iterable[Found]) -> None:
        """Remember what these issues tell."""
        for each in found:
            self.projects.add(each.item.key.rpartition("-")[0])
            if each.item.kind == "subtask":
                self.subtasks = True
            else:
                self.types.add(each.type)


class Reach:
    """One walk through everything. `refused` says which queries Jira refused, in its words."""

    def __init__(self, search: JiraSearch, caller: Caller, tree: Tree, queries: Mapping[str, str]) -> None:
        self._search = search
        self._caller = caller
        self._tree = tree
        self._queries = queries  # container id → JQL
        self._parts: dict[str, frozenset[str]] = {}  # sub-task not fetched yet → the containers that hold its issue
        self._placed: dict[str | None, frozenset[str]] = {}
        self._held: dict[str, frozenset[str]] = {}  # issue → its epics as told last, where parts of a pull may differ
        self._holding: dict[str, set[str]] = defaultdict(set)  # project → the containers that hold issues of it
        self._lists = len(queries)  # that were read
        self._lacking = False  # whether a sub-task was listed and not found
        self.seen = Seen()
        self.refused: dict[str, str] = {}

    def lost(self) -> dict[str, set[str]]:
        """Return the projects that were seen and can't be seen any more, each with the containers that hold issues of
        it. Their lists may lack what they had when the walk began. Not asked where they are of one instant: a list of
        Data Center tells of itself when it becomes shorter.
        """
        if not self._search.dialect.cloud and self._lists <= 1 and not self._lacking:
            return {}
        visible = self._search.visible(self._holding)
        return {project: held for project, held in self._holding.items() if project not in visible}

    def everything(self) -> Iterator[Page]:
        """Yield all items with their containers, whose members are whole at the end."""
        yield from self._descend(self._tree.roots)
        for container, pages in self._caller.map(self._begin, self._queries):
            for found in pages:
                holders = frozenset((container,))
                yield self._page((each, holders) for each in found)
                yield from self._subtasks()
        yield from self._subtasks(all_=True)
        yield self._listed(self._held.items())
        whole = [*self._tree.roots, *(each for each in self._queries if each not in self.refused)]
        yield Page(members=tuple(Members(each, frozenset(), whole=True) for each in whole))

    def _descend(self, frontier: Mapping[str, str]) -> Iterator[Page]:
        levels = 0
        while frontier:
            levels += 1
            if levels > LEVELS:
                raise too_deep(frontier.values())
            below: dict[str, str] = {}
            clauses = [below_clause(self._search, keys) for keys in self._in_lists(list(frontier.values()))]
            self._lists += len(clauses)
            for found in self._search.gather(clauses, self._tree.ids()):
                below |= self._grow(found)
                yield self._page((each, self._holders(each.item.parent)) for each in found)
                yield from self._subtasks()
            frontier = below

    def _grow(self, found: Iterable[Found]) -> dict[str, str]:
        """Put the containers among these into the tree; return those that are new in it."""
        new: dict[str, str] = {}
        for item in (each.item for each in found):
            if item.kind == "container" and item.id not in self._tree:
                self._tree.put(item.id, item.key, item.parent)
                new |= {item.id: item.key} if item.id in self._tree else {}
        return new

    def _holders(self, parent: str | None) -> frozenset[str]:
        """Return the roots above; none for what the index still lists where it was before it moved."""
        if parent not in self._placed:
            self._placed[parent] = self._tree.roots_of(parent)
        return self._placed[parent]

    def _page(self, placed: Iterable[tuple[Found, frozenset[str]]]) -> Page:
        some = list(placed)
        for found, holders in some:
            if holders:
                self._parts.update((part, self._joined(part, holders)) for part in found.subtasks)
                self._holding[found.item.key.rpartition("-")[0]] |= holders
        self.seen.note(found for found, _ in some)
        told = self._listed((found.item.id, self._settled(found.item.id, holders)) for found, holders in some)
        return replace(told, items=tuple(found.item for found, _ in some))

    def _joined(self, part: str, holders: frozenset[str]) -> frozenset[str]:
        """Return what holds a sub-task, which its issue holds in `holders`."""
        before = self._parts.get(part, frozenset())
        moved = self._caller.goes_on and not holders.isdisjoint(self._tree.roots)
        return holders | (before - self._tree.roots.keys() if moved else before)

    def _settled(self, id_: str, holders: frozenset[str]) -> frozenset[str]:
        """Return of `holders` what can't change any more.

        Where a pull goes on, what was listed in one epic may be listed in another that it moved to: the last one holds.
        """
        epics = holders & self._tree.roots.keys() if self._caller.goes_on else frozenset()
        if epics:
            self._held[id_] = epics
        return holders - epics

    def _listed(self, held: Iterable[tuple[str, frozenset[str]]]) -> Page:
        members: dict[str, set[str]] = defaultdict(set)
        for id_, holders in held:
            for container in holders:
                members[container].add(id_)
        return Page(members=tuple(Members(each, frozenset(ids), whole=False) for each, ids in members.items()))

    def _in_lists(self, keys: list[str]) -> list[Sequence[str]]:
        most = most_epics(self._search)
        even = max(_CHAIN, -(-len(keys) // _CHAINS)) if self._search.dialect.cloud else most
        return chunks(keys, min(most, even))

    def _subtasks(self, *, all_: bool = False) -> Iterator[Page]:
        """Yield the sub-tasks listed so far in full requests, if they are many: the lists lack what else is asked."""
        ready = len(self._parts)
        if not all_:
            ready -= ready % self._search.fetched_at_once if ready >= _PARTS else ready
        if ready:
            parts = dict(islice(self._parts.items(), ready))
            self._parts = dict(islice(self._parts.items(), ready, None))
            found = self._search.items(parts, self._tree.ids())
            self._lacking |= len(found) < len(parts)
            yield self._page((each, parts[each.item.id]) for each in found)

    def _begin(self, container: str) -> tuple[str, Iterator[list[Found]]]:
        """Return a query's pages, the first of them read."""
        pages = self._search.pages(f"({self._queries[container]})", self._tree.ids())
        try:
            first = next(pages)
        except RefusedError as error:
            self.refused[container] = str(error)
            return container, iter(())
        return container, _again(first, pages)


def too_deep(keys: Iterable[str]) -> ProtocolError:
    """Return what is wrong with issues that stand so far from what was asked for that it can be no hierarchy."""
    return ProtocolError(
        f"more than {LEVELS} issues stand one above the other at {', '.join(sorted(keys)[:3])}",
        fix="correct the parents of these issues in Jira, or name epics that stand nearer to the work",
    )


def most_epics(search: JiraSearch) -> int:
    """Return how many epics one query may name."""
    return _EPICS if search.dialect.cloud else _DC_EPICS


def below_clause(search: JiraSearch, keys: Sequence[str]) -> str:
    """Return what finds the issues directly below epics, or all that have one above them when no keys are given."""
    word = "parent" if search.dialect.cloud else '"Epic Link"'
    return f"{word} in ({', '.join(keys)})" if keys else f"{word} is not EMPTY"


def watched(search: JiraSearch, tree: Tree, projects: Iterable[str]) -> frozenset[str]:
    """Return the projects in which changes may matter: those of the epics, and where sub-tasks can't be asked for by
    having something above them, all `projects` of their issues.
    """
    own = frozenset(key.rpartition("-")[0] for key in tree.keys().values())
    return own if search.dialect.cloud else own.union(projects)


def among(search: JiraSearch, projects: Iterable[str]) -> str:
    """Return what finds every issue that may matter, and others: those in `projects`, and all below any epic."""
    names = ", ".join(map(quoted, sorted(projects)))
    return f"({below_clause(search, ())} OR project in ({names}))" if names else below_clause(search, ())


def _again(first: list[Found], rest: Iterator[list[Found]]) -> Iterator[list[Found]]:
    yield first
    yield from rest
