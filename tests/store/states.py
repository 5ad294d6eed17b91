"""Short construction of snapshots, and snapshots of all shapes for laws."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st

from okr_sync.core.snapshot import InitiativeState, Input, KeyResultState, ObjectiveState, Snapshot, Status
from tests.store.builders import HOUR, NOW

WORDS = st.text(max_size=12)
NAMES = st.sampled_from(["a", "b", "c"])
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
FINITE = st.none() | st.floats(allow_nan=False, allow_infinity=False)
COUNTS = st.none() | st.integers(0, 10_000)
STATUSES = st.sampled_from(
    ["met", "on_track", "at_risk", "off_track", "pending", "unknown", "stale", "outdated", "missed"]
)
INPUTS = st.lists(
    st.builds(Input, NAMES, NAMES, st.none() | INSTANTS, st.none() | st.floats(0, 1e6), expires=st.none() | INSTANTS),
    max_size=2,
).map(tuple)
KEY_RESULTS = st.builds(
    KeyResultState,
    id=NAMES,
    objective=NAMES,
    title=WORDS,
    kind=WORDS,
    owner=st.none() | WORDS,
    weight=st.floats(0, 100),
    unit=WORDS,
    start=INSTANTS,
    due=INSTANTS,
    definition=WORDS,
    value=FINITE,
    baseline=FINITE,
    target=FINITE,
    progress=FINITE,
    score=FINITE,
    expected=FINITE,
    status=STATUSES,
    reason=WORDS,
    formula=WORDS,
    inputs=INPUTS,
    as_of=st.none() | INSTANTS,
    stale=st.booleans(),
)
INITIATIVES = st.builds(
    InitiativeState,
    id=NAMES,
    title=WORDS,
    owner=st.none() | WORDS,
    key_results=st.lists(NAMES, max_size=2).map(tuple),
    done=COUNTS,
    in_progress=COUNTS,
    open=COUNTS,
    dropped=COUNTS,
    total=COUNTS,
    weight_done=FINITE,
    weight_total=FINITE,
    progress=FINITE,
    state=st.sampled_from(["done", "in_progress", "not_started", "empty", "unknown"]),
    policy=WORDS,
    reason=WORDS,
    inputs=INPUTS,
    shared=st.lists(WORDS, max_size=2).map(tuple),
    as_of=st.none() | INSTANTS,
    stale=st.booleans(),
)
OBJECTIVES = st.builds(
    ObjectiveState,
    id=NAMES,
    title=WORDS,
    cycle=WORDS,
    level=st.sampled_from(["organisation", "team", "individual"]),
    team=st.none() | WORDS,
    owner=st.none() | WORDS,
    contributes_to=st.none() | WORDS,
    key_results=st.lists(NAMES, max_size=2).map(tuple),
    progress=FINITE,
    score=FINITE,
    status=STATUSES,
    coverage=st.floats(0, 1),
    reason=WORDS,
    unscored=st.lists(NAMES, max_size=2).map(tuple),
)
SNAPSHOTS = st.builds(
    Snapshot,
    at=INSTANTS,
    objectives=st.lists(OBJECTIVES, max_size=3, unique_by=lambda state: state.id).map(tuple),
    key_results=st.lists(KEY_RESULTS, max_size=3, unique_by=lambda state: state.id).map(tuple),
    initiatives=st.lists(INITIATIVES, max_size=3, unique_by=lambda state: state.id).map(tuple),
)


def key_result(
    progress: float | None = 0.4, *, status: Status = "at_risk", reason: str = "", id_: str = "nps-20"
) -> KeyResultState:
    """Return a key result from 31 to 51 whose value fits its progress; it rests on the survey's "nps"."""
    return KeyResultState(
        id=id_,
        objective="experience",
        title="NPS by 20 points",
        kind="change",
        owner="ana",
        weight=1.0,
        unit="points",
        start=NOW,
        due=NOW + 90 * 24 * HOUR,
        definition="d1",
        value=None if progress is None else 31.0 + 20.0 * progress,
        baseline=31.0,
        target=51.0,
        progress=progress,
        score=progress,
        status=status,
        reason=reason,
        inputs=(Input("survey", "nps"),),
    )


def snapshot(*key_results: KeyResultState, at: datetime = NOW, done: int = 3) -> Snapshot:
    """Return a snapshot with one objective over `key_results` and one initiative, `done` of 5 items done."""
    objective = ObjectiveState(
        id="experience",
        title="Experience",
        cycle="2026-Q4",
        level="team",
        team="product",
        owner="ana",
        contributes_to=None,
        key_results=tuple(state.id for state in key_results),
        progress=key_results[0].progress,
        score=key_results[0].score,
        status=key_results[0].status,
        coverage=1.0,
    )
    work = InitiativeState("assistant", "Assistant", "ana", ("nps-20",), done, 0, 5 - done, 1, 5)
    work = replace(
        work, weight_done=float(done), weight_total=5.0, progress=done / 5, state="in_progress", policy="count"
    )
    return Snapshot(at, (objective,), key_results, (work,))
