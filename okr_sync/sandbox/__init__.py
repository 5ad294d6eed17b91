"""Loopback servers that play Jira and GitHub with their contracts enforced: for the demo, the tests and benchmarks."""
