"""Config files → a book and its sources, or every mistake at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from okr_sync.faces import face

if TYPE_CHECKING:
    from okr_sync.config.alerting import Alerts, Channel
    from okr_sync.config.carrying import Carried, Standing, carry_over
    from okr_sync.config.drafts import write_drafts
    from okr_sync.config.loading import Config, load
    from okr_sync.config.schema import json_schema
    from okr_sync.config.sources import Source
    from okr_sync.config.store_address import store_url

__all__ = [
    "Alerts",
    "Carried",
    "Channel",
    "Config",
    "Source",
    "Standing",
    "carry_over",
    "json_schema",
    "load",
    "store_url",
    "write_drafts",
]

NAMES = {
    "Alerts": "alerting",
    "Carried": "carrying",
    "Channel": "alerting",
    "Config": "loading",
    "Source": "sources",
    "Standing": "carrying",
    "carry_over": "carrying",
    "json_schema": "schema",
    "load": "loading",
    "store_url": "store_address",
    "write_drafts": "drafts",
}

if not TYPE_CHECKING:
    __getattr__ = face(__name__, NAMES)
