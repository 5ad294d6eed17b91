"""The contract between okr-sync and its connectors; all of okr_sync that a connector imports.

Terms. A *source* is a configured connector ("tracker"). A *metric source* answers queries with readings; a *delivery
source* brings work items of scopes (epics, milestones, JQL). A *ref* names one question; every ref gets exactly one
outcome. A `Miss` is one question without an answer; an exception means that the whole source failed.

A connector has no clock (`now` comes with the question), no retry loop (every request goes through `Caller.call`,
which the engine replaces by one that retries, counts and keeps the deadline), no state but what it gives with an answer
(`Continued`) and no logging. It raises `UnauthorizedError` when its credential is refused, and nothing else then: the
engine sends no more and tries again after an hour, or with another credential.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from okr_sync.connector.calling import Caller, Remembered, require
from okr_sync.connector.delivery import DeliverySource, LookUp, Mirrored, Page
from okr_sync.connector.metrics import Answer, Ask, Continued, MetricSource
from okr_sync.connector.settings import ConfigPath, Query, Referenced, Secret, Settings
from okr_sync.connector.source import Grant, Named
from okr_sync.core.facts import (
    Container,
    ContainerKind,
    ItemKind,
    ItemState,
    Members,
    Miss,
    MissKind,
    Outcome,
    Reading,
    Transition,
    TransitionField,
    Unchanged,
    WorkItem,
)
from okr_sync.errors import AccessError, ProtocolError, SourceError, TransientError, UnauthorizedError

if TYPE_CHECKING:
    from okr_sync.outbound.answers import HttpAnswer, parse_json, retry_after
    from okr_sync.outbound.http import Auth, Http
    from okr_sync.outbound.sessions import guard_session
    from okr_sync.outbound.settings import WebSettings
    from okr_sync.outbound.tokens import Tokens

__all__ = [
    "AccessError",
    "Answer",
    "Ask",
    "Auth",
    "Caller",
    "ConfigPath",
    "Container",
    "ContainerKind",
    "Continued",
    "DeliverySource",
    "Grant",
    "Http",
    "HttpAnswer",
    "ItemKind",
    "ItemState",
    "LookUp",
    "Members",
    "MetricSource",
    "Mirrored",
    "Miss",
    "MissKind",
    "Named",
    "Outcome",
    "Page",
    "ProtocolError",
    "Query",
    "Reading",
    "Referenced",
    "Remembered",
    "Secret",
    "Settings",
    "SourceError",
    "Tokens",
    "TransientError",
    "Transition",
    "TransitionField",
    "UnauthorizedError",
    "Unchanged",
    "WebSettings",
    "WorkItem",
    "guard_session",
    "parse_json",
    "require",
    "retry_after",
]

_OUTBOUND = {
    "Auth": "http",
    "Http": "http",
    "HttpAnswer": "answers",
    "Tokens": "tokens",
    "WebSettings": "settings",
    "guard_session": "sessions",
    "parse_json": "answers",
    "retry_after": "answers",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Return what leads out of the house, imported on first use: httpx takes its time."""
        if name not in _OUTBOUND:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"okr_sync.outbound.{_OUTBOUND[name]}"), name)
