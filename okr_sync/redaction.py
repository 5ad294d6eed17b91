"""Takes secrets out of text in every form in which they travel: the one redactor that stands before every sink."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

__all__ = ["HIDDEN", "Redactor", "Sieve", "current", "forms_of", "learn", "learn_address", "parts_of", "redacting"]

SHORTEST = 4  # characters; anything shorter stands in too many words to be told from them
LONG = 8  # characters of a part of an address that may be a secret by itself
HIDDEN = "***"


class Redactor:
    """Knows the secrets of one command, in all forms; learns more while the command runs."""

    def __init__(self) -> None:
        self.forms: tuple[str, ...] = ()

    def learn(self, forms: Iterable[str]) -> None:
        """Hide these, too, from now on."""
        self.forms = tuple(sorted({*self.forms, *forms}, key=lambda form: (-len(form), form)))

    def over(self, text: str) -> str:
        """Return the text with *** in place of each secret, longest first."""
        for form in self.forms:
            text = text.replace(form, HIDDEN)
        return text


class Sieve:
    """A text stream that lets whole lines through to `sink`, each redacted; what is no whole line waits for a flush.

    Everything else (terminal or not, encoding, file number) is as `sink` says.
    """

    def __init__(self, sink: Any, redactor: Redactor) -> None:
        self._sink = sink
        self._redactor = redactor
        self._held = ""

    def write(self, text: str) -> int:
        """Take in text and pass on what ends with a line break; return its length."""
        whole, mark, rest = (self._held + text).rpartition("\n")
        self._held = rest
        if mark:
            self._sink.write(self._redactor.over(whole) + mark)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Take in each of the lines."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Pass on what waits."""
        held, self._held = self._held, ""
        if held:
            self._sink.write(self._redactor.over(held))
        self._sink.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sink, name)


_ACTIVE: ContextVar[Redactor | None] = ContextVar("okr_sync_redactor", default=None)


@contextmanager
def redacting() -> Iterator[Redactor]:
    """Give the redactor of one command; whatever reads secrets tells it by `learn` until the command ends."""
    redactor = Redactor()
    token = _ACTIVE.set(redactor)
    try:
        yield redactor
    finally:
        _ACTIVE.reset(token)


def current() -> Redactor:
    """Return the redactor of the command that runs; outside of a command one that knows nothing."""
    return _ACTIVE.get() or Redactor()


def learn(fields: Mapping[str, Any]) -> None:
    """Tell the redactor of the command that runs all secrets in these settings, at any depth."""
    active = _ACTIVE.get()
    if active is not None:
        active.learn(forms_of(fields))


def learn_address(url: str | None) -> None:
    """Tell the redactor the password in an address, if there is one."""
    active, password = _ACTIVE.get(), _password(url or "")
    if active is not None and password:
        active.learn(form for each in {password, unquote(password)} for form in _forms(each, []) if _counts(form))


def parts_of(url: str) -> tuple[str, ...]:
    """Return an address and what stands behind its host, longest first: who knows one part of a hook may use it.

    Parts of fewer than eight characters are words like "api" and left out.
    """
    try:
        parsed = urlsplit(url)
    except ValueError:
        return (url,)
    behind = {parsed.path, parsed.query, *parsed.path.split("/"), *parsed.query.split("&")}
    return tuple(sorted({url, *(part for part in behind if len(part) >= LONG)}, key=lambda part: (-len(part), part)))


def forms_of(fields: Mapping[str, Any]) -> frozenset[str]:
    """Return every form of the secrets in `fields`: as they are, line by line, URL-encoded, in JSON, in base64, as
    basic credentials with any plain text beside them as the user.

    A secret is what keeps its text behind `get_secret_value()`.
    """
    values = list(_leaves(fields))
    secrets = [value.get_secret_value() for value in values if hasattr(value, "get_secret_value")]
    plain = [value for value in values if isinstance(value, str)]
    inside = [password for secret in secrets if (password := _password(secret))]
    return frozenset(form for secret in (*secrets, *inside) for form in _forms(secret, plain) if _counts(form))


def _counts(form: str) -> bool:
    return len(form) >= SHORTEST


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _leaves(each)
    else:
        yield value


def _forms(secret: str, plain: list[str]) -> Iterator[str]:
    lines = secret.splitlines() if "\n" in secret.strip() else []
    yield from (line.strip() for line in lines)
    for form in {secret, secret.strip()}:
        yield from (form, quote(form), quote(form, safe=""), quote_plus(form))
        yield from (json.dumps(form)[1:-1], json.dumps(form, ensure_ascii=False)[1:-1])
        for whole in (form, f":{form}", *(f"{name}:{form}" for name in plain)):
            coded = base64.b64encode(whole.encode())
            yield from (coded.decode().rstrip("="), quote(coded.decode(), safe=""))
