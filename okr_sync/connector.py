"""The contract between okr-sync and its connectors; the only module of okr_sync that a connector imports.

Terms. A *source* is a configured connector ("tracker"). A *metric source* answers queries with readings; a *delivery
source* brings work items of scopes (epics, milestones, JQL). A *ref* names one question; every ref gets exactly one
outcome. A `Miss` is one question without an answer; an exception means that the whole source failed.

A connector has no clock (`now` comes with the question), no retry loop (every request goes through `Caller.call`,
which the engine replaces by one that retries, counts and keeps the deadline), no state but what it gives with an answer
(`Continued`) and no logging. It raises `UnauthorizedError` when its credential is refused, and nothing else then: the
engine sends no more and tries again after an hour, or with another credential.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr, ValidationInfo

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

T = TypeVar("T")
R = TypeVar("R")

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


class Settings(BaseModel):
    """Base of a source's settings: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Query(BaseModel):
    """Base of a question (metric query or delivery scope): frozen, unknown keys refused.

    A field that holds answers, as values typed into a file, is `Field(exclude=True)`: one more answer is no other
    question.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Referenced(str):
    """Text that came from `${ENV}` or `${file:…}`: the only text a secret field accepts."""

    __slots__ = ()


def _only_by_reference(value: Any) -> Any:
    if isinstance(value, Referenced | SecretStr):
        return value
    raise ValueError("a secret may not stand in a file; write ${NAME} for an environment variable or ${file:/path}")


def _not_empty(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip():
        raise ValueError("this secret is empty")
    return value


Secret = Annotated[SecretStr, BeforeValidator(_only_by_reference), AfterValidator(_not_empty)]
"""A secret setting: given by reference only, never empty, printed as ***."""


def _below_config_folder(value: Any, info: ValidationInfo) -> Any:
    folder = (info.context or {}).get("folder")
    if folder is None or not isinstance(value, str | Path):
        return value
    return Path(folder) / value


ConfigPath = Annotated[Path, BeforeValidator(_below_config_folder)]
"""A path in a config file: relative ones start at the folder of that config."""


class Caller:
    """Makes requests on behalf of a connector. This one asks once, one at a time; the engine's own retries,
    counts, runs `map` in a small pool and keeps the source's deadline.
    """

    def call(self, ask: Callable[[], T]) -> T:
        """Return `ask()`. `ask` sends exactly one request and must be safe to repeat."""
        return ask()

    def map(self, ask: Callable[[T], R], many: Iterable[T]) -> Iterator[R]:
        """Yield `ask(each)` in the order of `many`; each `ask` uses `call` itself, maybe in another thread."""
        return map(ask, many)

    def spend(self, points: int) -> None:
        """Note that the source says a request cost so many points of its rate limit; `runs` shows their sum."""


Answer: TypeAlias = Mapping[str, Outcome]
"""Ref → its one outcome; every ref asked is there."""


class Continued(dict[str, Outcome]):
    """An answer with what the source wants to be told when it is asked next: `state`, opaque to the engine.

    The engine keeps the state in one transaction with the facts of the answer, and forgets it before `sync --full`. It
    must not hold a secret.
    """

    def __init__(self, outcomes: Answer, state: str) -> None:
        super().__init__(outcomes)
        self.state = state


def require(module: str, *, extra: str) -> ModuleType:
    """Return the module, imported. Raises SourceError with the install command when its extra is not installed."""
    try:
        return import_module(module)
    except ImportError as error:
        raise SourceError(
            f"the Python package {module.partition('.')[0]} can't be imported: {error}",
            fix=f"pip install 'okr-sync[{extra}]'",
        ) from error


Q = TypeVar("Q", bound=Query)


@dataclass(frozen=True, slots=True)
class Ask(Generic[Q]):
    """Many questions at once, and the window [start, now] (both inclusive, aware) that they are about.

    `past`: bring also what was true at past instants inside the window, at least a reading a day where the source keeps
    that; else the newest reading will do, and whatever the source brings along at no further cost.
    `state`: what the source gave with its last answer (`Continued`), if it `CONTINUES`; None: answer from the start.
    `inbox`: ref → the values that were sent to okr-sync for it, oldest first, if the source reads its `INBOX`.
    """

    queries: Mapping[str, Q]
    start: datetime
    now: datetime
    past: bool = False
    state: str | None = None
    inbox: Mapping[str, tuple[Reading, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Named:
    """What a name in a question leads to at the source: an epic, a project, a milestone, a query, a field.

    `path` leads from the question `ref` to where the name is written: ("epics", 1); with an empty `ref` from the
    source's settings. `said` is what is there; with a `miss`, why it can't be used, and what to write or give instead.
    """

    ref: str
    path: tuple[str | int, ...]
    said: str
    miss: MissKind | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a credential may do, in the source's own words for scopes and permissions, and when it ends.

    `granted`: None when the source doesn't tell. `missing`: what of `needed` is known to be lacking.
    """

    needed: tuple[str, ...] = ()
    granted: tuple[str, ...] | None = None
    missing: tuple[str, ...] = ()
    expires: datetime | None = None


