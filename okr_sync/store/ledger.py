"""The run ledger: who holds which lease, and what became of every source and key result in each run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, Literal, TypeAlias

from sqlalchemy import bindparam, func, select
from sqlmodel import Session

from okr_sync.core.costs import COUNTED, added
from okr_sync.errors import BusyError, StoreError
from okr_sync.store import turns
from okr_sync.store.database import Store
from okr_sync.store.points import withheld_ids
from okr_sync.store.processes import has_ended, is_alive
from okr_sync.store.statements import Row, change_all, fetch, fetch_one, insert_all, insert_counted, insert_one
from okr_sync.store.tables import Run, RunEntry, RunSource, sql

RunOutcome: TypeAlias = Literal["running", "ok", "partial", "failed", "interrupted", "fenced", "missed"]
"""interrupted: its process ended first; fenced: it outlived its lease; missed: a slot for which nothing ran."""
SourceOutcome: TypeAlias = Literal["ok", "partial", "failed"]
EntryOutcome: TypeAlias = Literal["updated", "unchanged", "skipped", "failed"]

RUNS, SOURCES, ENTRIES = sql(Run), sql(RunSource), sql(RunEntry)
WITHHELD = "about too few people by now: not shown (privacy_k)"
ONLY_ONE = "sync"  # the lease of a run beside which there is no other
HELD = select(RUNS).where(RUNS.c.lease >= "")  # not null, in words for which SQLite takes its index
OUTCOME = select(RUNS.c.outcome).where(RUNS.c.id == bindparam("run"))


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """What one source cost and brought in a run: `seen` facts came, `changed` of them were new.

    `received` bytes, `not_modified` answers and `points` of a rate limit are None where nobody counted them, `kept`
    (answers that an interrupted pull left, and that were not asked for again) where none went on.
    """

    source: str
    outcome: SourceOutcome
    error: str | None = None
    fix: str | None = None
    requests: int = 0
    retries: int = 0
    seconds: float = 0.0
    seen: int = 0
    changed: int = 0
    received: int | None = None
    not_modified: int | None = None
    points: int | None = None
    kept: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one key result in a run, why, and what to do about it."""

    key_result: str
    outcome: EntryOutcome
    reason: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run. `counts` holds the entries by outcome; `entries` is filled by `run` only."""

    id: int
    trigger: str
    owner: str
    outcome: RunOutcome
    started: datetime
    finished: datetime | None
    lease_until: datetime
    summary: str
    sources: tuple[SourceEntry, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()


def begin_run(
    store: Store,
    now: datetime,
    trigger: str,
    deadline: timedelta,
    owner: str,
    *,
    is_alive: Callable[[str], bool] = is_alive,
    turn: int | None = None,
    clock: Callable[[], datetime] | None = None,
) -> int:
    """Open a run beside which there is no other and return its id; its lease lasts until `now + deadline` (exclusive).

    `owner` is "host:pid". A run under way whose owner sits on the same host and is not alive is closed as interrupted,
    one whose lease ended as fenced, and what it still writes is refused. `clock` is read once nobody else writes, which
    may take long; None: `now` is that instant already. Raises BusyError when another is under way, or when others wait
    in the line before `turn`.
    """
    with store.writing() as session:
        now = now if clock is None else clock()
        require_none_under_way(session, now, owner, is_alive=is_alive, turn=turn)
        return open_run(session, now, trigger, deadline, owner)


def require_none_under_way(
    session: Session,
    now: datetime,
    owner: str,
    *,
    is_alive: Callable[[str], bool] = is_alive,
    turn: int | None = None,
) -> None:
    """Close runs that lost their lease. Raises BusyError when one is under way, or when others are before `turn`."""
    runs_under_way(session, now, owner, is_alive=is_alive)
    found = in_the_way(session, now, owner, is_alive=is_alive, turn=turn)
    if found is not None:
        raise BusyError(f"{found.what[0].upper()}{found.what[1:]}; {found.advice}")


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a run of everything can't begin now, and what whoever wants one can do."""

    what: str
    advice: str


def in_the_way(
    session: Session,
    now: datetime,
    owner: str,
    *,
    is_alive: Callable[[str], bool] = is_alive,
    turn: int | None = None,
) -> Obstacle | None:
    """Return what a run of everything has to wait for: a run under way, or who is in the line before `turn`."""
    held = _under_lease(session)
    found = next((each for each in held if _holds(each, now, owner, is_alive)), None)
    if found is not None:
        return Obstacle(
            f"run {found['id']} by {found['owner']} is under way since {found['started']:%Y-%m-%d %H:%M:%S} UTC",
            f"wait until it is done, at most until {found['deadline'] or found['lease_until']:%H:%M:%S} UTC; "
            "with --wait the next turn is yours.",
        )
    first = turns.next_turn(session, now, owner, is_alive=is_alive)
    if first is None or (first.id, first.owner) == (turn, owner):
        return None
    since = f"{first.asked:%Y-%m-%d %H:%M:%S} UTC"
    return Obstacle(f"{first.owner} waits for its turn since {since}", "with --wait the turn after it is yours.")


