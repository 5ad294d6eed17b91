"""What the `prometheus` connector can be told, and what it can be asked."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints, model_validator

from okr_sync import connector as api


class PrometheusSettings(api.WebSettings):
    """Where Prometheus is, and who asks it."""

    url: str = Field(pattern=r"^https?://[^/?#@]+[^?#@]*$", description="without /api/v1")
    token: api.Secret | None = Field(None, description="bearer token")
    username: str | None = Field(None, description="with `password`: basic authentication")
    password: api.Secret | None = Field(None, description="with `username`")
    tenant: str | None = Field(None, description="X-Scope-OrgID, for Mimir and its like")
    batch: int = Field(200, ge=1, le=1000, description="queries joined into one request, at most")
    timezone: ZoneInfo = Field(ZoneInfo("UTC"), description="history is read at its midnights")

    @model_validator(mode="after")
    def _signs_in_one_way(self) -> PrometheusSettings:
        if (self.username is None) != (self.password is None) or (self.token and self.password):
            raise ValueError("give `token`, or `username` with `password`, or none of them")
        return self


class PrometheusQuery(api.Query):
    """One number in PromQL."""

    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] = Field(
        description="PromQL that gives a scalar or one series"
    )
