"""Runs the command line as `python -m okr_sync`."""

from __future__ import annotations

import sys

from okr_sync.cli import main

if __name__ == "__main__":
    sys.exit(main())
