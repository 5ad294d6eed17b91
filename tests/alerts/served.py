"""A house whose config names a loopback service for alerts and pings, and a worker with pages on a free port."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from okr_sync.sandbox.server import Server
from tests.alerts.rooms import SECRET
from tests.bar.house import House, open_house

MORE = """
ping: ${PING_URL}
alerts:
  allow_hosts: [127.0.0.1]
  timeout: 1
  channels:
    ops: {kind: webhook, url: "${OPS_HOOK}"}
"""


def told_house(folder: Path, server: Server, setenv: Callable[[str, str], None], schedule: str = "every 1 s") -> House:
    """Return a house that tells the service everything."""
    setenv("OPS_HOOK", f"{server.url}/services/{SECRET}")
    setenv("PING_URL", f"{server.url}/ping/{SECRET}")
    house = open_house(folder, schedule)
    house.file.write_text(house.file.read_text("utf-8") + MORE, "utf-8")
    return house


def free_port() -> int:
    """Return a port that nobody listened at just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def ask(port: int, path: str) -> httpx.Response | None:
    """Return the page; None while nobody serves it."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False, timeout=10)
    except httpx.TransportError:
        return None


def ready(port: int) -> dict[str, Any]:
    """Return what /readyz says; empty while nobody serves it or it is not ready."""
    answer = ask(port, "/readyz")
    return {} if answer is None or answer.status_code != 200 else dict(json.loads(answer.text))


def metric(port: int, line: str) -> bool:
    """Return whether the metrics hold this line now."""
    answer = ask(port, "/metrics")
    return answer is not None and line in answer.text.splitlines()
