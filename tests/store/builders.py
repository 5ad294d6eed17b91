"""Short construction of what the store's tests save."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from hypothesis import HealthCheck, settings
from sqlmodel import Session

from okr_sync.core.facts import Collected, Container, Members, Miss, Outcome, WorkItem
from okr_sync.store import schema
from okr_sync.store.ledger import open_run
from tests.examples import EXAMPLES

NOW = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
REVISIONS = tuple(sorted(file.name[:4] for file in Path(schema.MIGRATIONS, "versions").glob("0*.py")))
"""All revisions, oldest first: the names of the files are their order."""
TRIED = settings(
    deadline=None,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
"""For laws tried on one store that every example leaves as it was."""


def item(id_: str, *, state: Literal["open", "in_progress", "done"] = "open", points: float | None = None) -> WorkItem:
    """Return a work item with a made-up key, title and address."""
    return WorkItem(
        id=id_,
        key=f"MED-{id_}",
        title=f"Item {id_}",
        url=f"https://tracker.example/browse/MED-{id_}",
        kind="issue",
        state=state,
        points=points,
        created=NOW - 24 * HOUR,
        updated=NOW,
        labels=("b", "a"),
    )


def epic(id_: str) -> Container:
    """Return an open epic."""
    return Container(id_, f"MED-{id_}", f"Epic {id_}", f"https://tracker.example/browse/MED-{id_}", "epic", "open")


def pulled(
    *items: WorkItem,
    held: Mapping[str, str] | None = None,
    at: datetime = NOW,
    whole: bool = True,
    gone: str = "",
    hidden: str = "",
    misses: Mapping[str, Miss] | None = None,
) -> Collected:
    """Return what the source "tracker" brings: `held` maps an epic's id to the ids that it holds ("1 2 3").

    All epics belong to the scope "assistant/1" unless it misses.
    """
    epics = held or {}
    return Collected(
        source="tracker",
        at=at,
        outcome="ok",
        requests=2,
        cursor=f"cursor {at:%H}",
        items=items,
        containers=tuple(epic(id_) for id_ in epics),
        members=tuple(Members(id_, frozenset(ids.split()), whole=whole) for id_, ids in epics.items()),
        scopes={} if misses else {"assistant/1": tuple(epics)},
        misses=misses or {},
        gone=frozenset(gone.split()),
        hidden=frozenset(hidden.split()),
    )


def answered(outcome: Outcome, *, at: datetime = NOW, metric: str = "nps") -> Collected:
    """Return what the source "survey" brings for one metric."""
    return Collected(source="survey", at=at, outcome="ok", requests=1, answers={metric: outcome})


def failed(source: str, *, at: datetime = NOW) -> Collected:
    """Return a failed source."""
    return Collected(source=source, at=at, outcome="failed", error="it is down", fix="start it", requests=3, retries=2)


def running(session: Session, at: datetime = NOW) -> int:
    """Open a run and return its id."""
    return open_run(session, at, "test", HOUR, "host:1", exclusive=False)
