"""What a source says comes without its secrets, in whatever form the other side repeats them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from okr_sync.connector import Settings
from okr_sync.core.facts import Collected, Miss, Outcome, Reading, Unchanged
from okr_sync.sync.veiling import Veil

TOKEN = 'p+ss/w="ö\\rd'
NOW = datetime(2026, 11, 22, tzinfo=UTC)


class Known(Settings):
    """Settings as a connector has them."""

    user: str = "ana@example.com"
    token: SecretStr = SecretStr(TOKEN)
    headers: tuple[dict[str, SecretStr], ...] = ({"X-Key": SecretStr("another-secret")},)


VEIL = Veil.of(Known())


@pytest.mark.parametrize(
    "form",
    [
        TOKEN,
        quote(TOKEN),
        quote(TOKEN, safe=""),
        json.dumps(TOKEN)[1:-1],
        base64.b64encode(TOKEN.encode()).decode(),
        base64.b64encode(f"ana@example.com:{TOKEN}".encode()).decode(),
        base64.b64encode(f":{TOKEN}".encode()).decode(),
        "another-secret",
    ],
)
def test_a_secret_is_hidden_in_every_form(form: str) -> None:
    veiled = VEIL.over(f"server said <{form}> twice <{form}>")
    assert form.rstrip("=") not in veiled
    assert veiled.startswith("server said <***")
    assert veiled.count("***") == 2


def test_every_message_of_what_was_collected_is_veiled_and_the_facts_stay() -> None:
    miss = Miss("denied", f"no {TOKEN}")
    answers: dict[str, Outcome] = {"a": miss, "b": (Reading(1.5, NOW, f"at {TOKEN}"),), "c": Unchanged()}
    given = Collected("s", NOW, "partial", f"e {TOKEN}", f"f {TOKEN}", answers=answers, misses={"d": miss}, cursor="x")
    veiled = VEIL.over_all(given)
    hidden = Miss("denied", "no ***")
    assert veiled == Collected(
        "s",
        NOW,
        "partial",
        "e ***",
        "f ***",
        answers={"a": hidden, "b": (Reading(1.5, NOW, "at ***"),), "c": Unchanged()},
        misses={"d": hidden},
        cursor="x",
    )
    assert VEIL.over_all(Collected("s", NOW, "ok")) == Collected("s", NOW, "ok")


def test_a_secret_too_short_to_be_told_from_a_word_hides_no_words() -> None:
    class Short(Settings):
        token: SecretStr = SecretStr("a")

    assert Veil.of(Short()).over("a banana at a table") == "a banana at a table"


def test_settings_without_secrets_veil_nothing() -> None:
    class Open(Settings):
        path: str = "numbers.csv"

    assert Veil.of(Open()).forms == ()
    assert Veil.of(Open()).over("numbers.csv") == "numbers.csv"
