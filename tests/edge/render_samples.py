"""Reports to render: an ordinary one with every status, an empty one, and one full of hostile text."""

# ruff: noqa: E501 -- samples read better in one line each

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from okr_sync.core.charts import ChartPoint
from okr_sync.core.facts import SourceState
from okr_sync.core.report import Report, build_report
from okr_sync.core.snapshot import InitiativeState, Input, KeyResultState, ObjectiveState, Snapshot, Status

START = datetime(2026, 10, 1, tzinfo=UTC)
DUE = datetime(2027, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 3, 46, tzinfo=UTC)
BEFORE = datetime(2026, 11, 15, 8, tzinfo=UTC)


def key_result(name: str, title: str, objective: str = "experience", **fields: object) -> KeyResultState:
    """Return a key result that is on track at 65 %, but for `fields`."""
    state = KeyResultState(
        id=name,
        objective=objective,
        title=title,
        kind="change",
        owner="ana",
        weight=1.0,
        unit="points",
        start=START,
        due=DUE,
        definition="4f1c2d3e5a6b7c8d",
        value=44.0,
        baseline=31.0,
        target=51.0,
        progress=0.65,
        score=0.65,
        status="on_track",
        reason="0.65 of 0.57 expected by now",
        formula="(44 − 31) / (51 − 31) = 0.65",
        inputs=(Input("surveys", "nps", NOW - timedelta(hours=3)),),
        as_of=NOW - timedelta(hours=3),
    )
    return replace(state, **fields)  # type: ignore[arg-type]


def points(*levels: tuple[int, float | None], span: float = 20, base: float = 31) -> tuple[ChartPoint, ...]:
    """Return points (day of the cycle, progress), values to match; None is a gap."""
    return tuple(
        ChartPoint(START + timedelta(days=day), None if share is None else base + span * share, share)
        for day, share in levels
    )


EXPERIENCE = (
    key_result("nps", "Increase the Net Promoter Score by 20 points"),
    key_result(
        "page-load",
        "Bring page load below 2,040 ms",
        unit="ms",
        value=1990.0,
        baseline=2400.0,
        target=2040.0,
        progress=1.1388888,
        score=1.0,
        status="met",
        reason="the target is reached",
    ),
    key_result(
        "incidents",
        "Keep security incidents at 2 or fewer a week",
        kind="threshold",
        unit="incidents",
        value=3.0,
        baseline=None,
        target=2.0,
        progress=0.6,
        score=0.6,
        status="at_risk",
        reason="3 incidents lies outside the bound of at most 2",
    ),
    key_result(
        "adoption",
        "75 % of active users adopt the assistant",
        owner="chi",
        unit="%",
        value=None,
        baseline=0.0,
        target=75.0,
        progress=None,
        score=None,
        status="unknown",
        reason="operations.csv, line 9: 'n/a' in 'assistant_adoption' is not a number written like 1234.5",
        as_of=None,
    ),
)
PEOPLE = (
    key_result(
        "turnover",
        "Reduce the turnover of high potentials by a quarter",
        "skills",
        owner=None,
        unit="%",
        value=17.0,
        baseline=16.0,
        target=12.0,
        progress=-0.25,
        score=0.0,
        status="off_track",
        reason="worse than at the start: -0.25 of 0.57 expected by now",
    ),
    key_result(
        "academy",
        "Launch the skills academy",
        "skills",
        kind="delivery",
        unit="%",
        value=62.5,
        baseline=0.0,
        target=100.0,
        progress=0.625,
        score=0.625,
        status="stale",
        reason="tracker last answered on 2026-11-19 20:00 UTC, longer ago than 2 h; before: on track",
        as_of=datetime(2026, 11, 19, 20, tzinfo=UTC),
        stale=True,
    ),
    key_result("market", "Become the market leader", "skills", unit="", status="outdated", reason="the value of 2026-09-30 expired on 2026-11-04", stale=True),
    key_result("survey", "Onboarding survey live by the end of October", "skills", status="missed", progress=0.4, score=0.4, reason="0.40 at the due date 2026-11-01"),
    key_result("late-start", "Workshops in the second half", "skills", status="pending", progress=0.0, score=0.0, value=31.0, reason="less than a tenth of the time has passed"),
)  # fmt: skip
OBJECTIVES = (
    ObjectiveState("experience", "Innovate and elevate the digital pharmacy experience", "2026-Q4", "team", "product", "ana", "digital-first", tuple(each.id for each in EXPERIENCE), 0.75, 0.75, "on_track", 0.75, "0.75 of 0.57 expected by now", ("adoption",)),
    ObjectiveState("digital-first", "Become the most trusted digital pharmacy", "2026-Q4", "organisation", None, None, None, (), 0.58, 0.58, "on_track", 1.0, "rolled up from 2 objectives"),
    ObjectiveState("skills", "Make this the place where talent stays", "2026-Q4", "individual", "hr", "eva", None, tuple(each.id for each in PEOPLE), None, None, "unknown", 0.0, "the weights of scored key results sum to 0", tuple(each.id for each in PEOPLE)),
)  # fmt: skip
INITIATIVES = (
    InitiativeState("assistant", "AI health assistant", "ana", ("adoption",), 12, 5, 3, 2, 20, 47.0, 80.0, 0.5875, "in_progress", "points, 1 item without points counted as median 5", "", (Input("tracker", "assistant"),), (), NOW - timedelta(minutes=5)),
    InitiativeState("academy-build", "Skills academy", "eva", ("academy",), 5, 1, 2, 0, 8, 5.0, 8.0, 0.625, "in_progress", "count", "the last good numbers; scope academy-build/1: no access to MED-40", (), (), datetime(2026, 11, 19, 20, tzinfo=UTC), stale=True),
    InitiativeState("wearables", "Wearables integration", None, (), reason="scope wearables/1 was never read: milestone not found"),
)  # fmt: skip
SOURCES = (
    SourceState("surveys", NOW - timedelta(hours=1), timedelta(days=1)),
    SourceState("tracker", datetime(2026, 11, 19, 20, tzinfo=UTC), timedelta(hours=2), "HTTP 401 from Jira", "renew the API token"),
    SourceState("code", None, timedelta(hours=2)),
)  # fmt: skip
SNAPSHOT = Snapshot(NOW, OBJECTIVES, EXPERIENCE + PEOPLE, INITIATIVES)
HISTORIES = {
    "nps": points((-3, 0.0), (4, 0.05), (11, 0.1), (18, 0.2), (25, 0.35), (32, 0.4), (39, 0.55), (46, 0.65)),
    "page-load": points((0, 0.0), (7, 0.2), (20, 0.55), (33, 0.9), (40, 1.1388888), span=-360, base=2400),
    "incidents": points((0, 1.0), (10, 2.0), (20, 0.5), (30, 1.0), (44, 1.5), span=2, base=0),
    "adoption": points((7, 0.1), (14, 0.2), (21, 0.24), (28, None)),
    "turnover": points((0, 0.0), (14, 0.15), (28, -0.1), (42, -0.25), span=-4, base=16),
    "academy": (
        *points((0, 0.0), (9, 0.125), (16, 0.25), (23, None), (30, 0.5), (44, 0.625), span=100, base=0),
        ChartPoint(datetime(2026, 11, 19, 22, tzinfo=UTC), 62.5, 0.625, stale=True),
    ),
}


