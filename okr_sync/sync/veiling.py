"""Takes a source's secrets out of what it says: servers and libraries repeat what they were sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from okr_sync.connector import Settings
from okr_sync.core.facts import Collected, Miss, Outcome
from okr_sync.redaction import HIDDEN, forms_of


@dataclass(frozen=True, slots=True)
class Veil:
    """Hides `forms`, longest first: secrets as they are, URL-encoded, in JSON, in base64, as basic credentials."""

    forms: tuple[str, ...]

    @classmethod
    def of(cls, settings: Settings) -> Veil:
        """Return the veil over all secrets of these settings."""
        forms = forms_of({name: getattr(settings, name) for name in type(settings).model_fields})
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
