"""Lets a person accept an answer that is not believed yet, and asks the sources again at once."""

from __future__ import annotations

from okr_sync.config import Config
from okr_sync.core.definition import initiatives_of, metrics_of
from okr_sync.errors import UsageError
from okr_sync.registry import Registry
from okr_sync.store.database import Store
from okr_sync.store.suspicions import accept, load_suspicions
from okr_sync.sync.checking_in import find_key_result
from okr_sync.sync.freezing import frozen_at, why_skipped
from okr_sync.sync.run import RunReport, World, sync


def confirm(  # noqa: PLR0917 -- in the order in which one says it
    store: Store,
    config: Config,
    world: World,
    wanted: str,
    author: str,
    reason: str,
    *,
    registry: Registry | None = None,
) -> RunReport:
    """Keep that a person accepts what is suspect about a key result or initiative, sync, and return what that changed.

    An answer that says something else than what was accepted is not applied by that. Raises UsageError for an unknown
    id, a closed key result, a blank reason, and when nothing is suspect about it; else what `sync` raises.
    """
    if not reason.strip():
        raise UsageError("a number that is accepted by hand is audited: say why with --reason")
    subjects = _subjects(store, config, world, wanted)
    with store.writing() as session:
        pending = load_suspicions(session, subjects)
        if not pending:
            raise UsageError(f"nothing about {wanted} is suspect; `okr-sync explain {wanted}` shows its numbers")
        accept(session, world.clock(), pending.values(), author, reason)
    return sync(store, config, world, trigger="confirm", author=author, registry=registry)


def _subjects(store: Store, config: Config, world: World, wanted: str) -> frozenset[str]:
    """Return the metrics and scopes that a key result or an initiative rests on."""
    scopes = {each.id: {scope.ref for scope in each.scopes} for each in config.book.initiatives}
    if wanted in scopes:
        return frozenset(scopes[wanted])
    key_result = find_key_result(config, wanted)
    with store.reading() as session:
        why = why_skipped(config.book, frozen_at(session, config.book, world.clock())).get(wanted)
    if why is not None:
        raise UsageError(f"the numbers of {wanted} stay: {why}; `okr-sync reopen` opens a closed cycle")
    measure = key_result.measure
    return frozenset(metrics_of(measure)).union(*(scopes.get(name, ()) for name in initiatives_of(measure)))
