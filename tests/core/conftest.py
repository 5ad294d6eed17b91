"""Hypothesis settings of the core's laws: no deadline, as many examples as are asked for."""

from __future__ import annotations

from hypothesis import settings

from tests.examples import EXAMPLES

settings.register_profile("core", settings.get_profile("patient"), max_examples=EXAMPLES)
settings.load_profile("core")
