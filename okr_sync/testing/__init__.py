"""The contract suites that every connector must pass: subclass one, give it a world, run pytest."""
