"""What all tables share: their metadata, names of constraints, and numbers that must be finite."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Dialect, Float, MetaData
from sqlalchemy import Table as SqlTable
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel
from sqlmodel.main import SQLModelMetaclass
from sqlmodel.sql.sqltypes import UTCDateTime

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
LARGEST = "1.7976931348623157e308"  # the largest finite double


class Unmapped(SQLModelMetaclass):
    """Makes a table of a class with `table=True`, and no mapping of objects to its rows, which costs as much again."""

    def __init__(self, name: str, bases: tuple[type, ...], told: dict[str, Any], **options: Any) -> None:
        type.__init__(self, name, bases, told)
        if options.get("table"):
            held: Any = self
            columns = {field: vars(self)[field] for field in held.model_fields}
            for field, column in columns.items():
                column.name = column.key = field
            said = told.get("__table_args__", ())
            beside = [each for each in said if not isinstance(each, dict)]
            settings = {name: value for each in said if isinstance(each, dict) for name, value in each.items()}
            held.__table__ = SqlTable(told["__tablename__"], held.metadata, *columns.values(), *beside, **settings)


class Table(SQLModel, metaclass=Unmapped):
    """Base of all tables of the store.

    Rows go through SQLAlchemy's tables and never become objects of these classes: neither what validates these nor
    what maps them is built.
    """

    model_config: ClassVar[Any] = {"defer_build": True}
    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMES)


class Finite(TypeDecorator[float]):
    """A float column that refuses NaN and infinities, which databases keep or turn into NULL, each in its own way."""

    impl = Float
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> float | None:
        """Return the number to store. Raises ValueError when it is not finite."""
        if value is None:
            return None
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(f"{number} is not a finite number")
        return number


def finite(column: str) -> CheckConstraint:
    """Return the check that holds NaN, infinities and text out of `column`, whoever writes."""
    return CheckConstraint(f"{column} BETWEEN -{LARGEST} AND {LARGEST}", name=f"{column}_finite")


class Instant(UTCDateTime):
    """Instants, read from what SQLite keeps in one step: its base takes four for each value."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Return what makes an instant in UTC of what the driver returns."""
        return _instant if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def sql(model: type[Table]) -> SqlTable:
    """Return the SQL table behind `model`, with its instants as `Instant`."""
    table: SqlTable = model.metadata.tables[str(model.__tablename__)]
    for column in table.c:
        if type(column.type) is UTCDateTime:
            column.type = Instant()
    return table
