"""What people write about a JSON service and the numbers to take from it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import jmespath
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from connectors.google_key import GoogleKey
from okr_sync import connector as api

_SENSITIVE = re.compile(r"auth|key|token|secret|password|cookie|session|signature", re.IGNORECASE)


def _only_by_reference_if_secret(table: Any) -> Any:
    for name, value in table.items() if isinstance(table, dict) else ():
        if _SENSITIVE.search(str(name)) and not isinstance(value, api.Referenced | SecretStr):
            raise ValueError(f"{name} looks like a secret, which may not stand in a file; write ${{NAME}}")
    return table


def _is_expression(text: str) -> str:
    try:
        jmespath.compile(text)
    except ValueError as error:
        raise ValueError(f"this is no JMESPath: {str(error).splitlines()[0]}") from None
    return text


Sent = Annotated[dict[str, SecretStr], BeforeValidator(_only_by_reference_if_secret)]
JmesPath = Annotated[str, AfterValidator(_is_expression)]


class HttpJsonSettings(api.WebSettings):
    """Where the service is, and how to sign in: by header, `token`, `username`, or client credentials."""

    url: str = Field(
        pattern=r"^https?://[^/?#@\s]+[^?#@\s]*$", description="What all addresses of the source begin with"
    )
    headers: Sent = Field(default_factory=dict, description="Sent with every request")
    params: Sent = Field(default_factory=dict, description="Added to every query, such as an api_key")
    token: api.Secret | None = Field(None, description="Bearer token")
    username: str | None = Field(None, description="With `password`: basic authentication")
    password: api.Secret | None = Field(None, description="With `username`")
    token_url: str | None = Field(None, pattern=r"^https?://", description="Where client credentials get a token")
    client_id: str | None = Field(None, description="With `token_url`")
    client_secret: api.Secret | None = Field(None, description="With `token_url`")
    scope: str | None = Field(None, description="Of the token")
    token_params: Sent = Field(default_factory=dict, description="Sent along when a token is asked for")
    client_in: Literal["body", "header"] = Field("body", description="Where the client's id and secret are sent")
    google_key: GoogleKey | None = Field(
        None, description="JSON key of a Google service account, by ${file:…}; with `scope`"
    )
    timezone: ZoneInfo | None = Field(None, description="Of times that name no offset, and of days")
    probe_path: str = Field(
        "", pattern=r"^([/?].*)?$", description="Added to `url` for a test; it must answer with 200"
    )
    most_pages: int = Field(100, ge=1, le=10_000, description="Of one list; more is a mistake")

    @model_validator(mode="after")
    def _signs_in_one_way(self) -> HttpJsonSettings:
        if (self.username is None) != (self.password is None):
            raise ValueError("`username` and `password` belong together")
        if len({self.token_url is None, self.client_id is None, self.client_secret is None}) > 1:
            raise ValueError("`token_url`, `client_id` and `client_secret` belong together")
        if sum(map(bool, (self.token, self.password, self.client_secret, self.google_key))) > 1:
            raise ValueError("sign in one way: `token`, `username`, `token_url` or `google_key`")
        if self.google_key and not self.scope:
            raise ValueError("`google_key` needs `scope`: what its token may do")
        return self


class Pages(api.Query):
    """How to get the next page: by `link`, `cursor` or `page`; just one of them."""

    link: str | None = Field(None, description="JMESPath of the next address; `header`: the Link header")
    cursor: JmesPath | None = Field(
        None, description="JMESPath of what is sent back as `param`; empty on the last page"
    )
    page: str | None = Field(None, description="Parameter that counts pages; the last one is empty")
    param: str = Field("cursor", description="Parameter (GET) or key of the body (POST; a dot leads inwards) for it")
    first: int = Field(1, ge=0, description="Number of the first page")

    @model_validator(mode="after")
    def _is_one_way(self) -> Pages:
        if sum(map(bool, (self.link, self.cursor, self.page))) != 1:
            raise ValueError("give one of `link`, `cursor` and `page`")
        if self.link and self.link != "header":
            _is_expression(self.link)
        return self


class HttpJsonQuery(api.Query):
    """One number, or one a row, of a document; {start}, {end} and {now} stand for the window's ends."""

    path: str = Field("", pattern=r"^([/?].*)?$", description="Added to the source's url")
    method: Literal["GET", "POST"] = Field("GET", description="POST for services that are asked by a `body`")
    params: dict[str, str | int | float] = Field(default_factory=dict, description="Added to the query")
    body: Any = Field(None, description="Sent as JSON with POST")
    rows: JmesPath | None = Field(
        None, description="JMESPath of the list in each page; `value` then sees the whole list"
    )
    pages: Pages | None = Field(None, description="How to get the next page")
    value: JmesPath = Field(description="JMESPath of the number; with `time`: in each row")
    time: JmesPath | None = Field(None, description="JMESPath of a row's date: each row is a reading")
    scale: float = Field(1, gt=0, allow_inf_nan=False, description="The number is multiplied by it; 0.01: cents")

    @model_validator(mode="after")
    def _fits_together(self) -> HttpJsonQuery:
        if self.body is not None and self.method == "GET":
            raise ValueError("a `body` needs `method: POST`")
        if self.pages and not self.rows:
            raise ValueError("`pages` needs `rows`: where the list stands in a page")
        return self
