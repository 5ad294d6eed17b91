"""Takes a source's secrets out of what it says: servers and libraries repeat what they were sent."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, quote_plus

from pydantic import SecretStr

from okr_sync.connector import Settings
from okr_sync.core.facts import Collected, Miss, Outcome

SHORTEST = 4  # characters; anything shorter stands in too many words to be told from them
HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class Veil:
    """Hides `forms`, longest first: secrets as they are, URL-encoded, in JSON, in base64, as basic credentials."""

    forms: tuple[str, ...]

    @classmethod
    def of(cls, settings: Settings) -> Veil:
        """Return the veil over all secrets of these settings."""
        values = list(_leaves({name: getattr(settings, name) for name in type(settings).model_fields}))
        secrets = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        plain = [value for value in values if isinstance(value, str)]
        forms = {form for secret in secrets for form in _forms(secret, plain) if len(form) >= SHORTEST}
        return cls(tuple(sorted(forms, key=lambda form: (-len(form), form))))

    def over(self, text: str) -> str:
        """Return the text with *** in place of each secret."""
        for form in self.forms:
            text = text.replace(form, HIDDEN)
        return text

    def over_all(self, collected: Collected) -> Collected:
        """Return the collected with every message veiled; facts stay as they are."""
        if not self.forms:
            return collected
        return replace(
            collected,
            error=None if collected.error is None else self.over(collected.error),
            fix=None if collected.fix is None else self.over(collected.fix),
            answers=self._over_answers(collected.answers),
            windows={window: self._over_answers(answers) for window, answers in collected.windows.items()},
            misses={ref: self._over_miss(miss) for ref, miss in collected.misses.items()},
        )

    def _over_answers(self, answers: Mapping[str, Outcome]) -> dict[str, Outcome]:
        return {ref: self._over_outcome(outcome) for ref, outcome in answers.items()}

    def _over_outcome(self, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Miss):
            return self._over_miss(outcome)
        if isinstance(outcome, tuple):
            return tuple(replace(reading, evidence=self.over(reading.evidence)) for reading in outcome)
        return outcome

    def _over_miss(self, miss: Miss) -> Miss:
        return replace(miss, message=self.over(miss.message))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _leaves(each)
    else:
        yield value


def _forms(secret: str, plain: list[str]) -> Iterator[str]:
    for form in {secret, secret.strip()}:
        yield from (form, quote(form), quote(form, safe=""), quote_plus(form))
        yield from (json.dumps(form)[1:-1], json.dumps(form, ensure_ascii=False)[1:-1])
        for whole in (form, f":{form}", *(f"{name}:{form}" for name in plain)):
            coded = base64.b64encode(whole.encode())
            yield from (coded.decode().rstrip("="), quote(coded.decode(), safe=""))
