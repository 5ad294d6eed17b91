"""Captures the baselines of one key result anew: the one way in which a frozen baseline moves."""

from __future__ import annotations

from okr_sync.config import Config
from okr_sync.core.capturing import wanted_baselines
from okr_sync.errors import UsageError
from okr_sync.registry import Registry
from okr_sync.store.database import Store
from okr_sync.sync.baselines import Again
from okr_sync.sync.checking_in import find_key_result
from okr_sync.sync.freezing import frozen_at, why_skipped
from okr_sync.sync.run import RunReport, World, sync


def recapture(  # noqa: PLR0917 -- in the order in which one says it
    store: Store,
    config: Config,
    world: World,
    wanted: str,
    author: str,
    reason: str,
    *,
    registry: Registry | None = None,
) -> RunReport:
    """Ask the sources of the key result's metrics, take its baselines anew, and judge; return what that changed.

    Where nothing can be captured, the old ones stay. Raises UsageError for an unknown key result, one whose baselines
    are written and not captured, one that has not begun or is closed, and for a blank reason; else what `sync` raises.
    """
    key_result, now = find_key_result(config, wanted), world.clock()
    if not wanted_baselines(key_result):
        raise UsageError(f"{wanted} captures no baseline; its config says the number, or `baseline: capture`")
    if not reason.strip():
        raise UsageError("a baseline that moves is audited: say why with --reason")
    if now < key_result.start:
        raise UsageError(f"{wanted} has not begun: its baseline is captured at its start, by the next sync after that")
    with store.reading() as session:
        why = why_skipped(config.book, frozen_at(session, config.book, now)).get(wanted)
    if why is not None:
        raise UsageError(f"the baseline of {wanted} stays: {why}; `okr-sync reopen` opens a closed cycle")
    return sync(
        store, config, world, trigger="recapture", author=author, again=Again(wanted, reason), registry=registry
    )
