"""Settings of a Jira source that contradict one another are mistakes with file, line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from okr_sync.config import load
from okr_sync.errors import ConfigError

SITE, GATEWAY = "https://acme.atlassian.net", "https://api.atlassian.com/ex/jira/5cdaa1ba-9c24-4e4a-8b4f-2d8a3d1c0f00"
OWN = "https://jira.acme.example/jira"
ANA = "ana@acme.example"


def folder(path: Path, settings: dict[str, str]) -> Path:
    """Return a config whose Jira source has these settings, one a line from line 4 on."""
    lines = [f"    {name}: {value}" for name, value in settings.items()]
    text = "\n".join(["sources:", "  tracker:", "    kind: jira_epics", *lines, ""])
    (path / "okr-sync.yaml").write_text(text, "utf-8")
    (path / "okrs").mkdir()
    return path


def mistakes(path: Path, settings: dict[str, str]) -> list[str]:
    try:
        load(folder(path, settings), {"TOKEN": "t0ken", "BAD": "two\nlines"})
    except ConfigError as error:
        return [str(each).removeprefix(f"{path}/") for each in error.mistakes]
    return []


GOOD: list[dict[str, str]] = [
    {"url": SITE, "email": ANA},
    {"url": SITE, "email": ANA, "sign_in": "api_token"},
    {"url": SITE, "email": ANA, "sign_in": "scoped_token"},
    {"url": SITE, "email": ANA, "sign_in": "scoped_token", "gateway": "https://api.atlassian-us-gov-mod.com"},
    {"url": SITE, "sign_in": "oauth2", "deployment": "cloud"},
    {"url": GATEWAY, "email": ANA},
    {"url": GATEWAY, "sign_in": "oauth2"},
    {"url": GATEWAY},
    {"url": OWN},
    {"url": OWN, "sign_in": "access_token", "deployment": "dc"},
]


@pytest.mark.parametrize("settings", GOOD, ids=str)
def test_every_way_to_sign_in_can_be_written(tmp_path: Path, settings: dict[str, str]) -> None:
    assert mistakes(tmp_path, {**settings, "token": "${TOKEN}"}) == []


@pytest.mark.parametrize(
    ("settings", "where", "said"),
    [
        ({"url": SITE}, "3:", "email: missing: Jira Cloud wants the account"),
        ({"url": SITE, "sign_in": "scoped_token"}, "3:", "email: missing: with `sign_in: scoped_token`"),
        ({"url": SITE, "sign_in": "oauth2", "email": ANA}, "6:12", "email: leave it out: with `sign_in: oauth2`"),
        ({"url": OWN, "sign_in": "access_token", "email": ANA}, "6:12", "email: leave it out"),
        ({"url": SITE, "sign_in": "access_token"}, "5:14", "sign_in: Jira Cloud has no personal access tokens"),
        ({"url": SITE, "sign_in": "pat"}, "5:14", "expected 'auto', 'api_token'"),
        ({"url": SITE, "email": ANA, "deployment": "dc"}, "6:17", "deployment: `url` or `sign_in` are those of"),
        ({"url": OWN, "deployment": "dc", "sign_in": "oauth2"}, "5:17", "deployment: `url` or `sign_in`"),
        ({"url": OWN, "sign_in": "access_token", "deployment": "cloud"}, "6:17", "deployment: only Data Center"),
        ({"url": "https://api.atlassian.com", "email": ANA}, "4:10", "url: write https://api.atlassian.com/ex/jira/"),
        ({"url": f"{SITE}/browse/APP-1", "email": ANA}, "4:10", "url: write the address of the site alone"),
        ({"url": f"{OWN}/rest/api/2"}, "4:10", "without /rest"),
        ({"url": SITE, "email": ANA, "gateway": "api.atlassian.com"}, "6:14", "gateway: write an address"),
        ({"url": SITE, "email": ANA, "token": "${BAD}"}, "6:12", "token: the value of ${BAD} is not valid here"),
    ],
)
def test_a_contradiction_is_told_where_it_stands(
    tmp_path: Path, settings: dict[str, str], where: str, said: str
) -> None:
    """Seen red with the validators of `sign_in`, `email` and `deployment` taken out."""
    told = mistakes(tmp_path, {**settings, "token": settings.get("token", "${TOKEN}")})
    assert len(told) >= 1
    assert any(each.startswith(f"okr-sync.yaml:{where}") and said in each for each in told), told
