"""What can be seen of a running service from outside: health, readiness, metrics, and signs of life for systemd."""

from __future__ import annotations

from okr_sync.outside.health import Health
from okr_sync.outside.notifying import Notifier
from okr_sync.outside.serving import Outside, serve_outside

__all__ = ["Health", "Notifier", "Outside", "serve_outside"]
