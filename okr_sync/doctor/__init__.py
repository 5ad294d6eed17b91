"""Examines an installation: config, time zones, store, disk, clock and sources; each finding says what to do."""

from __future__ import annotations

from okr_sync.doctor.bundling import write_bundle
from okr_sync.doctor.examining import Examination, examine
from okr_sync.doctor.findings import Finding, Level

__all__ = ["Examination", "Finding", "Level", "examine", "write_bundle"]
