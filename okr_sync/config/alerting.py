"""Who is told when something is wrong, and where signs of life go: `alerts` and `ping` of okr-sync.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field, SecretStr, ValidationError

from okr_sync.config.amounts import Count
from okr_sync.config.entry import Entry, Named, note, note_unknown_keys
from okr_sync.config.places import Mistakes
from okr_sync.connector import Secret, WebSettings
from okr_sync.redaction import learn, parts_of

__all__ = ["Alerts", "AlertsEntry", "Channel", "ChannelEntry", "ChannelKind", "read_alerts"]

ChannelKind: TypeAlias = Literal["webhook", "slack"]
PATIENCE = 3.0  # seconds for a piece of an answer; whoever takes notices answers quickly


class ChannelEntry(Entry):
    """A channel that takes notices."""

    kind: Annotated[ChannelKind, Field(description="webhook: JSON; slack: text, as Slack and Mattermost take it")]
    url: Annotated[Secret, Field(description="by ${NAME}: who knows it may post there")]


class AlertsEntry(Entry):
    """Who is told; the rest says how channels and the ping are reached, as for a source."""

    open: ClassVar[bool] = True
    failures: Annotated[Count, Field(description="of a source in a row before it is told")] = 3
    channels: Named[ChannelEntry] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Channel:
    """A place that takes notices."""

    name: str
    kind: ChannelKind
    url: SecretStr


@dataclass(frozen=True, slots=True)
class Alerts:
    """Who is told, after how many failures in a row, and how they are reached; `ping` gets signs of life."""

    channels: Mapping[str, Channel] = field(default_factory=dict)
    failures: int = 3
    reach: WebSettings = field(default_factory=lambda: WebSettings(timeout=PATIENCE))
    ping: SecretStr | None = None


def read_alerts(entry: AlertsEntry | None, ping: SecretStr | None, folder: Path, mistakes: Mistakes) -> Alerts:
    """Return what the entries say; their mistakes are noted, their secrets told to the redactor."""
    _learn(ping)
    if entry is None:
        return Alerts(ping=ping)
    channels = {name: Channel(name, each.kind, each.url) for name, each in entry.channels.items()}
    for channel in channels.values():
        _learn(channel.url)
    return Alerts(channels, entry.failures, _reach(entry, folder, mistakes), ping)


def _learn(url: SecretStr | None) -> None:
    if url is not None:
        learn({"parts": [SecretStr(part) for part in parts_of(url.get_secret_value())]})


def _reach(entry: AlertsEntry, folder: Path, mistakes: Mistakes) -> WebSettings:
    table, known = entry.rest(), WebSettings.model_fields
    note_unknown_keys(table, [*AlertsEntry.model_fields, *known], mistakes)
    wanted = table.only(known)
    try:
        return WebSettings.model_validate({"timeout": PATIENCE, **wanted}, context={"folder": folder})
    except ValidationError as error:
        note(error, wanted, mistakes)
        return WebSettings(timeout=PATIENCE)