def before() -> Snapshot:
    """Return the snapshot of a week earlier: some things were worse, one was better, one was not there."""
    older = {
        "nps": key_result("nps", "", value=42.0, progress=0.55, status="at_risk"),
        "page-load": key_result("page-load", "", value=2076.0, progress=0.9, status="on_track"),
        "turnover": key_result("turnover", "", value=16.4, progress=-0.1),
        "adoption": key_result("adoption", "", value=18.0, progress=0.24),
    }
    key_results = tuple(older.get(each.id, each) for each in SNAPSHOT.key_results if each.id != "market")
    objectives = (replace(OBJECTIVES[0], progress=0.69, status="at_risk"), *OBJECTIVES[1:])
    assistant = replace(INITIATIVES[0], done=9, total=18, dropped=1)
    return Snapshot(BEFORE, objectives, key_results, (assistant, *INITIATIVES[2:]))


def report() -> Report:
    """Return the ordinary report."""
    return build_report(SNAPSHOT, before(), BEFORE, HISTORIES, 12, SOURCES)


def empty_report() -> Report:
    """Return the report of a store without objectives."""
    return build_report(Snapshot(NOW))


def hostile_report(text: str) -> Report:
    """Return a report whose every foreign text is `text`."""
    status: Status = "stale"
    kr = key_result("kr-1", text, "objective-1", owner=text, unit=text, reason=text, formula=text, status=status)
    objective = ObjectiveState("objective-1", text, text, "team", text, text, None, ("kr-1",), reason=text)
    initiative = InitiativeState("initiative-1", text, text, (), policy=text, reason=text, stale=True)
    source = SourceState(text, None, timedelta(hours=1), text, text)
    snapshot = Snapshot(NOW, (objective,), (kr,), (initiative,))
    old = replace(snapshot, key_results=(replace(kr, progress=0.1, value=33.0),))
    return build_report(snapshot, old, BEFORE, {"kr-1": points((0, 0.0), (20, 0.65))}, 1, (source,))
