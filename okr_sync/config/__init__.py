"""Config files → a book and its sources, or every mistake at once."""

from okr_sync.config.alerting import Alerts, Channel
from okr_sync.config.carrying import Carried, Standing, carry_over
from okr_sync.config.drafts import write_drafts
from okr_sync.config.loading import Config, load, store_url
from okr_sync.config.schema import json_schema
from okr_sync.config.sources import Source
from okr_sync.config.starter import starter

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
    "starter",
    "store_url",
    "write_drafts",
]
