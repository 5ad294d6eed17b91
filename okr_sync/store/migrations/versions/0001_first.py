"""The first schema: all tables that the first release knows.

Every number has a check that keeps it finite; every name follows the naming convention of the tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okr_sync.store.migrations.columns import day, finite, flag, moment, number, of_run, text, whole

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "check_ins",
    "runs",
    "source_states",
    "containers",
    "definitions",
    "delivery_points",
    "latest",
    "memberships",
    "metric_states",
    "observations",
    "points",
    "report_marks",
    "run_entries",
    "run_sources",
    "scopes",
    "transitions",
    "work_items",
)
"""In the order of making them."""


def upgrade() -> None:
    """Make all tables in an empty database."""
    _check_ins()
    _runs()
    _source_states()
    _containers()
    _definitions()
    _delivery_points()
    _latest()
    _memberships()
    _metric_states()
    _observations()
    _points()
    _report_marks()
    _run_entries()
    _run_sources()
    _scopes()
    _transitions()
    _work_items()


def downgrade() -> None:
    """Drop all tables."""
    for name in reversed(TABLES):
        op.drop_table(name)


def _check_ins() -> None:
    op.create_table(
        "check_ins",
        whole("id"),
        moment("at"),
        text("key_result"),
        text("metric", null=True),
        text("author"),
        number("value", null=True),
        number("confidence", null=True),
        text("note"),
        text("blockers"),
        flag("done", null=True),
        moment("expires", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_check_ins"),
        finite("check_ins", "confidence"),
        finite("check_ins", "value"),
    )
    op.create_index("ix_check_ins_key_result", "check_ins", ["key_result"])


def _runs() -> None:
    op.create_table(
        "runs",
        whole("id"),
        text("trigger"),
        text("owner"),
        text("outcome"),
        moment("started"),
        moment("finished", null=True),
        text("lease", null=True),
        moment("lease_until"),
        moment("evaluated_at", null=True),
        text("summary"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.UniqueConstraint("lease", name="uq_runs_lease"),
    )
    op.create_index("ix_runs_evaluated_at", "runs", ["evaluated_at"])
    op.create_index("ix_runs_started", "runs", ["started"])


def _source_states() -> None:
    op.create_table(
        "source_states",
        text("name"),
        text("cursor", null=True),
        moment("last_asked", null=True),
        moment("last_success", null=True),
        number("fresh_seconds", null=True),
        flag("declared"),
        text("error", null=True),
        text("fix", null=True),
        sa.PrimaryKeyConstraint("name", name="pk_source_states"),
    )


def _containers() -> None:
    op.create_table(
        "containers",
        text("source"),
        text("id"),
        text("key"),
        text("title"),
        text("url"),
        text("kind"),
        text("state"),
        text("resolution", null=True),
        day("due", null=True),
        moment("done_at", null=True),
        whole("run_id"),
        sa.PrimaryKeyConstraint("source", "id", name="pk_containers"),
        of_run("containers"),
    )


def _definitions() -> None:
    op.create_table(
        "definitions",
        whole("id"),
        text("kind"),
        text("subject"),
        whole("version"),
        text("hash"),
        text("body"),
        moment("since"),
        moment("until", null=True),
        text("author"),
        text("reason"),
        whole("run_id", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_definitions"),
        of_run("definitions"),
        sa.UniqueConstraint("kind", "subject", "version", name="uq_definitions_kind_subject_version"),
    )


def _delivery_points() -> None:
    op.create_table(
        "delivery_points",
        whole("id"),
        text("initiative"),
        moment("slot"),
        moment("at"),
        whole("done", null=True),
        whole("in_progress", null=True),
        whole("open", null=True),
        whole("dropped", null=True),
        number("weight_done", null=True),
        number("weight_total", null=True),
        number("progress", null=True),
        text("state"),
        whole("run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery_points"),
        of_run("delivery_points"),
        sa.UniqueConstraint("initiative", "slot", name="uq_delivery_points_initiative_slot"),
        finite("delivery_points", "progress"),
        finite("delivery_points", "weight_done"),
        finite("delivery_points", "weight_total"),
    )


def _latest() -> None:
    op.create_table(
        "latest",
        text("kind"),
        text("subject"),
        whole("position"),
        text("body"),
        text("point"),
        moment("changed_at"),
        whole("run_id"),
        sa.PrimaryKeyConstraint("kind", "subject", name="pk_latest"),
        of_run("latest"),
    )


def _memberships() -> None:
    op.create_table(
        "memberships",
        whole("id"),
        text("source"),
        text("container"),
        text("item"),
        moment("since"),
        moment("until", null=True),
        whole("run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_memberships"),
        of_run("memberships"),
    )
    op.create_index("ix_memberships_source_container", "memberships", ["source", "container"])


def _metric_states() -> None:
    op.create_table(
        "metric_states",
        text("metric"),
        text("source"),
        text("miss_kind", null=True),
        text("miss_message", null=True),
        moment("since"),
        whole("run_id"),
        sa.PrimaryKeyConstraint("metric", name="pk_metric_states"),
        of_run("metric_states"),
    )


def _observations() -> None:
    op.create_table(
        "observations",
        whole("id"),
        text("metric"),
        moment("valid_time"),
        flag("dated"),
        number("value"),
        text("evidence"),
        text("author", null=True),
        moment("expires", null=True),
        flag("retracted"),
        moment("recorded_at"),
        whole("run_id", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_observations"),
        of_run("observations"),
        finite("observations", "value"),
    )
    op.create_index("ix_observations_metric_valid_time", "observations", ["metric", "valid_time"])


def _points() -> None:
    op.create_table(
        "points",
        whole("id"),
        text("kind"),
        text("subject"),
        moment("slot"),
        moment("at"),
        number("value", null=True),
        number("baseline", null=True),
        number("target", null=True),
        number("progress", null=True),
        number("score", null=True),
        text("status"),
        text("definition"),
        whole("run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_points"),
        of_run("points"),
        sa.UniqueConstraint("kind", "subject", "slot", name="uq_points_kind_subject_slot"),
        finite("points", "baseline"),
        finite("points", "progress"),
        finite("points", "score"),
        finite("points", "target"),
        finite("points", "value"),
    )


def _report_marks() -> None:
    op.create_table(
        "report_marks",
        whole("id"),
        text("name"),
        whole("run_id", null=True),
        moment("at"),
        sa.PrimaryKeyConstraint("id", name="pk_report_marks"),
        of_run("report_marks"),
    )
    op.create_index("ix_report_marks_name", "report_marks", ["name"])


def _run_entries() -> None:
    op.create_table(
        "run_entries",
        whole("run_id"),
        text("key_result"),
        text("outcome"),
        text("reason"),
        text("fix"),
        sa.PrimaryKeyConstraint("run_id", "key_result", name="pk_run_entries"),
        of_run("run_entries"),
    )


def _run_sources() -> None:
    op.create_table(
        "run_sources",
        whole("run_id"),
        text("source"),
        text("outcome"),
        text("error", null=True),
        text("fix", null=True),
        whole("requests"),
        whole("retries"),
        number("seconds"),
        whole("seen"),
        whole("changed"),
        sa.PrimaryKeyConstraint("run_id", "source", name="pk_run_sources"),
        of_run("run_sources"),
    )


def _scopes() -> None:
    op.create_table(
        "scopes",
        text("ref"),
        text("source"),
        text("containers"),
        flag("resolved"),
        text("miss_kind", null=True),
        text("miss_message", null=True),
        moment("since"),
        whole("run_id"),
        sa.PrimaryKeyConstraint("ref", name="pk_scopes"),
        of_run("scopes"),
    )


def _transitions() -> None:
    op.create_table(
        "transitions",
        whole("id"),
        text("source"),
        text("item"),
        text("field"),
        text("before", null=True),
        text("after", null=True),
        moment("at"),
        moment("recorded_at"),
        whole("run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_transitions"),
        of_run("transitions"),
    )
    op.create_index("ix_transitions_source_item", "transitions", ["source", "item"])


def _work_items() -> None:
    op.create_table(
        "work_items",
        text("source"),
        text("id"),
        text("key"),
        text("title"),
        text("url"),
        text("kind"),
        text("state"),
        text("resolution", null=True),
        text("parent", null=True),
        number("points", null=True),
        moment("created", null=True),
        moment("done_at", null=True),
        moment("updated", null=True),
        day("due", null=True),
        text("labels"),
        text("absence", null=True),
        moment("absent_since", null=True),
        whole("run_id"),
        sa.PrimaryKeyConstraint("source", "id", name="pk_work_items"),
        of_run("work_items"),
        finite("work_items", "points"),
    )
