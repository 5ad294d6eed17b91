"""What the resolutions of a site are called, by id: config names them, so a new name must not go unnoticed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from connectors.jira_http import JiraHttp
from connectors.jira_items import need, texts_of
from okr_sync.connector import AccessError, ProtocolError

_PAGE = 100  # resolutions on a page, Cloud's limit
_PAGES = 50


class Resolutions:
    """The names that resolutions were read by, from pull to pull; to be asked from any thread.

    Config says by name which resolutions drop work. Where an administrator renames one, or the account has another
    language since, what was dropped would count as done although no issue changed.
    """

    droppings: Collection[frozenset[str]] | None = None
    """See `DeliverySource.droppings`."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self.renamed = False

    def recall(self, names: Mapping[str, str]) -> None:
        """Take the names, by id, that an earlier pull read; those that were read since stay, as other pulls go on."""
        for id_, name in names.items():
            self._names.setdefault(id_, name)

    def names(self) -> dict[str, str]:
        """Return the names by id."""
        return dict(self._names)

    def check(self, issue: Any) -> None:
        """Note the resolution of an issue, and in `renamed` when it is called otherwise than until now, case aside.

        Raises ProtocolError when issues would count otherwise by its new name than by the one that they were read with.
        """
        told = issue["fields"].get("resolution")
        if not isinstance(told, dict) or told.get("id") is None:
            return
        id_, name = str(told["id"]), str(need(issue, "fields", "resolution", "name"))
        known = self._names.setdefault(id_, name)
        if known.casefold() == name.casefold():
            return
        if not self._count_alike(known.casefold(), name.casefold()):
            raise ProtocolError(
                f"the resolution {known!r} is called {name!r} now, as issue {issue.get('key')} has it",
                fix="let each `dropped` that names the one name the other, too; or rename it back in Jira",
            )
        self._names[id_], self.renamed = name, True

    def _count_alike(self, one: str, other: str) -> bool:
        return self.droppings is not None and all((one in each) is (other in each) for each in self.droppings)


def all_resolutions(http: JiraHttp, *, cloud: bool) -> tuple[str, ...] | None:
    """Return the names of a site's resolutions; None: this credential may not list them. Raises SourceError."""
    try:
        return tuple(_listed(http) if cloud else texts_of(http.get("2/resolution"), "name", "resolutions"))
    except AccessError:
        return None


def _listed(http: JiraHttp) -> Iterator[str]:
    for page in range(_PAGES):
        answer = http.get(f"3/resolution/search?startAt={page * _PAGE}&maxResults={_PAGE}")
        yield from texts_of(need(answer, "values"), "name", "resolutions")
        if answer.get("isLast", True):
            return
