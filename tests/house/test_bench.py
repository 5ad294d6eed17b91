"""The bench of the evaluation judges what it says it does."""

from __future__ import annotations

from okr_sync.core.evaluate import evaluate
from okr_sync.core.measures import KINDS as ALL_KINDS
from tests.bench.evaluation import KINDS, build


def test_every_kind_is_measured_and_has_a_number() -> None:
    world = build(2 * len(KINDS), 30)
    states = evaluate(world.book, world.history, world.now).key_results
    assert sorted(KINDS) == sorted(ALL_KINDS.values())
    assert sorted({state.kind for state in states}) == sorted(KINDS)
    assert [state.id for state in states if state.progress is None] == []
    assert all(len(facts.readings) == 30 for facts in world.history.metrics.values())
