"""Words a notice for its channel; what sources and people wrote in it can neither mention, nor link, nor format."""

from __future__ import annotations

import re
from typing import Any

from okr_sync.config.alerting import ChannelKind
from okr_sync.core.alerting import Notice
from okr_sync.render.words import clean

__all__ = ["worded"]

LONGEST = 1_500  # characters of a reason
APART = "\u200b"  # takes no space, and parts what would mean something together
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}  # Slack reads <…> as mentions and links
MARKS = re.compile(r"([@!]|(?<=\])(?=\()|(?<=:)(?=//))")
SYMBOLS = {"raised": "\N{LARGE RED CIRCLE}", "resolved": "\N{LARGE GREEN CIRCLE}", "test": "\N{LARGE BLUE CIRCLE}"}


def worded(notice: Notice, kind: ChannelKind, key: str) -> dict[str, Any]:
    """Return the JSON to post. `key` tells the notice from all others, also when it comes twice."""
    if kind == "slack":
        said = f"{SYMBOLS[notice.event]} okr-sync: {escaped(notice.title)}\n{escaped(_short(notice.reason))}"
        return {"text": said, "mrkdwn": False, "link_names": False, "unfurl_links": False, "unfurl_media": False}
    return {
        "id": key,
        "event": notice.event,
        "kind": notice.kind,
        "subject": notice.subject,
        "at": _instant(notice.at),
        "since": _instant(notice.since),
        "title": clean(notice.title),
        "reason": clean(_short(notice.reason)),
    }


def escaped(text: str) -> str:
    """Return `text` on one line, for a chat: no mention (@channel, <!here>), no link, no sign that steers."""
    apart = MARKS.sub(lambda found: found[0] + APART, clean(text))
    return "".join(ENTITIES.get(sign, sign) for sign in apart)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _instant(at: Any) -> str:
    return str(at.isoformat()).replace("+00:00", "Z")
