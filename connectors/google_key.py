"""Signs in at Google with the JSON key of a service account: a signed request is traded for a token of an hour."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Annotated, Any

import jwt
from pydantic import AfterValidator, BaseModel, Field, SecretStr, ValidationError

from okr_sync import connector as api

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE = 3600  # seconds; the service takes no longer ones
_AHEAD = 10  # seconds that our clock may be ahead of theirs
_CLOCK = time.time  # noqa: TID251 -- a signature is dated by the true time, whatever time the question is about


class ServiceAccount(BaseModel):
    """What is needed of a key file; the rest is passed over."""

    client_email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    private_key: SecretStr
    private_key_id: str = ""
    token_uri: str = Field("https://oauth2.googleapis.com/token", pattern=r"^https?://")


def service_account(key: SecretStr) -> ServiceAccount:
    """Return what a key file says. Raises ValueError, without quoting it."""
    try:
        return ServiceAccount.model_validate(json.loads(key.get_secret_value()))
    except (ValueError, ValidationError):
        said = "this is no JSON key of a service account (client_email, private_key); write ${file:/path/of/key.json}"
        raise ValueError(said) from None


def _is_key(key: SecretStr) -> SecretStr:
    service_account(key)
    return key


GoogleKey = Annotated[api.Secret, AfterValidator(_is_key)]
"""The JSON key of a service account, by reference only."""


def google_token(http: api.Http, key: SecretStr, scope: str, clock: Callable[[], float] = _CLOCK) -> Any:
    """Return the answer to the request for a token: `access_token` and `expires_in`, one request.

    Raises AccessError when the key can't be used or is refused, and SourceError when the service can't be asked.
    """
    account = service_account(key)
    answer = http.request(
        "POST",
        account.token_uri,
        data={"grant_type": _GRANT, "assertion": SecretStr(_signed(account, scope, int(clock()) - _AHEAD))},
        accept=(200, 400),
    )
    if answer.status == 400:
        said = f"{answer.place}: no token for {account.client_email} (status 400)"
        raise api.AccessError(said, fix="make a new key for this service account, and check this machine's clock")
    return answer.json()


def _signed(account: ServiceAccount, scope: str, now: int) -> str:
    claims = {"iss": account.client_email, "scope": scope, "aud": account.token_uri, "iat": now, "exp": now + _LIFE}
    try:
        return jwt.encode(claims, account.private_key.get_secret_value(), "RS256", {"kid": account.private_key_id})
    except (ValueError, TypeError, jwt.PyJWTError):
        said = f"the private key of {account.client_email} can't be read"
        raise api.AccessError(said, fix="download the JSON key again, and give it whole") from None
