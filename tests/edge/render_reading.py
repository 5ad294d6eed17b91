"""How tests read a rendered report: as the reader of each format sees it."""

from __future__ import annotations

import csv
import html as html_text
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser

from okr_sync.core.report import Report
from okr_sync.render import document, html, markdown, table, text

Render = Callable[[Report], str]

RENDERERS: dict[str, Render] = {
    "text": text.render,
    "markdown": markdown.render,
    "html": html.render,
    "table": table.render,
    "document": document.render,
}
FOR_MACHINES = {"table", "document"}


class Page(HTMLParser):
    """Collects what a browser would show, and every element and attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        """Note the text; style sheets are none."""
        if self.tags and self.tags[-1] != "style":
            self.shown.append(data)


def parse(page: str) -> Page:
    """Return what a browser would make of the page."""
    parser = Page()
    parser.feed(page)
    parser.close()
    return parser


def shown(name: str, made: Report) -> str:
    """Return what a reader of the format sees, with single spaces."""
    said = RENDERERS[name](made)
    if name == "html":
        said = " ".join(parse(said).shown)
    if name == "markdown":
        said = html_text.unescape(re.sub(r"\\(.)", r"\1", said))
    if name == "document":
        said = str(json.loads(said))
    if name == "table":
        said = " ".join(cell for row in csv.reader(io.StringIO(said, newline="")) for cell in row)
    return " ".join(said.split())
