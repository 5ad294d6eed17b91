"""The command line: words, wiring, exit codes."""
