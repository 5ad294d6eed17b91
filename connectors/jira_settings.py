"""What people write about a Jira site and its scopes in config files."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from okr_sync.connector import Query, Secret, WebSettings

EXAMPLE = """\
sources:
  tracker:
    kind: jira_epics
    url: https://acme.atlassian.net
    email: okr-reader@acme.example
    token: ${JIRA_TOKEN}
objectives:
  - id: helpful
    title: People are helped
    initiatives:
      - id: assistant
        title: Build the assistant
        delivery:
          - {source: tracker, epics: [MED-12, MED-40]}
          - {source: tracker, jql: 'project = APP and fixVersion = "2.0"'}
"""
_KEY = re.compile(r"[A-Z][A-Z0-9_]+-[1-9][0-9]*")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)


class JiraSettings(WebSettings):
    """A Jira site and the account that reads it."""

    url: str = Field(description="Address of the site with its context path, or https://api.atlassian.com/ex/jira/<id>")
    token: Secret = Field(description="API token (Cloud, with `email`) or personal access token (Data Center)")
    email: str | None = Field(None, description="Account of an API token; leave out for a personal access token")
    deployment: Literal["auto", "cloud", "dc"] = Field("auto", description="What the site is; auto asks it")
    points_field: str | None = Field(None, description="Name or id of the points field; left out, it is discovered")
    full_every_hours: float = Field(24.0, ge=0, description="Read everything again when the last time is longer ago")
    overlap_minutes: float = Field(15.0, ge=0, description="Look back so far: Jira's index lags behind its writes")

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValueError("write an address like https://acme.atlassian.net, without user, password or query")
        return url.rstrip("/")


class JiraQuery(Query):
    """A scope: epics by key, or the issues that a JQL query finds."""

    epics: tuple[str, ...] = Field((), description="Keys of epics, or of what stands above epics")
    jql: str = Field("", description="A JQL query with at least one restriction and without ORDER BY")

    @field_validator("epics")
    @classmethod
    def _are_keys(cls, epics: tuple[str, ...]) -> tuple[str, ...]:
        keys = tuple(dict.fromkeys(key.strip().upper() for key in epics))
        strange = [key for key in keys if not _KEY.fullmatch(key)]
        if strange:
            raise ValueError(f"{strange[0]!r} is no issue key; keys look like APP-12")
        return keys

    @model_validator(mode="after")
    def _is_one_of_two(self) -> JiraQuery:
        if bool(self.epics) == bool(self.jql.strip()):
            raise ValueError("give exactly one of `epics` and `jql`")
        if re.search(r"\border\s+by\b", _QUOTED.sub("", self.jql), re.IGNORECASE):
            raise ValueError("leave ORDER BY out of `jql`: order does not matter here")
        return self
