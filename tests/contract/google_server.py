"""Plays Google for tests: a token endpoint that checks signatures, and a spreadsheet with its errors."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from okr_sync.sandbox.server import Request, Response

ACCOUNT = "okr-sync@project.iam.gserviceaccount.com"
SHEETS = "https://www.googleapis.com/auth/spreadsheets.readonly"


@cache
def private_key() -> str:
    """Return the private key of the service account, made once."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, plain).decode()


@cache
def _public_key() -> Any:
    return serialization.load_pem_private_key(private_key().encode(), None).public_key()


def key_file(url: str) -> str:
    """Return the JSON key of the service account, whose tokens come from the server at `url`."""
    told = {"type": "service_account", "client_email": ACCOUNT, "private_key": private_key(), "private_key_id": "k1"}
    return json.dumps({**told, "token_uri": f"{url}/token"})


class Tokens:
    """Grants tokens for signed requests of the service account; `granted` counts them."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.granted = 0
        self.bearer = ""
        self.seconds: Any = 3599

    def respond(self, request: Request) -> Response:
        """Return a token; 400 as the service does for a signature or a claim that it does not take."""
        form = dict(parse_qsl(request.body.decode()))
        audience = f"http://{request.headers['host']}/token"
        try:
            claims = jwt.decode(form["assertion"], _public_key(), ["RS256"], audience=audience)
        except jwt.PyJWTError:
            return Response.of({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)
        if (claims["iss"], claims["scope"], claims["exp"] - claims["iat"]) != (ACCOUNT, self.scope, 3600):
            return Response.of({"error": "invalid_scope"}, 400)
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        self.granted += 1
        self.bearer = f"ya29.granted-{self.granted}"
        return Response.of({"access_token": self.bearer, "expires_in": self.seconds, "token_type": "Bearer"})

    def refuses(self, request: Request) -> bool:
        """Return whether a request has not the token that is good now."""
        return not self.bearer or request.headers.get("authorization") != f"Bearer {self.bearer}"


def failed(code: int, status: str, message: str) -> Response:
    """Return an error as the service writes it."""
    return Response.of({"error": {"code": code, "message": message, "status": status}}, code)


class Spreadsheet:
    """One spreadsheet: `cells` by sheet as they are stored; `is_shared` with the service account or not."""

    name = "1aBcD-eFg_hIj"

    def __init__(self, cells: dict[str, list[list[Any]]]) -> None:
        self.cells = cells
        self.tokens = Tokens(SHEETS)
        self.is_shared = True

    def respond(self, request: Request) -> Response:
        """Return what the service answers."""
        if request.path == "/token":
            return self.tokens.respond(request)
        if self.tokens.refuses(request):
            return failed(401, "UNAUTHENTICATED", f"Request had {request.headers.get('authorization')}")
        place = f"/v4/spreadsheets/{self.name}"
        if not request.path.startswith(place):
            return failed(404, "NOT_FOUND", "Requested entity was not found.")
        if not self.is_shared:
            return failed(403, "PERMISSION_DENIED", "The caller does not have permission")
        return self._answer(request.path.removeprefix(place), parse_qs(request.raw_query))

    def _answer(self, what: str, query: dict[str, list[str]]) -> Response:
        if not what:
            return Response.of({"properties": {"title": "Figures"}})
        assert what == "/values:batchGet"
        assert query["valueRenderOption"] == ["UNFORMATTED_VALUE"]
        assert query["dateTimeRenderOption"] == ["SERIAL_NUMBER"]
        found = []
        for each in query["ranges"]:
            values = self._range(each)
            if isinstance(values, str):
                return failed(400, "INVALID_ARGUMENT", values)
            found.append({"range": each, "majorDimension": "ROWS", **({"values": values} if values else {})})
        return Response.of({"spreadsheetId": self.name, "valueRanges": found})

    def _range(self, text: str) -> list[list[Any]] | str:
        """Return the cells without empty ends, as the service leaves them out, or what is wrong with the range."""
        parts = re.fullmatch(r"'?(.+?)'?(?:!([A-Z])(\d+)(?::([A-Z])(\d+))?)?", text)
        assert parts
        rows = self.cells.get(parts[1].replace("''", "'"))
        if rows is None:
            return f"Unable to parse range: {text}"
        if parts[2] is None:
            return rows
        left, top = ord(parts[2]) - 65, int(parts[3]) - 1
        right, bottom = (ord(parts[4]) - 65, int(parts[5]) - 1) if parts[4] else (left, top)
        if bottom >= 1000:
            return f"Range ({text}) exceeds grid limits. Max rows: 1000, max columns: 26"
        cut = [row[left : right + 1] for row in rows[top : bottom + 1]]
        while cut and not any(cell != "" for cell in cut[-1]):
            cut.pop()
        return cut
