"""Fetches JSON documents, page by page where there are several, each document once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from connectors.http_json_documents import Wanted
from connectors.http_json_settings import Pages
from connectors.http_json_values import NoNumberError, search
from okr_sync import connector as api

MOST_BYTES = 256 * 2**20  # of all pages of one list
_CREATED = (200, 201)  # some services answer a POST that reads with 201


def fetch(http: api.Http, document: Wanted, fixed: Mapping[str, Any], most: int) -> Any:
    """Return the document; of one with pages the list of all its rows. `fixed` is added to the query of each page.

    Raises SourceError; ProtocolError also for pages that repeat, lead to another host, or are more than `most`.
    """
    if document.pages is None:
        return _send(http, document, _Place(document), fixed).json()
    found: list[Any] = []
    seen: set[str | bytes] = set()
    size = 0
    for count, (place, body, rows) in enumerate(_walk(http, document, document.pages, fixed), 1):
        size += len(body)
        if place in seen or (rows and hashlib.sha256(body).digest() in seen):
            raise api.ProtocolError(f"page {count} repeats an earlier one", fix="correct `pages`: it never ends")
        if count > most or size > MOST_BYTES:
            said = f"there are more than {most} pages, or {MOST_BYTES >> 20} MiB in all"
            raise api.ProtocolError(said, fix="ask for less, or raise `most_pages`")
        seen |= {place, hashlib.sha256(body).digest()}
        found += rows
    return found


class _Place:
    """Where the next page stands: address, query and body."""

    def __init__(self, document: Wanted) -> None:
        self.url = document.url
        self.params = json.loads(document.params)
        self.body = json.loads(document.body)
        self._in_body = document.method == "POST" and isinstance(self.body, dict)

    def put(self, name: str, value: Any) -> None:
        """Set a parameter of the query, or a key of the body, where a dot leads inwards."""
        if not self._in_body:
            self.params[name] = value
            return
        *outer, last = name.split(".")
        target = self.body
        for step in outer:
            target[step] = target.get(step) if isinstance(target.get(step), dict) else {}
            target = target[step]
        target[last] = value

    def __str__(self) -> str:
        return json.dumps([self.url, self.params, self.body])


def _walk(
    http: api.Http, document: Wanted, pages: Pages, fixed: Mapping[str, Any]
) -> Iterator[tuple[str, bytes, list[Any]]]:
    """Yield of each page where it stands, its body, and its rows."""
    place, number = _Place(document), pages.first
    while True:
        if pages.page:
            place.put(pages.page, number)
        answer = _send(http, document, place, fixed)
        page = answer.json()
        rows = _find(document.rows or "@", page)
        if not isinstance(rows, list):
            raise api.ProtocolError(f"{answer.place}: `rows` finds no list in a page", fix="correct `rows`")
        yield str(place), answer.body, rows
        number += 1
        if not (rows if pages.page else _go_on(place, answer, page, pages)):
            return


def _go_on(place: _Place, answer: api.HttpAnswer, page: Any, pages: Pages) -> bool:
    """Move `place` to the next page; return whether there is one."""
    following = answer.links.get("next") if pages.link == "header" else _find(pages.cursor or pages.link or "", page)
    if following in (None, False, ""):
        return False
    if pages.cursor:
        place.put(pages.param, following)
    else:
        place.url, place.params = _same_host(place.url, str(following)), {}
    return True


def _find(expression: str, page: Any) -> Any:
    try:
        return search(expression, page)
    except NoNumberError as error:
        raise api.ProtocolError(str(error), fix="correct `rows` and `pages`") from None


def _same_host(url: str, following: str) -> str:
    target, here = urlsplit(urljoin(url, following)), urlsplit(url)
    if (target.scheme, target.netloc) != (here.scheme, here.netloc):
        raise api.ProtocolError("the next page is at another host, which is not asked", fix="correct `pages`")
    return target.geturl()


def _send(http: api.Http, document: Wanted, place: _Place, fixed: Mapping[str, Any]) -> api.HttpAnswer:
    sent = {**place.params, **fixed}
    return http.request(document.method, place.url, params=sent, json=place.body, accept=_CREATED)
