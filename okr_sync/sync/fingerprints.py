"""Tells whether a source is asked with other settings than before, without keeping any of them."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from pydantic import BaseModel, SecretStr

from okr_sync.config import Source

__all__ = ["fingerprint"]

DIGITS = 16  # of 64: enough to tell two settings apart, too few to be a hash worth stealing


def fingerprint(source: Source) -> str:
    """Return a keyed hash (HMAC-SHA-256, cut to 64 bits) of the kind and all settings, secrets as they are."""
    plain = {name: getattr(source.settings, name) for name in type(source.settings).model_fields}
    said = json.dumps([source.kind, plain], sort_keys=True, default=_opened).encode()
    return hmac.new(source.name.encode(), said, hashlib.sha256).hexdigest()[:DIGITS]


def _opened(value: Any) -> Any:
    """Return what JSON knows for what it does not."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    return str(value)
