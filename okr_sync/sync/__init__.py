"""Collect, then evaluate: the only place where the steps of the house meet."""

from __future__ import annotations

from okr_sync.sync.plan import plan
from okr_sync.sync.run import RunReport, evaluate_only, sync

__all__ = ["RunReport", "evaluate_only", "plan", "sync"]
