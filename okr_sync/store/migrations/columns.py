"""Shapes of columns and constraints as the revisions write them; what a released revision uses never changes."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime


def text(name: str, *, null: bool = False) -> sa.Column[str]:
    """Return a text column, sorted by code points on every database."""
    return sa.Column(name, sqlmodel.AutoString().with_variant(sa.String(collation="C"), "postgresql"), nullable=null)


def moment(name: str, *, null: bool = False) -> sa.Column[datetime]:
    """Return an instant in UTC."""
    return sa.Column(name, UTCDateTime(), nullable=null)


def day(name: str, *, null: bool = False) -> sa.Column[date]:
    """Return a date."""
    return sa.Column(name, sa.Date(), nullable=null)


def number(name: str, *, null: bool = False) -> sa.Column[float]:
    """Return a float column."""
    return sa.Column(name, sa.Float(), nullable=null)


def whole(name: str, *, null: bool = False) -> sa.Column[int]:
    """Return an integer column."""
    return sa.Column(name, sa.Integer(), nullable=null)


def flag(name: str, *, null: bool = False) -> sa.Column[bool]:
    """Return a boolean column."""
    return sa.Column(name, sa.Boolean(), nullable=null)


def of_run(table: str) -> sa.ForeignKeyConstraint:
    """Return the foreign key `run_id`."""
    return sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=f"fk_{table}_run_id_runs")


def finite(table: str, column: str) -> sa.CheckConstraint:
    """Return the check that keeps NaN and infinities out of `column`."""
    condition = f"{column} BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308"
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{column}_finite"))
