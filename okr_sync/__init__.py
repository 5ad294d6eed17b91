"""Keeps OKRs true by itself: pulls delivery and metric data, computes every key result, writes it back."""

__version__ = "0.1.0"
