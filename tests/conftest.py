"""Hypothesis settings of all tests: a slow machine is no failure, and as many examples as are asked for."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.examples import EXAMPLES

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=EXAMPLES)
settings.load_profile("patient")
