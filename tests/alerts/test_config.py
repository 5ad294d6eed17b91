"""`alerts` and `ping` as files say them: every mistake at its place, and no address in plain sight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from okr_sync.alerts.watching import watching_of
from okr_sync.config import Config, json_schema, load
from okr_sync.errors import ConfigError

ENV = {"PING_URL": "https://hc.example/abc", "HOOK": "https://chat.example/hook"}
GOOD = """
okrs: []
schedule: every 15 min
ping: ${PING_URL}
alerts:
  failures: 2
  allow_hosts: [chat.internal]
  channels:
    chat: {kind: slack, url: "${HOOK}"}
"""


def loaded(folder: Path, text: str) -> Config:
    (folder / "okr-sync.yaml").write_text(text, "utf-8")
    return load(folder, ENV)


def test_what_is_written_is_what_is_watched(tmp_path: Path) -> None:
    config = loaded(tmp_path, GOOD)
    alerts, watching = config.alerts, watching_of(config)
    assert alerts.ping is not None
    assert alerts.ping.get_secret_value() == ENV["PING_URL"]
    assert (alerts.channels["chat"].kind, alerts.reach.allow_hosts, alerts.reach.timeout) == (
        "slack", ("chat.internal",), 3.0
    )  # fmt: skip
    assert (watching.channels, watching.schedules, watching.failures) == (("chat",), frozenset({""}), 2)
    assert ENV["HOOK"] not in repr(config)


def test_without_a_word_nobody_is_told(tmp_path: Path) -> None:
    config = loaded(tmp_path, "okrs: []\n")
    assert (dict(config.alerts.channels), config.alerts.ping, config.alerts.failures) == ({}, None, 3)


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('"${HOOK}"', "https://chat.example/hook", "9:30: url: a secret may not stand in a file"),
        ("ping: ${PING_URL}", "ping: https://hc.example", "4:7: ping: a secret may not stand in a file"),
        ('"${HOOK}"', '"${NONE}"', "9:30: environment variable NONE is not set"),
        ("slack", "slak", "9:18: kind: expected 'webhook' or 'slack'; did you mean 'slack'?"),
        ("failures: 2", "failures: 0", "6:13: failures: "),
        ("failures: 2", "failurs: 2", "6:3: unknown key 'failurs'; did you mean 'failures'?"),
        ("[chat.internal]", "[https://chat.internal]", "7:16: allow_hosts: write hosts like"),
        ("kind: slack, ", "", "missing key 'kind'"),
    ],
)
def test_a_mistake_is_told_at_its_place(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, GOOD.replace(right, wrong, 1))
    assert len(caught.value.mistakes) == 1
    assert told in str(caught.value)
    assert "chat.example" not in str(caught.value)


@pytest.mark.parametrize(
    ("alerts", "fits"),
    [
        ({"failures": 2, "timeout": 1, "channels": {"a": {"kind": "slack", "url": "${A}"}}}, True),
        ({}, True),
        ({"failurs": 2}, False),
        ({"channels": {"a": {"kind": "mail", "url": "${A}"}}}, False),
        ({"channels": {"a": {"kind": "slack"}}}, False),
    ],
)
def test_the_schema_for_editors_knows_them(alerts: dict[str, Any], fits: bool) -> None:
    tree = {"okrs": [], "ping": "${PING_URL}", "alerts": alerts}
    assert (list(Draft202012Validator(json_schema("main")).iter_errors(tree)) == []) is fits
