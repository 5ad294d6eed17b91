"""The one guarded way out: which hosts may be asked, how they are asked, and what becomes of their answers.

Connectors import these names from `okr_sync.connector`. `WebSettings` says where a source may go; `Http` sends requests
with httpx; `guard` puts the same rules on a `requests` session of a library. httpx and requests are imported on first
use.
"""
