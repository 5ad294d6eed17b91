"""Tells a dead-man's switch that a run starts and how it ends, beside the run: no ping delays it, none fails it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, Full, Queue
from uuid import NAMESPACE_URL, uuid5

from okr_sync.alerts.sending import Refused, post
from okr_sync.config.alerting import Alerts

__all__ = ["Pinger"]

MOST = 20  # pings that wait; whoever asks us to wait longer hears less
SHORT = 500  # characters of a reason


@dataclass(frozen=True, slots=True)
class _Ping:
    alerts: Alerts
    word: str
    run: int
    reason: str


class Pinger:
    """Sends pings in a thread of its own, in their order. `tell` hears what could not be sent."""

    def __init__(self, tell: Callable[[str], None], name: str = "") -> None:
        self._tell, self._name = tell, name
        self._waiting: Queue[_Ping | None] = Queue(MOST)
        self._thread = threading.Thread(target=self._work, name="okr-sync-ping", daemon=True)

    def start(self, alerts: Alerts, run: int) -> None:
        """Say that a run starts."""
        self._put(_Ping(alerts, "/start", run, ""))

    def end(self, alerts: Alerts, run: int, reason: str = "") -> None:
        """Say that a run ended: well, or with the reason why not."""
        self._put(_Ping(alerts, "/fail" if reason else "", run, reason))

    def close(self, seconds: float) -> None:
        """Wait until everything is sent, so many seconds at most; what waits then is lost."""
        if self._thread.is_alive():
            self._offer(None)
            self._thread.join(seconds)

    def _put(self, ping: _Ping) -> None:
        if ping.alerts.ping is None:
            return
        if self._thread.ident is None:
            self._thread.start()
        self._offer(ping)

    def _offer(self, ping: _Ping | None) -> None:
        """Add a ping; the oldest gives way where too many wait."""
        while True:
            try:
                self._waiting.put_nowait(ping)
            except Full:
                self._drop()
            else:
                return

    def _drop(self) -> None:
        try:
            self._waiting.get_nowait()
        except Empty:
            return  # it was sent in the meantime

    def _work(self) -> None:
        while (ping := self._waiting.get()) is not None:
            try:
                self._send(ping)
            except Refused as refused:
                self._tell(f"run {ping.run}: the ping was not taken: {refused}")

    def _send(self, ping: _Ping) -> None:
        url = ping.alerts.ping
        if url is None:
            return
        address = address_of(url.get_secret_value(), ping.word, str(uuid5(NAMESPACE_URL, f"{self._name}#{ping.run}")))
        post(type(url)(address), ping.alerts, ping.reason[:SHORT], {})


def address_of(url: str, word: str, rid: str) -> str:
    """Return the address to ping: the word behind its path, the id of the run in its query.

    >>> address_of("https://hc.example/abc?create=1", "/start", "7")
    'https://hc.example/abc/start?create=1&rid=7'
    """
    path, mark, query = url.partition("?")
    return f"{path.rstrip('/')}{word}?{f'{query}&' if mark and query else ''}rid={rid}"
