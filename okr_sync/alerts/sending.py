"""Posts to channels and pings through the one guarded way out; what it says of a failure hides the address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from okr_sync import connector  # its Http is found on use: httpx takes its time, and most runs send nothing
from okr_sync.config.alerting import Alerts
from okr_sync.errors import SourceError, TransientError
from okr_sync.redaction import HIDDEN, parts_of

__all__ = ["Refused", "post"]

TAKEN = range(200, 300)


class Refused(Exception):  # noqa: N818 -- it is no error of ours: a channel did not take what was sent
    """A channel did not take what was sent; `wish`: it wants to be left alone for so long."""

    def __init__(self, said: str, wish: timedelta | None = None) -> None:
        super().__init__(said)
        self.wish = wish


def post(url: SecretStr, alerts: Alerts, body: Mapping[str, Any] | str, headers: Mapping[str, str]) -> None:
    """Post a JSON document once, a text as a JSON string, an empty one as nothing.

    Raises Refused when it is not taken, for whatever reason.
    """
    http = connector.Http(connector.Caller(), alerts.reach, headers=headers)
    try:
        sent = dict(body) if isinstance(body, Mapping) else body or None
        http.request("POST", url.get_secret_value(), json=sent, accept=TAKEN)
    except SourceError as error:
        wish = error.retry_after if isinstance(error, TransientError) else None
        seconds = None if wish is None else timedelta(seconds=min(wish, 86_400.0))
        said = f"{error}; {error.fix}" if error.fix else str(error)
        raise Refused(_without(said, url.get_secret_value()), seconds) from None
    finally:
        http.close()


def _without(text: str, url: str) -> str:
    """Return the text without the address beyond its host: who knows the path of a hook may use it."""
    for part in parts_of(url):
        text = text.replace(part, HIDDEN)
    return text
