"""What a user writes about GitHub: where it is, how to sign in, and how to ask."""

from __future__ import annotations

import re
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, StrictInt, StrictStr, field_validator, model_validator

from connectors.github_signin import AppKey
from connectors.github_types import Types
from okr_sync.connector import Secret, WebSettings

_APP = ("app_id", "installation_id", "private_key")


class GithubSettings(WebSettings):
    """Where GitHub is, how to sign in and how to ask; `batch` in milestones a request."""

    url: str = Field("https://api.github.com", description="Enterprise Server: https://HOST/api/v3")
    token: Secret | None = Field(None, description="a fine-grained or classic token, as ${NAME}; or sign in as an App")
    app_id: StrictInt | StrictStr | None = Field(None, description="id, or client id, of an App instead of a token")
    installation_id: StrictInt | None = Field(None, gt=0, description="where the App is installed")
    private_key: Secret | None = Field(None, description="the App's private key in PEM, as ${file:/path} or ${NAME}")
    api: Literal["graphql", "rest"] = Field("graphql", description="rest for servers or tokens without GraphQL")
    batch: int = Field(100, ge=1, le=100, description="the most milestones, or repositories, in one GraphQL request")
    labels: bool = Field(True, description="false leaves labels out, which is cheaper by GraphQL")  # noqa: FBT003
    points_field: str | None = Field(
        None, min_length=1, max_length=100, description="a number field of projects that holds points, by GraphQL"
    )
    project: StrictInt | None = Field(None, gt=0, description="the project whose points count; left out, any")
    only_types: tuple[StrictStr, ...] = Field((), description="the issue types that count; left out, all")
    except_types: tuple[StrictStr, ...] = Field((), description="or the issue types that don't count")
    full_every_hours: float = Field(24, gt=0, description="read everything again when the last time is longer ago")

    @property
    def types(self) -> Types:
        """Which issues count by their type."""
        return Types.of(self.only_types, self.except_types)

    def sign_in(self) -> str | AppKey:
        """Return the token, or the App that gets one."""
        if self.app_id is None or self.installation_id is None or self.private_key is None:
            return self.token.get_secret_value().strip() if self.token else ""
        # Environment files write a key in one line.
        key = self.private_key.get_secret_value().strip().replace("\\n", "\n")
        return AppKey(str(self.app_id), self.installation_id, key)

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValueError("give an address such as https://api.github.com or https://HOST/api/v3")
        host, path = parts.hostname.removeprefix("www."), parts.path.strip("/")
        if host == "github.com" or (host.endswith(".ghe.com") and not host.startswith("api.")):
            raise ValueError(f"this is the site for people; write https://api.{host}")
        if path and (host == "api.github.com" or host.endswith(".ghe.com")):
            raise ValueError(f"write https://{host}, without /{path}")
        return url.rstrip("/")

    @field_validator("token")
    @classmethod
    def _fits_a_header(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not re.fullmatch(r"[!-~]+", token.get_secret_value().strip()):
            raise ValueError("this token has blanks, line breaks or letters that no GitHub token has")
        return token

    @model_validator(mode="after")
    def _is_one_way_in(self) -> Self:
        given = [name for name in _APP if getattr(self, name) is not None]
        if self.token is not None and given:
            raise ValueError(f"give either `token` or an App's keys, not `token` and `{given[0]}`")
        if self.token is None and len(given) < len(_APP):
            lacking = " and ".join(f"`{name}`" for name in _APP if name not in given)
            raise ValueError(f"an App needs {lacking}, too" if given else "give `token: ${NAME}`, or an App's keys")
        way = self.sign_in()
        if isinstance(way, AppKey):
            way.signed()
        return self

    @model_validator(mode="after")
    def _chooses_types_one_way(self) -> Self:
        if self.only_types and self.except_types:
            raise ValueError("give either `only_types` or `except_types`")
        if not all(name.strip() for name in (*self.only_types, *self.except_types)):
            raise ValueError("the name of an issue type is empty")
        return self

    @model_validator(mode="after")
    def _has_points_by_graphql(self) -> Self:
        if self.points_field is not None and self.api == "rest":
            raise ValueError("`points_field` needs `api: graphql`: REST tells nothing of projects")
        if self.project is not None and self.points_field is None:
            raise ValueError("`project` says whose points count: give `points_field`, too")
        return self
