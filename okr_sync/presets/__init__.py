"""Kinds of sources that are recipes: YAML files that say how to ask a service through a connector for JSON."""
