"""Due dates: every one that was seen is kept, with when."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from alembic import command
from sqlalchemy import NullPool, create_engine, text
from sqlmodel import Session

from okr_sync.core.facts import Collected, DueSeen
from okr_sync.store import schema
from okr_sync.store.collecting import Saved, save_collected
from okr_sync.store.due_dates import load_due_dates
from okr_sync.store.evidence import evidence
from tests.store.builders import HOUR, NOW, epic, item, pulled, running

RUN = (
    "INSERT INTO runs (id, trigger, owner, started, lease_until, outcome, summary) "
    "VALUES (1, 'test', 'host:1', '2026-10-05 09:00:00', '2026-10-05 09:00:00', 'ok', '')"
)
ITEM = (
    "INSERT INTO work_items (source, id, key, title, url, kind, state, labels, due, run_id) "
    "VALUES ('tracker', '1', 'A-1', 't', 'u', 'issue', 'open', '[]', '2026-11-01', 1)"
)
EPIC = (
    "INSERT INTO containers (source, id, key, title, url, kind, state, due, run_id) "
    "VALUES ('tracker', '{0}', 'A-2', 't', 'u', 'epic', 'open', {1}, 1)"
)

FIRST, MOVED = date(2026, 11, 1), date(2026, 12, 1)


def _brought(due: date | None, hours: int = 0, epic_due: date | None = None) -> Collected:
    at = NOW + hours * HOUR
    brought = pulled(replace(item("1"), due=due), item("2"), held={"e1": "1 2"}, at=at)
    return replace(brought, containers=(replace(epic("e1"), due=epic_due),))


def _save(session: Session, collected: Collected) -> Saved:
    return save_collected(session, running(session, collected.at), collected)


def test_every_due_date_that_was_seen_is_kept_with_when(session: Session) -> None:
    saved = [
        _save(session, each).due_dates
        for each in (_brought(FIRST), _brought(FIRST, 1), _brought(MOVED, 2), _brought(None, 3), _brought(MOVED, 4))
    ]
    assert saved == [1, 0, 1, 1, 1]
    dues = (FIRST, NOW), (MOVED, NOW + 2 * HOUR), (None, NOW + 3 * HOUR), (MOVED, NOW + 4 * HOUR)
    seen = tuple(DueSeen(*each) for each in dues)
    assert load_due_dates(session, "tracker", frozenset({"1", "2", "e1"})) == {"1": seen}
    assert load_due_dates(session, "other", frozenset({"1"})) == {}


def test_scopes_bring_the_due_dates_of_their_containers_and_items(session: Session) -> None:
    _save(session, _brought(FIRST, epic_due=MOVED))
    (facts,) = evidence(session, "assistant")
    assert facts.dues == {"1": (DueSeen(FIRST, NOW),), "e1": (DueSeen(MOVED, NOW),)}


def test_an_older_store_knows_the_due_dates_of_its_mirror_from_its_migration_on(url: str) -> None:
    config = schema.alembic_config()
    with create_engine(url, poolclass=NullPool).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        command.downgrade(config, "0006-1")
        connection.execute(text(RUN))
        for statement in (ITEM, EPIC.format("e1", "'2026-12-01'"), EPIC.format("e2", "NULL")):
            connection.execute(text(statement))
        command.upgrade(config, "0006")
        rows = connection.execute(text("SELECT source, thing, due, run_id FROM due_dates ORDER BY thing")).all()
    found = [(row.source, row.thing, str(row.due), row.run_id) for row in rows]
    assert found == [("tracker", "1", "2026-11-01", 1), ("tracker", "e1", "2026-12-01", 1)]