class _Connector(ABC):
    """What both contracts share."""

    kind: ClassVar[str]
    """The word in config files."""
    summary: ClassVar[str]
    """One line for lists."""
    Settings: ClassVar[type[Settings]]
    Query: ClassVar[type[Query]]
    """The shape of one question: a metric's query or a delivery scope."""
    HISTORY: ClassVar[bool] = False
    """Whether the source can say what was true at a past instant."""
    example: ClassVar[str] = ""
    """A whole example in YAML: `sources:` with one source of this kind, and `metrics:` or `objectives:` that ask it."""
    permissions: ClassVar[str] = ""
    """One sentence: what the credential must be allowed to do, and no more."""

    def __init__(self, settings: Any, caller: Caller | None = None) -> None:
        self.settings = settings
        self.caller = caller or Caller()

    @abstractmethod
    def probe(self) -> str:
        """Return one line that says who we are at the source ("signed in as Ana at https://…").

        Raises SourceError when the source can't be used.
        """

    def grant(self) -> Grant | None:
        """Return what the credential may do; None: the source doesn't tell. Raises SourceError."""
        return None

    def resolve(self, questions: Mapping[str, Any], now: datetime) -> Iterator[Named] | None:
        """Yield what each name in `questions` (ref → Query) and in the settings leads to; read no more than that takes.

        None: the engine asks each question once instead, and sees. Raises SourceError when the whole source failed.
        """
        return None

    def close(self) -> None:  # noqa: B027 -- most connectors hold nothing
        """Give back what the connector holds; may be called twice."""


class MetricSource(_Connector):
    """Answers queries with readings, all of them in as few requests as the source allows."""

    CONTINUES: ClassVar[bool] = False
    """Whether it answers with `Continued` and wants its state back."""
    INBOX: ClassVar[bool] = False
    """Whether it answers with values that were sent to okr-sync: `Ask.inbox`."""

    @abstractmethod
    def read(self, ask: Ask[Any]) -> Answer:
        """Return one outcome for every ref in `ask.queries`; readings inside [ask.start, ask.now], oldest first.

        One an instant (without a time: now); two different values of one are refused. Raises SourceError when the whole
        source failed.
        """


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of a delivery source's answer; any part may be empty.

    `scopes` maps a ref to the ids of all its containers, once it is fully resolved; `misses` maps a ref to why it
    could not be. Every ref asked appears in exactly one of the two over all pages. A container may be left out of
    `containers` when an earlier pull described it and it is as it was. `members` of one container add up over all
    pages; they are all of its members if any of them is `whole`. `placed` maps an item to the containers that hold
    it, of those not told whole: it has left every other one; an item placed without being described is looked up.
    `cursor` on the last page is what the next pull may start from; opaque to the engine.
    """

    items: tuple[WorkItem, ...] = ()
    containers: tuple[Container, ...] = ()
    members: tuple[Members, ...] = ()
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    misses: Mapping[str, Miss] = field(default_factory=dict)
    placed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class LookUp:
    """Items asked by id: those found, those that exist no more, and those that can't be told (permission lost)."""

    found: tuple[WorkItem, ...] = ()
    gone: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()


class Mirrored(ABC):
    """What the engine keeps of a source's earlier answers, for a connector that needs it to tell what changed."""

    @abstractmethod
    def holders(self, items: Collection[str]) -> Mapping[str, frozenset[str]]:
        """Return item id → ids of the containers that hold it now; items that none holds are left out."""

    @abstractmethod
    def below(self, parents: Collection[str], kind: ItemKind | None = None) -> Mapping[str, str]:
        """Return item id → its `parent`, of the items (of that kind) that have one of `parents`, are held and seen."""

    @abstractmethod
    def created_since(self, instant: datetime) -> frozenset[str]:
        """Return the ids of the items that were created at `instant` or later, are held and seen."""

    @abstractmethod
    def hidden(self) -> Mapping[str, str]:
        """Return item id → key, of the items that are held and could not be seen last time: they may come back, and be
        elsewhere by then.
        """


class DeliverySource(_Connector):
    """Brings the work items of scopes; the engine mirrors them.

    `mirror` is set by the engine before `pull` and may be read from any thread. None: nothing is kept, so that a cursor
    which counts on it means nothing.
    """

    mirror: Mirrored | None = None

    @abstractmethod
    def pull(self, scopes: Mapping[str, Any], cursor: str | None, now: datetime) -> Iterator[Page]:
        """Yield pages for all scopes (ref → Query). `cursor` None: everything, every container's members whole. Else:
        what changed since, and for what may have left either the whole membership of its container or where it is
        `placed` now.

        The engine keeps nothing of a page in memory. Raises SourceError when the whole source failed; pages yielded
        before that are discarded by the engine.
        """

    @abstractmethod
    def look_up(self, ids: frozenset[str], known: Mapping[str, WorkItem]) -> LookUp:
        """Return what became of items that left or turned up unseen. `known` holds their last mirrored state."""

    def past(self, items: Mapping[str, WorkItem], since: datetime, now: datetime) -> Iterator[tuple[Transition, ...]]:
        """Yield in pieces what happened to `items` (id → mirrored state) in [since, now], in any order.

        Every change of state, resolution, points, parent and container is there; an item of which nothing is yielded
        did not change. Only asked where `HISTORY` is true. Raises SourceError when the whole source failed.
        """
        raise NotImplementedError(f"{self.kind} keeps no history")
