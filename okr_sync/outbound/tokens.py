"""Keeps a bearer token that is fetched when it is needed: once, and again when it ends or was refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from pydantic import SecretStr

from okr_sync.errors import ProtocolError

__all__ = ["Tokens"]

EARLY = 30.0  # seconds before its end at which a token is renewed
SHORTEST = 300.0  # seconds that a token is good for when nobody says so


class Tokens:
    """A bearer token that is fetched once, and again shortly before it ends or after it was refused.

    `fetch` sends the request for it and returns what came: `access_token` and, in seconds, `expires_in`. Safe in many
    threads. Raises what `fetch` raises, and ProtocolError when there is no token in what it returned.
    """

    def __init__(self, fetch: Callable[[], Any], *, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._token: SecretStr | None = None
        self._end = 0.0

    def current(self) -> SecretStr:
        """Return a token that is good for a while."""
        with self._lock:
            if self._token is None or self._elapsed() >= self._end:
                self._token, seconds = _granted(self._fetch())
                self._end = self._elapsed() + max(0.0, seconds - EARLY)
            return self._token

    def refuse(self, token: SecretStr) -> None:
        """Forget `token`, if it is still the current one."""
        with self._lock:
            if self._token == token:
                self._token = None


def _granted(said: Any) -> tuple[SecretStr, float]:
    token = said.get("access_token") if isinstance(said, dict) else None
    if not isinstance(token, str) or not token:
        raise ProtocolError("the answer to the request for a token holds no `access_token`", fix="check its address")
    seconds = said.get("expires_in", SHORTEST)
    try:
        return SecretStr(token), float(seconds)
    except (TypeError, ValueError):
        raise ProtocolError("`expires_in` of the token is no number", fix="check the address of tokens") from None
