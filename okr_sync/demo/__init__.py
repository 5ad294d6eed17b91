"""The demo: the DigitalPharma example on the sandbox, through the real connectors, week by week."""

from __future__ import annotations

from okr_sync.demo.quarter import Shown, show

__all__ = ["Shown", "show"]
