"""Points by the number of their series and slot, with what many of them share in tables of its own, and views of both.

What is there is moved series by series, so that neither the years nor the number of points fill the memory.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from okr_sync.store.migrations.columns import finite, flag, moment, number, of_run, text, whole

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
JUDGED, WEIGHTS = ("value", "progress", "score"), ("weight_done", "weight_total", "progress")
COUNTS = ("done", "in_progress", "open", "dropped")
PARTS = "(({0} % 1000000 + 1000000) % 1000000)"  # microseconds after the second, also before 1970
MOMENT = {
    "sqlite": f"strftime('%Y-%m-%d %H:%M:%S', ({{0}} - {PARTS}) / 1000000, 'unixepoch') || printf('.%06d', {PARTS})",
    "postgresql": "timestamptz 'epoch' + {0} * interval '1 microsecond'",
}
SCORE = (
    "CASE WHEN NOT c.clamped THEN v.score WHEN v.progress < 0 THEN 0.0 WHEN v.progress > 1 THEN 1.0 ELSE v.progress END"
)
COLUMNS = {
    "points": {
        "kind": "s.kind",
        "subject": "s.subject",
        "slot": "v.slot",
        "at": "coalesce(t.at, v.slot)",
        "value": "v.value",
        "baseline": "c.baseline",
        "target": "c.target",
        "progress": "v.progress",
        "score": SCORE,
        "status": "c.status",
        "definition": "c.definition",
    },
    "delivery_points": {
        "initiative": "s.subject",
        "slot": "v.slot",
        "at": "coalesce(t.at, v.slot)",
        **{name: f"v.{name}" for name in (*COUNTS, *WEIGHTS)},
        "state": "c.status",
    },
}
SHARED = {"backfilled": "t.backfilled", "recorded_at": "t.recorded_at", "run_id": "t.run_id", "question": "c.question"}
VALUES = {"points": "point_values", "delivery_points": "delivery_values"}
MOMENTS = ("slot", "at", "recorded_at")


def upgrade() -> None:
    """Make the tables, move the points over, and put views in the place of the old tables."""
    _shared_tables()
    _values("point_values", JUDGED, ())
    _values("delivery_values", WEIGHTS, COUNTS)
    move = _Move(op.get_bind())
    for table in VALUES:
        move.all_of(table)
        op.drop_table(table)
    for view in VALUES:
        op.get_bind().exec_driver_sql(f"CREATE VIEW {view} AS {_shown(view)}")


def downgrade() -> None:
    """Remove the views, and move the points back."""
    for view in VALUES:
        op.get_bind().exec_driver_sql(f"DROP VIEW {view}")
    _old_points()
    _old_delivery_points()
    for table in VALUES:
        names = ", ".join([*COLUMNS[table], *SHARED])
        op.get_bind().exec_driver_sql(f"INSERT INTO {table} ({names}) {_shown(table)}")
    op.drop_table("delivery_values")
    op.drop_table("point_values")
    op.drop_index("ix_point_stamps_run_id", "point_stamps")
    for table in ("point_stamps", "point_contexts", "point_series"):
        op.drop_table(table)


def _shared_tables() -> None:
    op.create_table(
        "point_series",
        whole("id"),
        text("kind"),
        text("subject"),
        sa.PrimaryKeyConstraint("id", name="pk_point_series"),
        sa.UniqueConstraint("subject", "kind", name="uq_point_series_subject_kind"),
    )
    op.create_table(
        "point_contexts",
        whole("id"),
        *map(text, ("digest", "status", "definition")),
        text("question", null=True),
        number("baseline", null=True),
        number("target", null=True),
        _false("clamped"),
        sa.PrimaryKeyConstraint("id", name="pk_point_contexts"),
        sa.UniqueConstraint("digest", name="uq_point_contexts_digest"),
        finite("point_contexts", "baseline"),
        finite("point_contexts", "target"),
    )
    op.create_table(
        "point_stamps",
        whole("id"),
        whole("run_id"),
        _microseconds("at", null=True),
        _false("backfilled"),
        _microseconds("recorded_at", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_point_stamps"),
        of_run("point_stamps"),
    )
    op.create_index("ix_point_stamps_run_id", "point_stamps", ["run_id"])


def _values(table: str, numbers: tuple[str, ...], counts: tuple[str, ...]) -> None:
    shared = {"series": "point_series", "context": "point_contexts", "stamp": "point_stamps"}
    op.create_table(
        table,
        _microseconds("slot"),
        *(number(name, null=True) for name in numbers),
        *map(whole, shared),
        *(whole(name, null=True) for name in counts),
        sa.PrimaryKeyConstraint("series", "slot", name=f"pk_{table}"),
        *(
            sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")
            for name, target in shared.items()
        ),
        *(finite(table, name) for name in numbers),
        sqlite_with_rowid=False,
    )


def _microseconds(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def _false(name: str) -> sa.Column[bool]:
    column = flag(name)
    column.server_default = sa.DefaultClause(sa.false())
    return column


def _shown(view: str) -> str:
    """Return the query of a view: the columns that the table of that name had, but for its counted key."""
    moment_of = MOMENT[op.get_bind().dialect.name]
    columns = {
        name: moment_of.format(said) if name in MOMENTS else said for name, said in {**COLUMNS[view], **SHARED}.items()
    }
    listed = ", ".join(f"{said} AS {name}" for name, said in columns.items())
    return (
        f"SELECT {listed} FROM {VALUES[view]} v JOIN point_series s ON s.id = v.series "  # noqa: S608 -- our own names
        "JOIN point_contexts c ON c.id = v.context JOIN point_stamps t ON t.id = v.stamp"
    )


class _Move:
    """Points on their way, with what was numbered so far."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._contexts: dict[str, int] = {}
        self._stamps: dict[tuple[Any, ...], int] = {}
        self._series = 0
        self._new: dict[str, list[dict[str, Any]]] = {"point_contexts": [], "point_stamps": []}
        self._tables = {name: sa.Table(name, sa.MetaData(), autoload_with=connection) for name in (
            "point_series", "point_contexts", "point_stamps", *VALUES.values()
        )}  # fmt: skip

    def all_of(self, name: str) -> None:
        """Copy the points of the old table `name`."""
        old = _old_table(name)
        of_work = name == "delivery_points"
        of = (old.c.initiative,) if of_work else (old.c.kind, old.c.subject)
        for named in self._connection.execute(sa.select(*of).distinct().order_by(*of)).all():
            key = ("initiative", named[0]) if of_work else (named[0], named[1])
            self._series += 1
            series = [{"id": self._series, "kind": key[0], "subject": key[1]}]
            self._connection.execute(self._tables["point_series"].insert(), series)
            wanted = [column == value for column, value in zip(of, named, strict=True)]
            rows = self._connection.execute(sa.select(old).where(*wanted).order_by(old.c.slot)).mappings().all()
            moved = [self._work(dict(row)) if of_work else self._judged(dict(row)) for row in rows]
            for table, new in self._new.items():
                self._insert(table, new)
                new.clear()
            self._insert(VALUES[name], moved)

    def _insert(self, table: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(self._tables[table].insert(), rows)

    def _judged(self, row: Mapping[str, Any]) -> dict[str, Any]:
        clamped = row["score"] == _clamped(row["progress"])
        said = [row[name] for name in ("status", "definition", "question", "baseline", "target")]
        score = None if clamped else row["score"]
        return {
            **self._shared(row, [*said, clamped]),
            "value": row["value"],
            "progress": row["progress"],
            "score": score,
        }

    def _work(self, row: Mapping[str, Any]) -> dict[str, Any]:
        shared = self._shared(row, [row["state"], "", row["question"], None, None, False])
        return {**shared, **{name: row[name] for name in (*WEIGHTS, *COUNTS)}}

    def _shared(self, row: Mapping[str, Any], said: list[Any]) -> dict[str, Any]:
        digest = hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()
        if digest not in self._contexts:
            self._contexts[digest] = len(self._contexts) + 1
            names = ("status", "definition", "question", "baseline", "target", "clamped")
            context = {"id": self._contexts[digest], "digest": digest, **dict(zip(names, said, strict=True))}
            self._new["point_contexts"].append(context)
        at = None if row["at"] == row["slot"] else _number(row["at"])
        stamp = (row["run_id"], at, row["backfilled"], _number(row["recorded_at"]))
        if stamp not in self._stamps:
            self._stamps[stamp] = len(self._stamps) + 1
            columns = ("run_id", "at", "backfilled", "recorded_at")
            self._new["point_stamps"].append({"id": self._stamps[stamp], **dict(zip(columns, stamp, strict=True))})
        ids = {"series": self._series, "context": self._contexts[digest], "stamp": self._stamps[stamp]}
        return {"slot": _number(row["slot"]), **ids}


def _clamped(progress: float | None) -> float | None:
    return None if progress is None else min(1.0, max(0.0, progress))


def _number(at: datetime | None) -> int | None:
    return None if at is None else (at - EPOCH) // timedelta(microseconds=1)


def _old_table(name: str) -> sa.Table:
    kinds: dict[str, Callable[[str], sa.Column[Any]]] = {
        "backfilled": flag,
        "run_id": whole,
        **dict.fromkeys(MOMENTS, moment),
        **dict.fromkeys(COUNTS, whole),
        **dict.fromkeys((*JUDGED, *WEIGHTS, "baseline", "target"), number),
    }
    table: sa.Table = sa.Table(
        name, sa.MetaData(), *(kinds.get(each, text)(each) for each in (*COLUMNS[name], *SHARED))
    )
    return table


def _old_points() -> None:
    numbers = ("value", "baseline", "target", "progress", "score")
    op.create_table(
        "points",
        whole("id"),
        text("kind"),
        text("subject"),
        moment("slot"),
        moment("at"),
        *(number(name, null=True) for name in numbers),
        text("status"),
        text("definition"),
        *_old_marks(),
        sa.PrimaryKeyConstraint("id", name="pk_points"),
        of_run("points"),
        sa.UniqueConstraint("kind", "subject", "slot", name="uq_points_kind_subject_slot"),
        *(finite("points", name) for name in numbers),
    )


def _old_delivery_points() -> None:
    op.create_table(
        "delivery_points",
        whole("id"),
        text("initiative"),
        moment("slot"),
        moment("at"),
        *(whole(name, null=True) for name in COUNTS),
        *(number(name, null=True) for name in WEIGHTS),
        text("state"),
        *_old_marks(),
        sa.PrimaryKeyConstraint("id", name="pk_delivery_points"),
        of_run("delivery_points"),
        sa.UniqueConstraint("initiative", "slot", name="uq_delivery_points_initiative_slot"),
        *(finite("delivery_points", name) for name in WEIGHTS),
    )


def _old_marks() -> Iterator[sa.Column[Any]]:
    yield whole("run_id")
    yield text("question", null=True)
    yield _false("backfilled")
    yield moment("recorded_at", null=True)
