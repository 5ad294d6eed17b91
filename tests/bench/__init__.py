"""Measures what the service costs: requests and seconds, both sides of each ratio in one run."""
