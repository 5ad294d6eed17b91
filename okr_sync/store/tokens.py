"""Tokens that let programs send values: named, for certain metrics, until a day; only their hashes are kept."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from sqlalchemy import select
from sqlmodel import Session

from okr_sync.errors import UsageError
from okr_sync.store.statements import Row, change_all, fetch, fetch_one, insert_one
from okr_sync.store.tables import TokenRow, sql

TOKENS = sql(TokenRow)
PREFIX = "okrsync_"  # so that scanners for leaked secrets know it
BYTES = 32  # of randomness: too many to be guessed, so that a plain hash is enough


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token. `metrics` are ids and patterns (`sales_*`); `expires` is exclusive."""

    id: int
    name: str
    metrics: tuple[str, ...]
    author: str
    made_at: datetime
    expires: datetime
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    def state(self, now: datetime) -> str:
        """Return valid, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "valid" if now < self.expires else "expired"

    def allows(self, metric: str) -> bool:
        """Return whether it lets values of `metric` in."""
        return any(fnmatchcase(metric, pattern) for pattern in self.metrics)


def add_token(
    session: Session, now: datetime, name: str, author: str, *, metrics: tuple[str, ...], expires: datetime
) -> str:
    """Make a token and return its text, which is shown this once and kept nowhere.

    Raises UsageError when a valid token has this name, when it is for no metric, or would have expired already.
    """
    if not name.strip() or not metrics:
        raise UsageError("a token needs a name and at least one metric; `*` means all")
    if expires <= now:
        raise UsageError("the token would have expired already; name a time to come")
    if any(token.name == name and token.state(now) == "valid" for token in tokens(session)):
        raise UsageError(f"there is a valid token {name}; revoke it first, or choose another name")
    text = PREFIX + secrets.token_urlsafe(BYTES)
    made = {"author": author, "made_at": now, "expires": expires}
    row = {"name": name, "sha256": _hash(text), "metrics": json.dumps(metrics), **made}
    insert_one(session, TOKENS, row)
    return text


def tokens(session: Session) -> tuple[Token, ...]:
    """Return all tokens, the expired and the revoked ones too, in the order in which they were made."""
    return tuple(_token(row) for row in fetch(session, select(TOKENS).order_by(TOKENS.c.id)))


def revoke_token(session: Session, now: datetime, name: str, author: str) -> None:
    """End the token at once. Raises UsageError when no valid token has this name."""
    found = [token for token in tokens(session) if token.name == name and token.state(now) == "valid"]
    if not found:
        raise UsageError(f"there is no valid token {name}; `okr-sync tokens list` shows them")
    rows = [{"id": token.id, "revoked_at": now, "revoked_by": author} for token in found]
    change_all(session, TOKENS, rows, key=("id",))


def admitted(session: Session, now: datetime, text: str, metric: str) -> Token:
    """Return the token of this text if it lets values of `metric` in now.

    Raises UsageError; why a token is refused is told only of one that was made here.
    """
    row = fetch_one(session, select(TOKENS).where(TOKENS.c.sha256 == _hash(text.strip())))
    if row is None:
        raise UsageError("this token was not made for this store; `okr-sync tokens add` makes one")
    token = _token(row)
    if (state := token.state(now)) != "valid":
        raise UsageError(f"the token {token.name} is {state}; `okr-sync tokens add` makes a new one")
    if not token.allows(metric):
        raise UsageError(f"the token {token.name} is for {', '.join(token.metrics)}, not for {metric}")
    return token


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _token(row: Row) -> Token:
    words = {name: row[name] for name in Token.__slots__ if name != "metrics"}
    return Token(metrics=tuple(json.loads(row["metrics"])), **words)
