"""Tells people: notices of the outbox go to channels, signs of life to a dead-man's switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from okr_sync.faces import face

if TYPE_CHECKING:
    from okr_sync.alerts.delivering import deliver
    from okr_sync.alerts.pinging import Pinger

__all__ = ["Pinger", "deliver"]

NAMES = {
    "Pinger": "pinging",
    "deliver": "delivering",
}

if not TYPE_CHECKING:
    __getattr__ = face(__name__, NAMES)
