"""What was asked for each observation, point and scope; known from the definitions for what is there already."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from okr_sync.store.migrations.columns import moment, text, whole

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = ("observations", "points", "delivery_points", "scopes")


def upgrade() -> None:
    """Add the column; of points that are there already it stays unknown."""
    for table in TABLES:
        with op.batch_alter_table(table) as changed:
            changed.add_column(text("question", null=True))
    _fill()


def downgrade() -> None:
    """Remove the column."""
    for table in TABLES:
        with op.batch_alter_table(table) as changed:
            changed.drop_column("question")


def _fill() -> None:
    known = sa.MetaData()
    names = ("kind", "subject", "body")
    definitions = sa.Table("definitions", known, *map(text, names), whole("version"), moment("since"), moment("until"))
    observations = sa.Table("observations", known, text("metric"), moment("recorded_at"), text("question"))
    scopes = sa.Table("scopes", known, text("ref"), text("question"))
    for row in op.get_bind().execute(sa.select(definitions).order_by(definitions.c.version)).mappings().all():
        body = json.loads(row["body"])
        if row["kind"] == "metric":
            then = [observations.c.metric == row["subject"], observations.c.recorded_at >= row["since"]]
            then += [] if row["until"] is None else [observations.c.recorded_at < row["until"]]
            asked = _hash(body["source"], _without_answers(body["query"]), body["unit"], body["type"])
            op.execute(observations.update().where(*then).values(question=asked))
        for scope in body["scopes"] if row["kind"] == "initiative" and row["until"] is None else ():
            asked = _hash(scope["source"], scope["query"])
            op.execute(scopes.update().where(scopes.c.ref == scope["ref"]).values(question=asked))


def _without_answers(query: str) -> str:
    """Return the question without the values that people typed into it, as it is written from now on."""
    asked = json.loads(query) if query else None
    if not isinstance(asked, dict) or "entries" not in asked:
        return query
    del asked["entries"]
    return json.dumps(asked, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _hash(*parts: Any) -> str:
    said = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()[:16]
