"""The loopback server under the name that the sites of this sandbox know it by."""

from __future__ import annotations

from okr_sync.testing.server import JSON, Fault, Logged, Request, Response, Server, Site

__all__ = ["JSON", "Fault", "Logged", "Request", "Response", "Server", "Site"]
