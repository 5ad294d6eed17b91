"""Presets: the laws of recipes, and every vendor played on loopback as its public documentation says."""
