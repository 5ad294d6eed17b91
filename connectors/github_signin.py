"""Signs in to GitHub as an App installed in an organisation: its key signs a word, which buys a token for an hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from github import Auth
from jwt.exceptions import PyJWTError

from connectors.github_answers import moment
from connectors.github_fields import Fields
from okr_sync.connector import ProtocolError


@dataclass(frozen=True, slots=True)
class AppKey:
    """An App (its id or client id), where it is installed, and its private key in PEM."""

    app: str
    installation: int
    key: str = field(repr=False)

    @property
    def path(self) -> str:
        """Return where tokens of the installation are made."""
        return f"/app/installations/{self.installation}/access_tokens"

    def signed(self) -> str:
        """Return the word that says who asks, good for five minutes. Raises ValueError when the key can't sign."""
        try:
            return Auth.AppAuth(self.app, self.key).create_jwt()
        except (PyJWTError, ValueError, TypeError):  # their texts may quote the key
            raise ValueError("this is no private RSA key in PEM") from None


def granted(payload: Any, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return a token as `Tokens` wants it; how long it is good for is told by GitHub's own clock.

    Raises ProtocolError for an answer without a token, its end, or a Date.
    """
    fields, now = Fields(payload, "token"), moment(headers.get("date"))
    if now is None:
        raise ProtocolError("GitHub's answer has no Date, so the end of a token can't be told", fix="check `url`")
    return {
        "access_token": fields.text("token"),
        "expires_in": (fields.moment("expires_at") - now).total_seconds(),
    }
