"""What people write about how a source is reached over the web."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from okr_sync.connector import ConfigPath, Referenced, Settings
from okr_sync.outbound.addresses import canonical

__all__ = ["WebSettings"]


class WebSettings(Settings):
    """Where a source may go and how; the same keys for every connector that asks over the web."""

    allow_hosts: tuple[str, ...] = Field(
        (), description="Hosts that may be asked over http, or that have private addresses; without port"
    )
    ca_file: ConfigPath | None = Field(None, description="PEM file with the certificates to trust, not the usual ones")
    proxy: SecretStr | None = Field(None, description="http://host:port; ${NAME} if it holds a password")
    timeout: float = Field(
        30.0, gt=0, le=600, description="Seconds to wait for a piece of an answer; ten times for all"
    )
    max_mib: int = Field(64, ge=1, le=1024, description="MiB of one answer, unpacked; a larger one is refused")

    @field_validator("allow_hosts")
    @classmethod
    def _are_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_host(host) for host in hosts)

    @field_validator("proxy", mode="before")
    @classmethod
    def _is_proxy(cls, proxy: Any) -> Any:
        text = proxy.get_secret_value() if isinstance(proxy, SecretStr) else proxy
        if not isinstance(text, str):
            return proxy
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write a proxy like http://proxy.example:3128")
        if parts.password and not isinstance(proxy, SecretStr | Referenced):
            raise ValueError("a password may not stand in a file; write the whole proxy as ${NAME}")
        return SecretStr(text)


def _host(host: str) -> str:
    try:
        return canonical(host)
    except ValueError:
        raise ValueError("write hosts like metrics.internal or 10.0.0.5, without scheme, port and path") from None
