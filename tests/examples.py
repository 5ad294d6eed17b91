"""How many examples a law is tried with: OKR_SYNC_EXAMPLES, which `make laws` sets to 1,000; else 100."""

from __future__ import annotations

import os

EXAMPLES = int(os.environ.get("OKR_SYNC_EXAMPLES", "100"))
