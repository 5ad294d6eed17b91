"""Addresses of databases: their drivers, what may be shown of them, and what is secret in them."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

DRIVERS = {"mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql", "postgres": "postgresql+psycopg"}
_SECRET = frozenset(
    {"access_token", "passwd", "password", "private_key", "private_key_passphrase", "sslpassword", "token"}
)


def parse_url(text: str) -> URL:
    """Return the URL with the driver that we use where it names none. Raises ValueError without repeating the text."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("expected a database URL like postgresql://okr@db.example.com/sales") from None
    return url.set(drivername=DRIVERS.get(url.drivername, url.drivername))


def place_of(url: URL) -> str:
    """Return the address without password and options."""
    who = f"{url.username}@" if url.username else ""
    return f"{url.get_backend_name()}://{who}{url.host or ''}{f':{url.port}' if url.port else ''}/{url.database or ''}"


def secrets_of(url: URL) -> tuple[str, ...]:
    """Return the password, and options that are as good as one."""
    options = (value for key, value in url.query.items() if key.casefold() in _SECRET)
    return tuple(text for text in (str(url.password or ""), *map(str, options)) if text)
