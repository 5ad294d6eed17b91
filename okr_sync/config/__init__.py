"""Config files → a book and its sources, or every mistake at once."""

from okr_sync.config.loading import Config, load, store_url
from okr_sync.config.sources import Source

__all__ = ["Config", "Source", "load", "store_url"]
