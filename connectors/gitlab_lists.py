"""Reads GitLab's lists, page after page, into checked rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError

from connectors.gitlab_rows import Row
from okr_sync.connector import Http, HttpAnswer, ProtocolError, TransientError

R = TypeVar("R", bound=Row)


class Lists:
    """The lists, and single objects, below the address of an API."""

    def __init__(self, http: Http, root: str) -> None:
        self._http = http
        self._root = root

    def page(
        self, path: str, shape: type[R], asked: Mapping[str, Any], accept: Collection[int] = (200,)
    ) -> tuple[list[R], HttpAnswer]:
        """Return the rows of one page, none unless its status is 200, and the answer. Raises SourceError."""
        answer = self._http.request("GET", f"{self._root}{path}", params=asked, accept=accept)
        payload = answer.json() if answer.status == 200 else []
        try:
            return [shape.model_validate(row) for row in (payload if isinstance(payload, list) else [payload])], answer
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"])) or "no row"  # the error itself quotes what came
            raise ProtocolError(f"{answer.place}: not as GitLab answers ({where})", fix="check `url`") from None

    def all(
        self, path: str, shape: type[R], asked: Mapping[str, Any], accept: Collection[int] = (200,)
    ) -> tuple[list[R], HttpAnswer]:
        """Return the rows of all pages, and the last answer. Raises SourceError, also for pages that don't end."""
        following: dict[str, Any] = {"per_page": 100, **asked}
        found: list[R] = []
        seen: list[dict[str, Any]] = []
        while following not in seen:
            seen.append(following)
            rows, answer = self.page(path, shape, following, accept)
            found += rows
            linked = parse_qs(urlsplit(answer.links.get("next", "")).query)  # its host may be any; it is not asked
            number = answer.headers.get("x-next-page")
            if not linked and not number:
                return found, answer
            following = dict(linked) or {**following, "page": number}
        raise ProtocolError(f"{answer.place}: the pages don't end", fix="try again later")


def told_once(name: str, rows: Sequence[Row], answer: HttpAnswer) -> int | None:
    """Return how many rows GitLab says that the list `name` has; None where it doesn't tell, as above 10,000.

    Raises TransientError when a page came in place of another: oldest first, no change puts a row on two pages.
    """
    said, here = answer.headers.get("x-total", ""), len({row.id for row in rows})
    total = int(said) if said.isdecimal() else None
    if here < len(rows) and here != total:
        told = f"a page of {name} came twice, and another one not at all"
        raise TransientError(told, fix="nothing to do unless it lasts: the next run asks again")
    return total
