"""Whatever a tracker's server does in a run, numbers are true or kept and stale, and the run after it is well again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import pytest

from okr_sync.sandbox.server import Fault, Response
from okr_sync.testing.breaking import ALWAYS
from tests.edge.case_play import (
    Case,
    Edited,
    Houses,
    Kind,
    Seen,
    check_kept,
    check_requests,
    check_secrets,
    check_true,
    check_witness,
)
from tests.edge.source_faults import (
    HASTY,
    NOWHERE,
    Begin,
    always,
    answers,
    burst,
    closed_port,
    edited,
    faulty,
    hasty,
    limited_until,
    nothing,
    until_a_date,
    used_up,
)
from tests.edge.sync_play import entry_of

Ends = Literal["true", "kept"]
NOTHING = b'{"issues":[],"isLast":true,"total":0,"count":0,"data":{}}'
"""An answer that says that there is no work, for those who read what they should not."""
FIELDLESS = "no list of fields|no Epic Link field|serverInfo has no"
SHAPELESS = f"no list of issues|{FIELDLESS}|without data|not a list|not as GitLab answers"
HOUR, DAY = timedelta(hours=1, minutes=1), timedelta(hours=25)
EACH: tuple[Kind, ...] = ("cloud", "graphql", "gitlab")
"""One kind of each tracker: the others send and receive as it does."""
EVERY: tuple[Kind, ...] = ("cloud", "dc", "graphql", "rest", "gitlab")
JIRA: tuple[Kind, ...] = ("cloud", "dc")
GITHUB: tuple[Kind, ...] = ("graphql", "rest")


@dataclass(frozen=True)
class Row:
    """A case: how it begins, how the run in it ends (`true`: with the truth; `kept`: with all numbers kept and stale).

    `settings` hold in that run only. `waits` is the longest wait in it, None: any below the deadline; `after` how much
    later the next run comes; `refused`: it answers 401, after which at most two requests are sent; `nowhere`: a word
    that stands in no path asked for; `says` one that stands in what the run says to do; `why`: a pattern that is found
    in what it says to have happened, as a case may be kept for a reason that is not its own.
    """

    begin: Begin
    ends: Ends
    kinds: tuple[Kind, ...] = EACH
    settings: Callable[[Case], Mapping[str, Any]] = lambda _: {}
    waits: tuple[float, float] | None = None
    after: timedelta = HOUR
    refused: bool = False
    nowhere: str = ""
    says: str = ""
    why: str = ""
    lingers: bool = False


SERVER: dict[str, Row] = {
    "a silent server": Row(
        always("silence", seconds=1), "kept", settings=hasty, why="no .*answer.*ReadTimeout", lingers=True
    ),
    "a body that stops half-way, the connection open": Row(
        always("stall", seconds=1), "kept", settings=hasty, why="no .*answer.*(ReadTimeout|ConnectionE)", lingers=True
    ),
    "a slow body": Row(
        always("drip", seconds=30), "kept", settings=hasty, why="no .*answer.*ReadTimeout", lingers=True
    ),
    "a slow header": Row(
        always("creep", seconds=15), "kept", settings=hasty, why="no .*answer.*ReadTimeout", lingers=True
    ),
    "a refused connection": Row(nothing, "kept", settings=closed_port, why=r"no .*answer.*Connect(ionE|E)rror"),
    "a name that is gone": Row(
        nothing,
        "kept",
        settings=lambda _: {"url": "http://gone.invalid", "allow_hosts": ["gone.invalid"], **HASTY},
        why=r"there is no address for gone\.invalid",
    ),
    "a connection reset": Row(always("reset"), "kept", EVERY, why="no .*answer.*(ConnectionError|ReadError)"),
    "a connection closed without a word": Row(
        always("drop"), "kept", why="no .*answer.*(ConnectionError|RemoteProtocolError)"
    ),
    "a connection reset once": Row(faulty(lambda: Fault("reset", skip=1)), "true"),
    "an answer cut short of its length": Row(
        always("truncate"), "kept", why="no .*answer.*(ChunkedEncodingError|RemoteProtocolError)"
    ),
    "an answer cut short once": Row(faulty(lambda: Fault("truncate")), "true"),
    "an answer without length cut short": Row(always("cut"), "kept", EVERY, why="JSON"),
    "bad TLS": Row(
        nothing,
        "kept",
        ("cloud", "graphql"),
        settings=lambda case: {"url": case.tracker.server.url.replace("http:", "https:"), **HASTY},
        waits=(0, 0),
        says="`ca_file`",
        why="no trusted TLS connection",
    ),
}
ANSWERS: dict[str, Row] = {
    "HTML with 200, always": Row(answers(200), "kept", EVERY, why="JSON"),
    "HTML with 200, once": Row(answers(200, times=1, skip=1), "kept", why="JSON"),
    "an empty answer with 200": Row(
        faulty(lambda: Fault("response", Response(200), times=ALWAYS)), "kept", EVERY, why="JSON|with nothing"
    ),
    "{} with 200": Row(answers(200, b"{}"), "kept", EVERY, why=SHAPELESS),
    "[] with 200": Row(answers(200, b"[]"), "kept", EVERY, why=f"{SHAPELESS}|no milestone 1"),
    "null with 200": Row(answers(200, b"null"), "kept", EVERY, why=SHAPELESS),
    "an interface that is gone, 410": Row(answers(410), "kept", EVERY, waits=(0, 0), why="410"),
    "a redirect elsewhere": Row(
        lambda case: answers(
            302, NOTHING, headers={"Location": case.tracker.server.url.replace("127.0.0.1", "localhost") + "/elsewhere"}
        )(case),
        "kept",
        EVERY,
        nowhere="elsewhere",
        why="redirect|no GitHub GraphQL interface",
    ),
    "a redirect to itself": Row(
        lambda case: answers(302, NOTHING, headers={"Location": case.tracker.server.url + "/round"})(case),
        "kept",
        EVERY,
        why="redirect|no GitHub GraphQL interface",
    ),
    "a redirect to a file": Row(
        answers(302, NOTHING, headers={"Location": "file:///etc/passwd"}),
        "kept",
        EVERY,
        nowhere="passwd",
        why="redirect|no GitHub GraphQL interface",
    ),
    "a gzip bomb": Row(always("bomb", size=2**21), "kept", why="larger than 1 MiB"),
    "a page beyond all bounds": Row(always("flood", size=2**21), "kept", why="larger than 1 MiB"),
    "JSON 100,000 deep": Row(answers(200, b"[" * 100_000), "kept", why="JSON"),
    "NaN": Row(
        edited((rb":3\.0", b":NaN"), (rb'"totalCount":\d+', b'"totalCount":NaN'), (rb'"weight":3', b'"weight":NaN')),
        "kept",
        why="JSON",
    ),
    "1e999 as points": Row(edited((rb":3\.0", b":1e999"), NOWHERE), "true", JIRA),
    "1e999 as a weight": Row(
        edited(NOWHERE, NOWHERE, (rb'"weight":3', b'"weight":1e999')), "kept", ("gitlab",), why="JSON"
    ),
    "1e999 as a count": Row(
        edited(NOWHERE, (rb'"(totalCount|closed_issues)":\d+', rb'"\1":1e999')), "kept", GITHUB, why="JSON"
    ),
    "a count that is none": Row(
        edited((rb'"(count|total)":\d+', rb'"\1":null'), (rb'"(totalCount|closed_issues)":\d+', rb'"\1":null')),
        "kept",
        ("cloud", "dc", "graphql", "rest"),
        why="has no (count|total)|lacks a proper",
    ),
    "bad UTF-8": Row(
        edited((rb"A story", b"A st\xffry"), (rb"An issue", b"An iss\xffe"), (rb"An issue", b"An iss\xffe")),
        "kept",
        EVERY,
        why="JSON",
    ),
    "a key that comes twice": Row(
        edited(
            (rb'"isLast":true', b'"isLast":true,"isLast":false'),
            (rb'"hasNextPage":false', b'"hasNextPage":false,"hasNextPage":true'),
            (rb'"state":"opened"', b'"state":"opened","state":"closed"'),
        ),
        "kept",
        why="no token for the next page|lacks a proper 'endCursor'|JSON: a key stands twice",
    ),
}
STATUSES: dict[str, Row] = {
    **{f"{status} three times, then well": Row(answers(status, times=3), "true") for status in (500, 502, 503, 504)},
    **{f"{status} for ever": Row(answers(status), "kept") for status in (500, 502, 503, 504)},
}
LIMITS: dict[str, Row] = {
    "429 for 5 seconds": Row(answers(429, headers={"Retry-After": "5"}, times=1), "true", EVERY, waits=(5, 5)),
    "429 until a date": Row(until_a_date, "true", waits=(70, 90)),
    "429 without a wish": Row(answers(429, times=1), "true", waits=(1, 1)),
    "429 for a day": Row(answers(429, headers={"Retry-After": "86400"}), "kept", waits=(0, 0), after=DAY),
    "429 for −1 seconds": Row(answers(429, headers={"Retry-After": "-1"}, times=1), "true", waits=(1, 1)),
    "429 for abc": Row(answers(429, headers={"Retry-After": "abc"}, times=1), "true", waits=(1, 1)),
    "Jira's burst": Row(burst, "true", JIRA, waits=(1, 30)),
    "GitHub's primary limit, soon over": Row(limited_until(30), "true", GITHUB, waits=(20, 30)),
    "GitHub's primary limit, for an hour": Row(used_up, "kept", GITHUB, waits=(0, 0)),
    "GitHub's primary limit, its Date weeks ahead of its reset": Row(
        limited_until(-2_000_000, times=ALWAYS), "kept", GITHUB, waits=(0, 0)
    ),
    "GitHub's primary limit, its Date weeks behind its reset": Row(
        limited_until(2_000_000, times=ALWAYS), "kept", GITHUB, waits=(0, 0), after=DAY
    ),
    "GitHub's secondary limit": Row(
        lambda case: case.tracker.server.site.limit_secondary(), "true", GITHUB, waits=(60, 60)
    ),
    "GitHub's secondary limit without a wish": Row(
        lambda case: case.tracker.server.site.limit_secondary(retry_after=None), "true", GITHUB, waits=(60, 60)
    ),
    "GitHub's secondary limit, for ever": Row(
        answers(403, b'{"message": "You have exceeded a secondary rate limit."}'), "kept", GITHUB, waits=(60, 60)
    ),
}
CREDENTIALS: dict[str, Row] = {
    "401 now": Row(answers(401), "kept", EVERY, waits=(0, 0), refused=True),
    "401 in the middle": Row(answers(401, skip=1), "kept", EVERY, waits=(0, 0), refused=True),
    "a CAPTCHA": Row(
        answers(403, headers={"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE; login-url=https://x.example/"}),
        "kept",
        JIRA,
        waits=(0, 0),
        says="sign in once in a browser",
    ),
}
ROWS: dict[str, Row] = {**SERVER, **ANSWERS, **STATUSES, **LIMITS, **CREDENTIALS}
SEEN_RED: dict[str, tuple[str, ...]] = {
    "no cap on the bytes of an answer": ("a gzip bomb", "a page beyond all bounds"),
    "waits beyond the deadline are begun": (
        "429 for a day",
        "GitHub's primary limit, for an hour",
        "GitHub's primary limit, its Date weeks behind its reset",
    ),
    "where no time is named, it is asked again at once": (
        "429 without a wish",
        "429 for −1 seconds",
        "429 for abc",
    ),
    "the server's wish is not kept": (
        "429 for 5 seconds",
        "429 until a date",
        "429 for a day",
        "Jira's burst",
        "GitHub's primary limit, soon over",
        "GitHub's secondary limit",
    ),
    "a secondary limit without a wish has no wait": (
        "GitHub's secondary limit without a wish",
        "GitHub's secondary limit, for ever",
    ),
    "a list without a token for its next page is at its end": ("a key that comes twice",),
    "nothing is repeated": tuple(f"{status} three times, then well" for status in (500, 502, 503, 504)),
    "twice as many repeats as requests at once before any answer": ("a connection reset",),
    "a 401 may pass": ("401 now", "401 in the middle"),
    "a CAPTCHA is a refusal like any other": ("a CAPTCHA",),
    "a 410 may pass": ("an interface that is gone, 410",),
    "redirects are read as answers": ("a redirect elsewhere", "a redirect to itself", "a redirect to a file"),
    "redirects are followed without end": ("a redirect to itself", "a redirect to a file"),
    "redirects lead to any host and scheme": ("a redirect elsewhere", "a redirect to a file"),
    "a list that is missing, or no list, is empty": ("{} with 200", "[] with 200", "null with 200"),
    "an answer without data has none": ("{} with 200", "[] with 200", "null with 200"),
    "infinite points count": ("1e999 as points",),
    "a reset in the past is a wait backwards": ("GitHub's primary limit, its Date weeks ahead of its reset",),
    "times are told by our clock": ("429 until a date", "GitHub's primary limit, soon over"),
    "no time-out for a piece of an answer": ("a silent server", "a body that stops half-way, the connection open"),
    "no deadline for a whole answer": ("a slow body", "a slow header"),
    "what the deadline cut off is read like the rest": ("a slow body", "a slow header"),
    "failures of TLS pass": ("bad TLS",),
    "a name without an address is a bug": ("a name that is gone",),
    "what goes wrong in parsing is not caught": (
        "JSON 100,000 deep",
        "NaN",
        "1e999 as a count",
        "HTML with 200, always",
        "HTML with 200, once",
        "an empty answer with 200",
        "an answer without length cut short",
        "1e999 as a weight",
        "bad UTF-8",
    ),
    "JSON is read at less than its strict word": ("NaN", "1e999 as a weight", "a key that comes twice"),
    "what is no UTF-8 is replaced": ("bad UTF-8",),
    "the body of an error is quoted": tuple(f"{status} for ever" for status in (500, 502, 503, 504)),
    "what failed is not stale": ("500 for ever",),
    "errors below HTTP are not typed": (
        "a connection reset once",
        "an answer cut short once",
        "a refused connection",
        "a connection reset",
        "a connection closed without a word",
        "an answer cut short of its length",
    ),
}
"""What was taken away once → the cases that failed then, for at least one tracker."""
CASES = [pytest.param(kind, name, id=f"{name}, {kind}") for name, row in ROWS.items() for kind in row.kinds]


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Houses]:
    made = Houses(lambda: tmp_path_factory.mktemp("case"))
    yield made
    made.close()


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_numbers_are_true_or_kept_and_the_next_run_heals(
    kind: Kind, name: str, houses: Houses, caplog: pytest.LogCaptureFixture
) -> None:
    """I2, I8, I9, I11 and I12 hold in every case, for Jira and for GitHub."""
    caplog.set_level("DEBUG")
    row, case = ROWS[name], houses.of(kind)
    before = dict(case.tracker.truth())
    case.finish_something()
    assert case.tracker.truth() != before
    site = case.tracker.server.site
    case.pass_time(HOUR)
    row.begin(case)
    seen = case.run(timedelta(0), **row.settings(case))
    if row.ends == "kept":
        check_kept(seen, before)
        check_witness(case, seen)
    else:
        check_true(case, seen)
    told = entry_of(seen.report, "finish-alpha")
    assert row.says in told.fix
    assert re.search(row.why, told.reason), told.reason
    check_costs(case, row, seen)
    check_secrets(case, seen, caplog.records)
    heal(case, site)
    check_true(case, case.run(row.after))
    case.clean = not row.lingers


def check_costs(case: Case, row: Row, seen: Seen) -> None:
    """I8: what is sent has bounds, and waits are those that the server asked for."""
    check_requests(case, seen)
    if row.waits is not None:
        least, most = row.waits
        assert least <= max(seen.slept, default=0.0) <= most
    if row.refused:
        statuses = [line.status for line in case.tracker.server.log]
        assert len(statuses) - statuses.index(401) <= 2
    assert not row.nowhere or not [line.path for line in case.tracker.server.log if row.nowhere in line.path]


def heal(case: Case, site: Any) -> None:
    """Let the server be well, and make sure that it was ill."""
    broken = case.tracker.server.site
    assert not isinstance(broken, Edited) or broken.edited > 0
    case.tracker.server.site = site
    case.tracker.server.heal()
    if hasattr(site, "rate_limit_after"):
        site.rate_limit_after = None
