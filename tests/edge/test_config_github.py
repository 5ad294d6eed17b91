"""A GitHub source in a config file: ways to sign in that contradict each other are refused where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from okr_sync.config import load
from okr_sync.errors import ConfigError

HEAD = """\
timezone: UTC
cycles: {now: {start: 2026-01-01, end: 2026-12-31}}
sources:
  code:
    kind: github_milestones
"""


@pytest.mark.parametrize(
    ("lines", "place", "said"),
    [
        ("token: ${SECRET}\n    app_id: 12", "5:5", "not `token` and `app_id`"),
        ("app_id: 12\n    installation_id: 3", "5:5", "needs `private_key`"),
        ("app_id: 12\n    installation_id: 3\n    private_key: ${SECRET}", "5:5", "no private RSA key"),
        ("private_key: plain text", "6:18", "a secret may not stand in a file"),
        ("url: https://acme.ghe.com", "6:10", "write https://api.acme.ghe.com"),
        ("token: ${SECRET}\n    project: 3", "5:5", "give `points_field`"),
    ],
)
def test_a_way_in_that_can_not_be_meant_is_refused_at_its_place(
    tmp_path: Path, lines: str, place: str, said: str
) -> None:
    """With file, line and column, and without the secret.

    Red when the settings don't look at each other: the source fails at night.
    """
    (tmp_path / "okr-sync.yaml").write_text(f"{HEAD}    {lines}\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "okr-sync.yaml", {"SECRET": "hush-hush"})
    told = str(caught.value)
    assert f"okr-sync.yaml:{place}: " in told
    assert said in told
    assert "hush" not in told