def runs_under_way(
    session: Session, now: datetime, owner: str, *, is_alive: Callable[[str], bool] = is_alive
) -> list[Row]:
    """Return the rows of all runs that hold a lease, oldest first; those that lost it are closed."""
    held: list[Row] = []
    for found in _under_lease(session):
        if _holds(found, now, owner, is_alive):
            held.append(found)
        elif _is_gone(found, owner, is_alive):
            _close(session, found["id"], now, "interrupted", f"{found['owner']} ended before it was done")
        else:
            said = f"{found['owner']} did not hold its lease beyond {found['lease_until']:%Y-%m-%d %H:%M:%S} UTC"
            _close(session, found["id"], now, "fenced", said)
    return held


def _under_lease(session: Session) -> list[dict[str, Any]]:
    """Return the runs that have a lease, oldest first; told to sort them, SQLite would read all runs in their order."""
    return sorted(fetch(session, HELD), key=itemgetter("id"))


def lease_of(schedule: str) -> str:
    """Return the lease of a run that asks the sources of one schedule only, beside those of others."""
    return f"schedule {schedule}"


def open_run(
    session: Session,
    now: datetime,
    trigger: str,
    lease: timedelta,
    owner: str,
    *,
    exclusive: bool = True,
    deadline: datetime | None = None,
    held: str = ONLY_ONE,
) -> int:
    """Insert a running run that holds the lease `held` and return its id.

    Not `exclusive`, without a lease, only to rehearse beside one that is under way. It must have ended at `deadline`;
    None: when its lease ends.
    """
    row = {
        "trigger": trigger,
        "owner": owner,
        "outcome": "running",
        "started": now,
        "lease": held if exclusive else None,
        "lease_until": now + lease,
        "deadline": deadline,
        "summary": "",
    }
    return insert_one(session, RUNS, row)


def record_missed(
    session: Session,
    now: datetime,
    trigger: str,
    owner: str,
    whys: Sequence[str],
    *,
    outcome: Literal["missed", "failed"] = "missed",
) -> list[int]:
    """Insert a run that never began for each reason, and return their ids; one that ended whoever began it has failed.

    All at once: after a year without a worker there are tens of thousands.
    """
    row = {"trigger": trigger, "owner": owner, "outcome": outcome, "started": now, "finished": now}
    return insert_counted(session, RUNS, [{**row, "lease": None, "lease_until": now, "summary": why} for why in whys])


def renew_lease(session: Session, run_id: int, until: datetime) -> bool:
    """Let the run's lease last until `until` (exclusive); return False when the run is closed."""
    if not _is_running(session, run_id):
        return False
    change_all(session, RUNS, [{"id": run_id, "lease_until": until}], key=("id",))
    return True


def close_unfinished(
    session: Session, run_id: int, now: datetime, outcome: Literal["failed", "interrupted"], summary: str
) -> RunOutcome:
    """Close the run unless it is closed already; return the outcome that it has."""
    if _is_running(session, run_id):
        _close(session, run_id, now, outcome, summary)
        return outcome
    ended: RunOutcome = session.connection().execute(select(RUNS.c.outcome).where(RUNS.c.id == run_id)).scalar_one()
    return ended


def require_running(session: Session, run_id: int) -> None:
    """Raise StoreError unless the run is still under way: one that lost its lease may write no more."""
    found = fetch_one(session, OUTCOME, {"run": run_id})
    if found is None:
        raise StoreError(f"There is no run {run_id} in this store; begin one before saving.")
    if found["outcome"] != "running":
        raise StoreError(
            f"Run {run_id} is closed ({found['outcome']}) and may write no more; what it brought is discarded. "
            "Another run took its place; look at okr-sync runs."
        )


def finish_run(
    session: Session, run_id: int, now: datetime, outcome: Literal["ok", "partial", "failed"], summary: str
) -> None:
    """Close the run and give back its lease. Raises StoreError when it lost it."""
    require_running(session, run_id)
    _close(session, run_id, now, outcome, summary)


def interrupt_all(session: Session, now: datetime, why: str) -> None:
    """Close every run that is under way as interrupted, whoever holds it."""
    for found in fetch(session, select(RUNS.c.id).where(RUNS.c.outcome == "running")):
        _close(session, found["id"], now, "interrupted", why)


