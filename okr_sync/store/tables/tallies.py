"""The table of how many items containers hold, kept so that they need not be counted each time."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from okr_sync.store.tables.shape import Table


class TallyRow(Table, table=True):
    """How many items of which sort a container holds, until something of it moves: then the row goes.

    `body`: JSON of the numbers, with the instants from `since` on at which items were done; NULL: numbers don't tell.
    """

    __tablename__ = "tallies"

    source: str = Field(primary_key=True)
    container: str = Field(primary_key=True)
    since: datetime
    body: str | None = None
