"""The store's tables; importing this package knows all of them."""

from __future__ import annotations

from okr_sync.store.tables.alerts import GoodConfigRow, OutboxRow, TroubleRow
from okr_sync.store.tables.breakers import BreakerRow
from okr_sync.store.tables.closings import ClosingRow
from okr_sync.store.tables.etags import EtagRow
from okr_sync.store.tables.facts import (
    BaselineRow,
    CheckInRow,
    ContainerRow,
    DueDateRow,
    MembershipRow,
    MetricRow,
    Observation,
    OverrideRow,
    ScopeRow,
    SourceRow,
    TransitionRow,
    WorkItemRow,
)
from okr_sync.store.tables.housekeeping import HousekeepingRow
from okr_sync.store.tables.inbox import PushedRow, TokenRow
from okr_sync.store.tables.ledger import ReportMark, Run, RunEntry, RunSource, SlotRow
from okr_sync.store.tables.points import ContextRow, DeliveryPointRow, PointRow, SeriesRow, StampRow
from okr_sync.store.tables.results import DefinitionRow, LatestRow, SupersededRow
from okr_sync.store.tables.shape import Table, sql
from okr_sync.store.tables.stages import StagedAnswerRow, StageRow
from okr_sync.store.tables.suspicions import SuspicionRow
from okr_sync.store.tables.tallies import TallyRow
from okr_sync.store.tables.turns import TurnRow

__all__ = [
    "BaselineRow",
    "BreakerRow",
    "CheckInRow",
    "ClosingRow",
    "ContainerRow",
    "ContextRow",
    "DefinitionRow",
    "DeliveryPointRow",
    "DueDateRow",
    "EtagRow",
    "GoodConfigRow",
    "HousekeepingRow",
    "LatestRow",
    "MembershipRow",
    "MetricRow",
    "Observation",
    "OutboxRow",
    "OverrideRow",
    "PointRow",
    "PushedRow",
    "ReportMark",
    "Run",
    "RunEntry",
    "RunSource",
    "ScopeRow",
    "SeriesRow",
    "SlotRow",
    "SourceRow",
    "StageRow",
    "StagedAnswerRow",
    "StampRow",
    "SupersededRow",
    "SuspicionRow",
    "Table",
    "TallyRow",
    "TokenRow",
    "TransitionRow",
    "TroubleRow",
    "TurnRow",
    "WorkItemRow",
    "sql",
]
