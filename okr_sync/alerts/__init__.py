"""Tells people: notices of the outbox go to channels, signs of life to a dead-man's switch."""

from __future__ import annotations

from okr_sync.alerts.delivering import deliver
from okr_sync.alerts.pinging import Pinger

__all__ = ["Pinger", "deliver"]
