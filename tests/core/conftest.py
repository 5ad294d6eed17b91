"""Hypothesis settings of the core's laws: no deadline, ten times the examples in CI."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("core", settings.get_profile("patient"), max_examples=1000 if os.environ.get("CI") else 100)
settings.load_profile("core")
