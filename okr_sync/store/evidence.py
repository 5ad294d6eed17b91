"""The work items behind an initiative, for `explain`."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import Session

from okr_sync.core.facts import ScopeFacts
from okr_sync.store.definitions import definition
from okr_sync.store.scopes import load_scopes
from okr_sync.store.statements import fetch
from okr_sync.store.tables import ScopeRow, sql

SCOPES = sql(ScopeRow)


def evidence(session: Session, initiative: str) -> tuple[ScopeFacts, ...]:
    """Return the scopes "<initiative>/<n>" by n, each with its containers and their items; empty when never asked.

    Scopes that its newest definition has no more are left out.
    """
    refs = fetch(session, select(SCOPES.c.ref).where(SCOPES.c.ref.startswith(f"{initiative}/", autoescape=True)))
    numbers = {row["ref"]: row["ref"].removeprefix(f"{initiative}/") for row in refs}
    wanted = {ref for ref, number in numbers.items() if number.isdecimal()}
    defined = definition(session, "initiative", initiative)
    if defined is not None:
        wanted &= {scope[".ref"] for scope in defined.body["scopes"]}
    scopes = load_scopes(session, frozenset(wanted))
    return tuple(sorted(scopes.values(), key=lambda facts: int(numbers[facts.ref])))
