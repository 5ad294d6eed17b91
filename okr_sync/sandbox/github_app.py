"""A GitHub App for the sandbox: its key, where it is installed, and the tokens that it was given."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from okr_sync.sandbox.github_rest import problem
from okr_sync.sandbox.server import Request, Response

__all__ = ["App"]


class App:
    """An App with a key of its own (`private_key`, PEM) and one installation; a token of it is good for `life`."""

    def __init__(self, app_id: int = 77, installation_id: int = 4711, *, life: timedelta = timedelta(hours=1)) -> None:
        self.app_id = app_id
        self.installation_id = installation_id
        self.life = life
        self.granted: dict[str, datetime] = {}
        """Tokens and when each ends."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        form = serialization.PrivateFormat.TraditionalOpenSSL
        none = serialization.NoEncryption()
        self.private_key = key.private_bytes(serialization.Encoding.PEM, form, none).decode()
        self._public = key.public_key()

    def grant(self, request: Request, now: datetime) -> Response:
        """Return a new token for the installation: 401 for a wrong signature, 404 for another installation."""
        asked = re.fullmatch(r"(?:/api/v3)?/app/installations/(\d+)/access_tokens", request.path)
        if asked is None:
            return problem(404, "Not Found")
        word = request.headers.get("authorization", "").partition(" ")[2]
        try:
            said = jwt.decode(word, self._public, algorithms=["RS256"])
        except jwt.PyJWTError:
            return problem(401, "A JSON web token could not be decoded")
        if said.get("iss") != str(self.app_id) or int(asked[1]) != self.installation_id:
            return problem(404, "Not Found")
        token, end = f"ghs_{len(self.granted):036d}", now + self.life
        self.granted[token] = end
        return Response.of({"token": token, "expires_at": f"{end.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}, 201)

    def knows(self, token: str, now: datetime) -> bool:
        """Return whether `token` is one of the installation that has not ended."""
        end = self.granted.get(token)
        return end is not None and now < end