def record_sources(session: Session, run_id: int, sources: Iterable[SourceEntry]) -> None:
    """Record what each source cost; a source is recorded once a run (`save_collected` does so by itself)."""
    insert_all(session, SOURCES, [{"run_id": run_id, **_fields(source)} for source in sources])


def add_to_source(session: Session, run_id: int, source: SourceEntry) -> None:
    """Put what it cost to ask a source again in the same run on top of what is recorded, and how that ended."""
    known = fetch_one(session, select(SOURCES).where(SOURCES.c.run_id == run_id, SOURCES.c.source == source.source))
    if known is None:
        record_sources(session, run_id, [source])
        return
    counted = {name: added(known[name], getattr(source, name)) for name in (*COUNTED, "seen", "changed")}
    ended = {} if source.error is None else {name: getattr(source, name) for name in ("outcome", "error", "fix")}
    row = {"run_id": run_id, "source": source.source, **counted, **ended}
    change_all(session, SOURCES, [row], key=("run_id", "source"))


def record_entries(session: Session, run_id: int, entries: Iterable[Entry]) -> None:
    """Record what became of each key result; a key result is recorded once a run."""
    insert_all(session, ENTRIES, [{"run_id": run_id, **_fields(entry)} for entry in entries])


def runs(session: Session, limit: int = 20) -> list[RunRow]:
    """Return the newest `limit` runs, newest first, with sources and counts."""
    found = fetch(session, select(RUNS).order_by(RUNS.c.id.desc()).limit(limit))
    ids = [row["id"] for row in found]
    sources, counts = _sources(session, ids), _counts(session, ids)
    return [_run(row, sources.get(row["id"], ()), counts.get(row["id"], {})) for row in found]


def run(session: Session, run_id: int) -> RunRow | None:
    """Return one run with sources and entries (by key result id); None when there is no such run.

    What was said of a key result that is withheld now is not told.
    """
    found = fetch_one(session, select(RUNS).where(RUNS.c.id == run_id))
    if found is None:
        return None
    entries = fetch(session, select(ENTRIES).where(ENTRIES.c.run_id == run_id).order_by(ENTRIES.c.key_result))
    hidden = withheld_ids(session)
    return _run(
        found,
        _sources(session, [run_id]).get(run_id, ()),
        _counts(session, [run_id]).get(run_id, {}),
        tuple(_entry(row, hidden) for row in entries),
    )


def _entry(row: Row, hidden: frozenset[str]) -> Entry:
    if row["key_result"] in hidden:
        return Entry(row["key_result"], row["outcome"], WITHHELD)
    return Entry(row["key_result"], row["outcome"], row["reason"], row["fix"])


def _holds(found: Row, now: datetime, owner: str, is_alive: Callable[[str], bool]) -> bool:
    return bool(now < found["lease_until"] and not _is_gone(found, owner, is_alive))


def _is_gone(found: Row, owner: str, is_alive: Callable[[str], bool]) -> bool:
    return has_ended(found["owner"], owner, is_alive)


def _is_running(session: Session, run_id: int) -> bool:
    found = fetch_one(session, OUTCOME, {"run": run_id})
    return found is not None and found["outcome"] == "running"


def _close(session: Session, run_id: int, now: datetime, outcome: str, summary: str) -> None:
    row = {"id": run_id, "finished": now, "outcome": outcome, "summary": summary, "lease": None}
    change_all(session, RUNS, [row], key=("id",))


def _fields(entry: SourceEntry | Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__slots__}


def _sources(session: Session, ids: list[int]) -> dict[int, tuple[SourceEntry, ...]]:
    found = fetch(session, select(SOURCES).where(SOURCES.c.run_id.in_(ids)).order_by(SOURCES.c.source))
    return {
        run_id: tuple(
            SourceEntry(**{name: row[name] for name in SourceEntry.__slots__})
            for row in found
            if row["run_id"] == run_id
        )
        for run_id in ids
    }


def _counts(session: Session, ids: list[int]) -> dict[int, dict[str, int]]:
    columns = (ENTRIES.c.run_id, ENTRIES.c.outcome, func.count().label("number"))
    statement = select(*columns).where(ENTRIES.c.run_id.in_(ids)).group_by(*columns[:2]).order_by(*columns[:2])
    counts: dict[int, dict[str, int]] = {}
    for row in fetch(session, statement):
        counts.setdefault(row["run_id"], {})[row["outcome"]] = row["number"]
    return counts


def _run(
    row: Row,
    sources: tuple[SourceEntry, ...],
    counts: Mapping[str, int],
    entries: tuple[Entry, ...] = (),
) -> RunRow:
    names = ("id", "trigger", "owner", "outcome", "started", "finished", "lease_until", "summary")
    return RunRow(**{name: row[name] for name in names}, sources=sources, counts=counts, entries=entries)
