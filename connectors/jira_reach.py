"""Walks from epics and queries to all that they hold, either everything or what changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from connectors.jira_failures import RefusedError
from connectors.jira_held import Cursor, Held
from connectors.jira_items import Found
from connectors.jira_search import JiraSearch, chunks
from okr_sync.connector import Caller, WorkItem

_EPICS = 200  # epics in one query
_CHAINS = 4  # lists read side by side when everything is read: the pages of one list come one after the other
_CHAIN = 50  # epics that are worth a list of their own


class Reach:
    """One walk. `held` is who holds whom afterwards; `refused` says which queries Jira refused, in its words."""

    def __init__(
        self, search: JiraSearch, caller: Caller, epics: Mapping[str, str], queries: Mapping[str, str]
    ) -> None:
        self._search = search
        self._caller = caller
        self._epics = epics  # id → key
        self._ids = {key.upper(): id_ for id_, key in epics.items()}
        self._queries = queries  # container id → JQL
        self._sent: set[str] = set()
        self._parts: dict[str, str] = {}  # sub-task → issue, as listed by the issues found in this walk
        self.held = Held()
        self.refused: dict[str, str] = {}

    def everything(self) -> Iterator[tuple[WorkItem, ...]]:
        """Yield all items; starts over whatever was held."""
        self.held, self._sent, self._parts, self.refused = Held(), set(), {}, {}
        yield from self._descend(self._epics)
        for container, found in self._ask_queries(self._queries, ""):
            self.held.picked[container] = {each.item.id for each in found}
            yield self._take(found)
        yield self._take_parts()

    def later(self, last: Cursor) -> tuple[WorkItem, ...]:
        """Return the items that changed since `last`; raises RefusedError when only `everything` can tell."""
        self.held = last.held
        bound = f" AND updated >= {last.since}"
        items = [*self._later_epics(bound), *self._later_queries(bound)]
        self.held.prune(self._epics)
        return (*items, *self._later_subtasks(bound), *self._take_parts())

    def _clauses(self, containers: Mapping[str, str], size: int = _EPICS) -> list[str]:
        word = "parent" if self._search.dialect.cloud else '"Epic Link"'
        return [f"{word} in ({', '.join(keys)})" for keys in chunks(list(containers.values()), size)]

    def _find(self, jql: str) -> list[Found]:
        return self._search.find(jql, self._ids)

    def _descend(self, frontier: Mapping[str, str]) -> Iterator[tuple[WorkItem, ...]]:
        while frontier:
            below: dict[str, str] = {}
            size = min(_EPICS, max(_CHAIN, -(-len(frontier) // _CHAINS)))
            for found in self._caller.map(self._find, self._clauses(frontier, size)):
                below |= self._place(found)
                yield self._take(found)
            frontier = below

    def _place(self, found: Iterable[Found]) -> dict[str, str]:
        """Note under which container each issue stands; return the containers among them that are new."""
        new: dict[str, str] = {}
        for item in (each.item for each in found):
            self.held.above.pop(item.id, None)
            parent = item.parent or ""
            if parent in self._epics or parent in self.held.containers:  # else the index lags behind a move
                self.held.above[item.id] = parent
                if item.kind == "container" and item.id not in self._epics:
                    new |= {item.id: item.key} if item.id not in self.held.containers else {}
                    self.held.containers[item.id] = item.key
        return new

    def _take(self, found: Iterable[Found]) -> tuple[WorkItem, ...]:
        """Return the items not yet sent; note their projects, types and sub-tasks."""
        new = [each for each in found if each.item.id not in self._sent]
        for each in new:
            self._sent.add(each.item.id)
            self.held.projects.add(each.item.key.rpartition("-")[0])
            self._parts |= dict.fromkeys(each.subtasks, each.item.id)
            if each.item.kind != "subtask":
                self.held.types.add(each.type)
        return tuple(each.item for each in new)

    def _take_parts(self) -> tuple[WorkItem, ...]:
        """Return the listed sub-tasks that are new, whole: the list itself lacks resolutions and dates."""
        issues = self.held.issues()
        listed = {part: issue for part, issue in self._parts.items() if issue in issues}
        unknown = [part for part in listed if part not in self._sent and part not in self.held.subtasks]
        found = self._search.items(unknown, self._ids)
        there = {each.item.id for each in found} | (listed.keys() & self._sent)
        self.held.subtasks |= {part: issue for part, issue in listed.items() if part in there}
        return self._take(found)

    def _ask_queries(self, queries: Mapping[str, str], bound: str) -> Iterator[tuple[str, list[Found]]]:
        def ask(container: str) -> tuple[str, list[Found]]:
            try:
                return container, self._find(f"({self._queries[container]}){bound}")
            except RefusedError as error:
                self.refused[container] = str(error)
                return container, []

        return self._caller.map(ask, queries)

    def _later_epics(self, bound: str) -> list[WorkItem]:
        held = self.held
        clauses = self._clauses({**self._epics, **held.containers})
        changed = [
            each for found in self._caller.map(self._find, [f"{each}{bound}" for each in clauses]) for each in found
        ]
        present = set().union(*self._caller.map(self._search.ids, clauses))
        held.above = {child: parent for child, parent in held.above.items() if child in present}
        found = [*changed, *self._unknown(present - held.above.keys(), changed)]
        new = self._place(found)
        items = list(self._take(found))
        for more in self._descend(new):
            items += more
        return items

    def _unknown(self, ids: set[str], but: Sequence[Found]) -> list[Found]:
        """Return issues that turned up without having changed: they became visible, or the index is late."""
        return self._search.items(sorted(ids - {each.item.id for each in but}), self._ids)

    def _later_queries(self, bound: str) -> list[WorkItem]:
        items: list[WorkItem] = []
        for container, changed in self._ask_queries(self._queries, bound):
            if container in self.refused:
                self.held.picked.pop(container, None)
                continue
            present = self._search.ids(f"({self._queries[container]})")
            before = self.held.picked.get(container, set()) & present
            found = [*changed, *self._unknown(present - before, changed)]
            self.held.picked[container] = before | {each.item.id for each in found}
            items += self._take(found)
        return items

    def _later_subtasks(self, bound: str) -> tuple[WorkItem, ...]:
        """Return changed sub-tasks; a sub-task changes without its issue. Types that are known not to be sub-tasks
        are left out of the query, so it is exact also for a type that is seen for the first time.
        """
        held = self.held
        if not held.types:
            return ()
        projects = ", ".join(f'"{key}"' for key in sorted(held.projects))  # a project may be called AND
        among = f"project in ({projects}) AND issuetype not in ({', '.join(sorted(held.types))})"
        issues = held.issues()
        changed = {each.item.id: each for each in self._find(f"{among}{bound}") if each.item.kind == "subtask"}
        present = self._search.ids(among) if held.subtasks else set()
        kept = {part: issue for part, issue in held.subtasks.items() if part in present and part not in changed}
        ours = {id_: each for id_, each in changed.items() if each.item.parent in issues}
        held.subtasks = kept | {id_: str(each.item.parent) for id_, each in ours.items()}
        return self._take(ours.values())
