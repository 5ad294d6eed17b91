"""Ways in which a served tracker goes wrong for a run: each begins when it is called with the case."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import format_datetime, formatdate, parsedate_to_datetime
from typing import Any

from okr_sync.sandbox.server import Fault, Response
from okr_sync.testing.breaking import ALWAYS, BODY, COOKIE
from tests.edge.case_play import Case, Edited

Begin = Callable[[Case], object]
Edit = tuple[bytes, bytes]
NOWHERE: Edit = (rb"\A\Z", b"")
HASTY: Mapping[str, Any] = {"timeout": 0.3, "deadline": "3 s"}
"""Settings that give up within seconds."""


def faulty(*faults: Callable[[], Fault]) -> Begin:
    """Inject faults."""
    return lambda case: [case.tracker.server.inject(each()) for each in faults]


def always(kind: Any, *, seconds: float = 0.0, size: int = 0) -> Begin:
    """Break every request so."""
    return faulty(lambda: Fault(kind, times=ALWAYS, seconds=seconds, size=size))


def answers(
    status: int,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    times: int = ALWAYS,
    skip: int = 0,
) -> Begin:
    """Answer so, `times` times after `skip` good answers; without a body it is a page with secrets."""
    said = {"Content-Type": "text/html", "Set-Cookie": f"session={COOKIE}", **(headers or {})}
    reply = Response(status, body or f"<html>{BODY}</html>".encode(), said)
    return faulty(lambda: Fault("response", reply, times=times, skip=skip))


def nothing(case: Case) -> None:
    """Leave the server well: the settings lead elsewhere."""


def hasty(_case: Case) -> Mapping[str, Any]:
    return HASTY


def edited(jira: Edit, github: Edit, gitlab: Edit = NOWHERE) -> Begin:
    """Send answers with whatever matches the first replaced by the second."""

    def begin(case: Case) -> None:
        edits = {"jira_epics": jira, "github_milestones": github, "gitlab": gitlab}
        pattern, instead = edits[case.tracker.source]
        case.tracker.server.site = Edited(case.tracker.server.site, lambda body: re.sub(pattern, instead, body))

    return begin


def limited_until(seconds: int, times: int = 1) -> Begin:
    """Refuse as GitHub does when the hour is used up, which ends `seconds` after the answer's Date."""

    def begin(case: Case) -> None:
        reset = parsedate_to_datetime(formatdate(usegmt=True)) + timedelta(seconds=seconds)
        headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(reset.timestamp()))}
        answers(403, b'{"message": "API rate limit exceeded for user ID 1."}', headers, times=times)(case)

    return begin


def used_up(case: Case) -> None:
    """Use up GitHub's hour, which has just begun."""
    case.tracker.server.site.exhaust("core" if case.tracker.settings["api"] == "rest" else "graphql")


def until_a_date(case: Case) -> None:
    """Refuse once until 90 seconds after the answer's Date."""
    until = parsedate_to_datetime(formatdate(usegmt=True)) + timedelta(seconds=90)
    answers(429, headers={"Retry-After": format_datetime(until, usegmt=True)}, times=1)(case)


def closed_port(_case: Case) -> Mapping[str, Any]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return {"url": f"http://127.0.0.1:{free.getsockname()[1]}", **HASTY}


def burst(case: Case) -> None:
    """Let Jira take one request in 30 seconds."""
    case.tracker.server.site.rate_limit_after = 1
