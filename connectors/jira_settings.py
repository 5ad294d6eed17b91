"""What people write about a Jira site, the way to sign in there, and its scopes in config files."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

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
GATEWAY = "https://api.atlassian.com"
Way: TypeAlias = Literal["auto", "api_token", "scoped_token", "oauth2", "access_token"]
"""Basic with an account at the site, basic at the gateway, a bearer at the gateway, a bearer at a site of one's own."""

_KEY = re.compile(r"[A-Z][A-Z0-9_]+-[1-9][0-9]*")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)
_BEHIND_GATEWAY = re.compile(r"/ex/jira/[A-Za-z0-9-]+")
_PAGES = ("/rest", "/browse", "/secure", "/projects", "/issues")
_WITH_ACCOUNT, _BEARERS = ("api_token", "scoped_token"), ("oauth2", "access_token")


def is_gateway(url: str) -> bool:
    """Return whether an address leads to a site by Atlassian's gateway."""
    return bool(_BEHIND_GATEWAY.fullmatch(urlsplit(url).path))


class JiraSettings(WebSettings):
    """A Jira site and the account that reads it."""

    url: str = Field(description="Address of the site with its context path, or https://api.atlassian.com/ex/jira/<id>")
    token: Secret = Field(description="API token (Cloud), personal access token (Data Center) or OAuth 2 access token")
    sign_in: Way = Field("auto", description="What `token` is; auto: with `email` an API token, else a bearer token")
    email: str | None = Field(
        None, validate_default=True, description="Account of an API token; leave out for a bearer token"
    )
    gateway: str = Field(GATEWAY, description="Where scoped_token and oauth2 ask; Government Cloud has another")
    deployment: Literal["auto", "cloud", "dc"] = Field("auto", description="What the site is; auto asks it")
    points_field: str | None = Field(None, description="Name or id of the points field; left out, it is discovered")
    full_every_hours: float = Field(24.0, ge=0, description="Read everything again when the last time is longer ago")
    overlap_minutes: float = Field(15.0, ge=0, description="Look back so far: Jira's index lags behind its writes")

    @property
    def asks_gateway(self) -> bool:
        """Whether `url` names the site while requests go by the gateway."""
        return self.sign_in in ("scoped_token", "oauth2") and not is_gateway(self.url)

    @field_validator("url", "gateway")
    @classmethod
    def _is_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValueError("write an address like https://acme.atlassian.net, without user, password or query")
        return url.rstrip("/")

    @field_validator("url")
    @classmethod
    def _is_site(cls, url: str) -> str:
        parts = urlsplit(url)
        page = next((page for page in _PAGES if f"{parts.path}/".find(f"{page}/") >= 0), None)
        if page:
            raise ValueError(f"write the address of the site alone, without {page} and what follows it")
        if parts.hostname == urlsplit(GATEWAY).hostname and not is_gateway(url):
            raise ValueError(f"write {GATEWAY}/ex/jira/<cloud id>, or the site itself with `sign_in: scoped_token`")
        return url

    @field_validator("token")
    @classmethod
    def _fits_a_header(cls, token: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[!-~]+", token.get_secret_value().strip()):
            raise ValueError("this token has blanks, line breaks or letters that no token of Jira has")
        return token

    @field_validator("sign_in")
    @classmethod
    def _suits_the_site(cls, way: Way, info: ValidationInfo) -> Way:
        if way == "access_token" and _is_cloud(info.data.get("url", "")):
            raise ValueError("Jira Cloud has no personal access tokens; write api_token, scoped_token or oauth2")
        return way

    @field_validator("email")
    @classmethod
    def _suits_the_way(cls, email: str | None, info: ValidationInfo) -> str | None:
        way, url = info.data.get("sign_in"), info.data.get("url", "")
        if email and way in _BEARERS:
            raise ValueError(f"leave it out: with `sign_in: {way}` the token is sent alone, as a bearer")
        if not email and way in _WITH_ACCOUNT:
            raise ValueError(f"missing: with `sign_in: {way}` the token is sent together with its account")
        if not email and way == "auto" and _is_cloud(url) and not is_gateway(url):
            raise ValueError("missing: Jira Cloud wants the account of an API token, or `sign_in: oauth2` for a bearer")
        return email

    @field_validator("deployment")
    @classmethod
    def _suits_both(cls, deployment: str, info: ValidationInfo) -> str:
        way = info.data.get("sign_in")
        if deployment == "dc" and (_is_cloud(info.data.get("url", "")) or way in ("scoped_token", "oauth2")):
            raise ValueError("`url` or `sign_in` are those of Jira Cloud; leave `deployment` out")
        if deployment == "cloud" and way == "access_token":
            raise ValueError("only Data Center has personal access tokens; leave `deployment` out, or change `sign_in`")
        return deployment


def _is_cloud(url: str) -> bool:
    """Return whether an address can only be Cloud's."""
    return is_gateway(url) or (urlsplit(url).hostname or "").endswith((".atlassian.net", ".jira-dev.com"))


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
