"""Reads the pages of GitHub's REST lists; a page that is as it was last time isn't sent again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

import orjson

from connectors.github_http import Client, Reply, query_of
from okr_sync.connector import Caller, ProtocolError, Remembered

FULL = 100  # rows of a page, and as many as GitHub gives
_KEPT = (
    "node_id", "number", "html_url", "title", "state", "state_reason", "created_at", "updated_at", "closed_at",
    "due_on", "open_issues", "closed_issues",
)  # fmt: skip
_KEPT_BELOW = {"labels": "name", "pull_request": "merged_at", "type": "name"}
_SHAPE = ",".join([*_KEPT, *(f"{name}.{below}" for name, below in _KEPT_BELOW.items())])


@dataclass(frozen=True, slots=True)
class _Page:
    rows: list[Any]
    following: Mapping[str, Any] | None


class Pages:
    """Lists of milestones or issues, and of anything else."""

    def __init__(self, client: Client, caller: Caller) -> None:
        self._client = client
        self._caller = caller

    def rows(self, path: str, asked: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the rows of all pages of a list, as GitHub sends them. Raises SourceError."""
        return self._kept(f"{path} {sorted(asked.items())}", _all(partial(self._plain, path), path, asked))

    def work(self, path: str, asked: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the rows of all pages of a list of milestones or issues, with what counts of them at least.

        Pages are asked for on the condition that they are not as the caller remembers them. Raises SourceError.
        """
        return self._kept(f"{path} {sorted(asked.items())} for {_SHAPE}", _all(partial(self._work, path), path, asked))

    def anew(self, path: str, asked: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the rows of all pages of a list, whatever was known of it. Raises SourceError."""
        return _all(partial(self._plain, path), path, asked)

    def _kept(self, question: str, listed: Iterator[Any]) -> Iterator[Any]:
        """Yield the rows of a list, which is kept as a whole: pages are numbered, and rows move up."""
        known = self._caller.kept(question)
        if known is None:
            known = list(listed)
            self._caller.keep(question, known)
        yield from known

    def _plain(self, path: str, parameters: Mapping[str, Any]) -> _Page:
        return _page_of(path, self._client.get(path, parameters))

    def _work(self, path: str, parameters: Mapping[str, Any]) -> _Page:
        page = self._client.followed(path, partial(self._changed, parameters))
        return _page_of(path, self._client.get(path, parameters)) if page is None else page

    def _changed(self, parameters: Mapping[str, Any], path: str, token: str) -> _Page | None:
        """Return the page, of which one of the two sides knows the content; None: it is not clear which one it is."""
        address = f"GET {self._client.url}{path}?{urlencode(sorted(parameters.items()))} for {_SHAPE}"
        known = self._caller.remembered(address, token)
        reply = self._client.ask(path, token, parameters, etag=known.etag if known else None)
        if known is None or not reply.same:
            page = _page_of(path, reply)
            self._remember(address, token, reply.headers.get("etag"), page)
            return page
        if _opaque(reply.headers.get("etag", known.etag)) != _opaque(known.etag):
            return None  # something in between answered about another body than we asked about
        return _as_it_was(known.body, reply.headers.get("link"))

    def _remember(self, address: str, token: str, etag: str | None, page: _Page) -> None:
        if etag and all(isinstance(row, dict) for row in page.rows):
            body = {"rows": [_less(row) for row in page.rows], "following": page.following}
            self._caller.remember(address, token, Remembered(etag, orjson.dumps(body)))


def _all(read: Callable[[Mapping[str, Any]], _Page], path: str, asked: Mapping[str, Any]) -> Iterator[Any]:
    parameters: Mapping[str, Any] | None = {**asked, "per_page": FULL}
    seen: list[Any] = []
    while parameters is not None:
        seen.append(parameters)
        page = read(parameters)
        yield from page.rows
        parameters = page.following
        if parameters in seen:
            raise ProtocolError(f"GitHub's pages of {path} don't end", fix="try again later")


def _page_of(path: str, reply: Reply) -> _Page:
    if not isinstance(reply.payload, list):
        raise ProtocolError(f"GitHub answered {path} with something that is not a list", fix="check `url`")
    return _Page(reply.payload, query_of(reply.headers.get("link")))


def _as_it_was(body: bytes, link: str | None) -> _Page | None:
    """Return a page with its rows of last time and the link of now; None: nobody tells whether another page follows.

    An ETag stands for the rows alone: it stays the same when a further page comes behind a full one.
    """
    told = orjson.loads(body)
    following = query_of(link) if link else told["following"]
    is_open = following is None and not link and len(told["rows"]) >= FULL
    return None if is_open else _Page(told["rows"], following)


def _less(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what we read of a row, strange values as they are: they are refused where they are read."""
    kept = {name: row[name] for name in _KEPT if name in row}
    return kept | {name: _inside(row[name], below) for name, below in _KEPT_BELOW.items() if name in row}


def _inside(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [_inside(each, name) for each in value]
    return {name: value[name]} if isinstance(value, dict) and name in value else value


def _opaque(etag: str) -> str:
    """Return the tag without its weakness: packing makes a strong one weak on the way."""
    return etag.removeprefix("W/")
