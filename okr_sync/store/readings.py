"""Readings of metrics: what is appended when a source answers, and what the store holds true at each valid time.

Rules. An undated reading is appended only when it differs from the newest one. A dated one is appended when its time
is new, or as a correction when its value, author or expiry differ from what is known for that time. A dated reading
that the source no longer has, though it answered for an earlier or equal and a later time than that, is retracted by a
new row; an answer about the past, which may be thinner, takes nothing back. Nothing is ever changed or deleted, so both
the valid and the recorded time of every value stay known.

Each reading keeps the hash of what was asked for it. Another question begins another series: it corrects and retracts
nothing of the earlier ones, and replaces them from its first reading on. Rows from before the hash was kept count for
the first question that is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import func, select
from sqlmodel import Session

from okr_sync.core.facts import Collected, MetricFacts, Miss, Reading, Unchanged
from okr_sync.core.past import Series
from okr_sync.store.statements import Row, change_all, chunks, differ, fetch, insert_all
from okr_sync.store.tables import MetricRow, Observation, sql

OBSERVATIONS, METRICS = sql(Observation), sql(MetricRow)
NEVER_ASKED = ""  # no hash
RECORDED = (OBSERVATIONS.c.metric, OBSERVATIONS.c.id)  # the order in which rows are told apart


def save_answers(session: Session, run_id: int, collected: Collected) -> int:
    """Append what is new in the answers and save the last outcome of each metric; return the observations written."""
    answered = {
        metric: outcome for metric, outcome in collected.answers.items() if not isinstance(outcome, Miss | Unchanged)
    }
    known = {metric: _newest(rows) for metric, rows in _asked(session, answered, collected.questions).items()}
    rows = [
        _row(metric, reading, collected, run_id) | {"retracted": retracted}
        for metric, readings in sorted(answered.items())
        for reading, retracted in _news(
            readings, known.get(metric, {}), collected.at, whole=metric not in collected.past
        )
    ]
    _save_outcomes(session, run_id, collected)
    return insert_all(session, OBSERVATIONS, rows)


def load_metrics(
    session: Session, metrics: frozenset[str], asked: Mapping[str, str] = MappingProxyType({})
) -> dict[str, MetricFacts]:
    """Return the facts of each metric; `asked` (id → hash) says what is asked of it now, missing: whatever was.

    One that was never asked has no readings and no miss.
    """
    rows = _rows(session, metrics)
    misses = _misses(session, metrics)
    return {metric: _facts(rows.get(metric, []), asked.get(metric), misses.get(metric)) for metric in sorted(metrics)}


def load_series(session: Session, metrics: frozenset[str]) -> dict[str, dict[str | None, Series]]:
    """Return metric → hash of a question → what counts for who asks it; None: for questions never answered.

    Each series has the value recorded last for each valid time; what was retracted is left out.
    """
    return {
        metric: {
            **{each: _counting(rows, each) for each in dict.fromkeys(row["question"] for row in rows) if each},
            None: _counting(rows, NEVER_ASKED),
        }
        for metric, rows in _rows(session, metrics).items()
    }


def first_times(session: Session, metrics: frozenset[str]) -> dict[str, datetime]:
    """Return metric → the earliest valid time of its readings; those without any are left out."""
    first = func.min(OBSERVATIONS.c.valid_time).label("first")
    return {
        row["metric"]: row["first"]
        for name in sorted(metrics)
        for row in fetch(
            session,
            select(OBSERVATIONS.c.metric, first).where(OBSERVATIONS.c.metric == name).group_by(OBSERVATIONS.c.metric),
        )
    }


def add_reading(session: Session, metric: str, reading: Reading, now: datetime, question: str | None = None) -> None:
    """Append a value that a person typed, valid from its own time or `now`; `question` hashes what is asked for it."""
    row = {
        "metric": metric,
        "valid_time": reading.time or now,
        "dated": True,
        "value": reading.value,
        "evidence": reading.evidence,
        "author": reading.author,
        "expires": reading.expires,
        "retracted": False,
        "recorded_at": now,
        "run_id": None,
        "question": question,
    }
    insert_all(session, OBSERVATIONS, [row])


def _rows(session: Session, metrics: Iterable[str]) -> dict[str, list[Row]]:
    """Return metric → all its rows in the order in which they were recorded, each with a question if any is known."""
    found: dict[str, list[Row]] = {}
    for chunk in chunks(frozenset(metrics)):
        for row in fetch(session, select(OBSERVATIONS).where(OBSERVATIONS.c.metric.in_(chunk)).order_by(*RECORDED)):
            found.setdefault(row["metric"], []).append(row)
    return {metric: _attributed(rows) for metric, rows in found.items()}


def _attributed(rows: list[Row]) -> list[Row]:
    first = next((row["question"] for row in rows if row["question"] is not None), None)
    return [row if row["question"] is not None else {**row, "question": first} for row in rows]


def _asked(session: Session, metrics: Iterable[str], asked: Mapping[str, str]) -> dict[str, list[Row]]:
    """Return metric → its rows that answer what is asked of it now; all when that is not told."""
    rows = _rows(session, metrics)
    return {metric: [row for row in each if _answers(row, asked.get(metric))] for metric, each in rows.items()}


def _answers(row: Row, question: str | None) -> bool:
    return question is None or row["question"] is None or row["question"] == question


def _newest(rows: Iterable[Row]) -> dict[datetime, Row]:
    """Return valid time → the row recorded last for it, in the order of valid times."""
    newest = {row["valid_time"]: row for row in rows}
    return dict(sorted(newest.items()))


def _facts(rows: list[Row], question: str | None, miss: Miss | None) -> MetricFacts:
    series = _series(rows, question)
    held = [row for part in series for row in part]
    return MetricFacts(
        tuple(_stored(row) for row in held),
        undated=bool(held) and not held[-1]["dated"],
        miss=miss,
        breaks=tuple(part[0]["valid_time"] for part in series[1:]),
        answered=not held or _answers(held[-1], question),
    )


def _counting(rows: list[Row], question: str) -> Series:
    parts = _series(rows, question)
    held = [row for part in parts for row in part]
    return Series(
        readings=tuple(_stored(row) for row in held),
        undated=frozenset(row["valid_time"] for row in held if not row["dated"]),
        breaks=tuple(part[0]["valid_time"] for part in parts[1:]),
        answers=min((row["valid_time"] for row in held if _answers(row, question)), default=None),
    )


def _series(rows: list[Row], question: str | None) -> list[list[Row]]:
    """Return what counts of each series, oldest first: of an earlier one only what lies before the later ones.

    Series that began after the one that is asked for are left out; empty ones, too.
    """
    if question is None or not rows or rows[0]["question"] is None:
        groups = [rows]
    else:
        begun = list(dict.fromkeys(row["question"] for row in rows))
        until = begun.index(question) + 1 if question in begun else len(begun)
        groups = [[row for row in rows if row["question"] == each] for each in begun[:until]]
    parts: list[list[Row]] = []
    for group in reversed(groups):
        held = [row for row in _newest(group).values() if not row["retracted"]]
        part = [row for row in held if not parts or row["valid_time"] < parts[0][0]["valid_time"]]
        parts = [part, *parts] if part else parts
    return parts


def _news(
    readings: tuple[Reading, ...], known: Mapping[datetime, Row], at: datetime, *, whole: bool
) -> Iterator[tuple[Reading, bool]]:
    """Yield what to append, oldest first, each with whether it is a retraction; only a `whole` answer retracts."""
    dated = {reading.time: reading for reading in readings if reading.time is not None}
    undated = [reading for reading in readings if reading.time is None][-1:]
    if whole and dated and not undated:
        yield from ((_stored(row), True) for row in _withdrawn(dated, known, at))
    for time, reading in sorted(dated.items()):
        if _corrects(reading, known.get(time)):
            yield reading, False
    for reading in undated:
        if _differs(reading, known):
            yield reading, False


def _withdrawn(dated: Mapping[datetime, Reading], known: Mapping[datetime, Row], at: datetime) -> Iterator[Row]:
    oldest = min(dated)
    for time, row in known.items():
        from_source = row["dated"] and row["run_id"] is not None and not row["retracted"]
        if from_source and oldest <= time <= at and time not in dated:
            yield row


def _corrects(reading: Reading, row: Row | None) -> bool:
    return (
        row is None
        or row["retracted"]
        or (reading.value, reading.author, reading.expires) != (row["value"], row["author"], row["expires"])
    )


def _differs(reading: Reading, known: Mapping[datetime, Row]) -> bool:
    newest = next((row for row in reversed(list(known.values())) if not row["retracted"]), None)
    return (
        newest is None
        or newest["dated"]
        or any(getattr(reading, name) != newest[name] for name in ("value", "evidence", "author", "expires"))
    )


def _stored(row: Row) -> Reading:
    return Reading(row["value"], row["valid_time"], row["evidence"], row["author"], row["expires"])


def _row(metric: str, reading: Reading, collected: Collected, run_id: int) -> dict[str, object]:
    return {
        "metric": metric,
        "valid_time": reading.time or collected.at,
        "dated": reading.time is not None,
        "value": reading.value,
        "evidence": reading.evidence,
        "author": reading.author,
        "expires": reading.expires,
        "recorded_at": collected.at,
        "run_id": run_id,
        "question": collected.questions.get(metric),
    }


def _misses(session: Session, metrics: frozenset[str]) -> dict[str, Miss]:
    return {
        row["metric"]: Miss(row["miss_kind"], row["miss_message"])
        for row in outcomes(session, metrics)
        if row["miss_kind"] is not None
    }


def outcomes(session: Session, metrics: frozenset[str]) -> Iterator[Row]:
    """Yield the rows that say how the last question for each metric ended, since when."""
    for chunk in chunks(metrics):
        yield from fetch(session, select(METRICS).where(METRICS.c.metric.in_(chunk)))


def _save_outcomes(session: Session, run_id: int, collected: Collected) -> None:
    known = {row["metric"]: row for row in outcomes(session, frozenset(collected.answers))}
    wanted = {
        metric: {**_outcome(metric, outcome, collected.source), **_past_question(metric, known.get(metric), collected)}
        for metric, outcome in collected.answers.items()
    }
    stamp = {"since": collected.at, "run_id": run_id}
    changed = [row | stamp for metric, row in wanted.items() if metric in known and differ(known[metric], row)]
    change_all(session, METRICS, changed, key=("metric",))
    insert_all(session, METRICS, [row | stamp for metric, row in wanted.items() if metric not in known])


def past_questions(session: Session, metrics: frozenset[str]) -> dict[str, str]:
    """Return metric → hash of the question with which its past was brought, for those of which it was."""
    found = outcomes(session, metrics)
    return {row["metric"]: row["past_question"] for row in found if row["past_question"] is not None}


def _past_question(metric: str, known: Row | None, collected: Collected) -> dict[str, object]:
    """Return the column with the question of this answer if it brought the past, else with the one that did before."""
    before = None if known is None else known["past_question"]
    brought = not isinstance(collected.answers[metric], Miss)
    return {"past_question": collected.past.get(metric, before) if brought else before}


def _outcome(metric: str, outcome: object, source: str) -> dict[str, object]:
    miss = outcome if isinstance(outcome, Miss) else None
    return {
        "metric": metric,
        "source": source,
        "miss_kind": miss.why if miss else None,
        "miss_message": miss.message if miss else None,
    }
