"""Work counted by numbers: the same as counted item by item, wherever numbers are all that matters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from okr_sync.core.delivery import deliver_works, is_tallied
from okr_sync.core.evaluate import evaluate
from okr_sync.core.facts import Alike, ItemKind, ItemState, Miss, ScopeFacts, Tally, WorkItem
from okr_sync.core.model import IncludedItems
from tests.core.builders import HALF, book, day, history, initiative, item, scope, source

KINDS: tuple[ItemKind, ...] = get_args(ItemKind)
STATES: tuple[ItemState, ...] = get_args(ItemState)


def tally(facts: ScopeFacts) -> Tally:
    """Return the items of a scope as numbers."""
    sorts: dict[tuple[ItemKind, ItemState, str | None], list[WorkItem]] = defaultdict(list)
    for each in (one for some in facts.items.values() for one in some):
        sorts[each.kind, each.state, each.resolution].append(each)
    return Tally(facts.ref, tuple(_alike(some) for some in sorts.values()), facts.miss)


def _alike(some: list[WorkItem]) -> Alike:
    created = [each.created for each in some if each.created is not None]
    finished = [each.done_at for each in some if each.state == "done" and each.done_at is not None]
    one = some[0]
    return Alike(one.kind, one.state, one.resolution, len(some), min(created, default=None), tuple(sorted(finished)))


ITEMS = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.sampled_from(STATES),
        st.sampled_from([None, "Fixed", "Duplicate"]),
        st.integers(0, 90),
    ),
    max_size=12,
)


def _items(told: Iterable[tuple[ItemKind, ItemState, str | None, int]], prefix: str) -> list[WorkItem]:
    return [
        item(
            f"{prefix}{number}",
            state,
            kind=kind,
            resolution=resolution,
            created=day(-9),
            done_at=day(done) if done else None,
        )
        for number, (kind, state, resolution, done) in enumerate(told)
    ]


@given(ITEMS, ITEMS, st.sampled_from(get_args(IncludedItems)), st.booleans())
def test_numbers_give_the_same_work_as_items(first: Any, second: Any, include: IncludedItems, missed: bool) -> None:
    miss = Miss("gone", "it is gone") if missed else None
    each = initiative(scopes=2, include=include)
    facts = {"i/1": scope("i/1", _items(first, "a"), miss=miss), "i/2": scope("i/2", _items(second, "b"))}
    by_item = deliver_works([each], facts)["i"]
    by_number = deliver_works([each], {}, {ref: tally(one) for ref, one in facts.items()})["i"]
    assert by_number.state == by_item.state
    assert (by_number.began, by_number.finished) == (by_item.began, by_item.finished)


def test_items_are_read_where_a_scope_has_no_numbers() -> None:
    facts = {"i/1": scope("i/1", [item("1")]), "i/2": scope("i/2", [item("2")])}
    known = {"i/1": tally(facts["i/1"])}
    assert deliver_works([initiative(scopes=2)], facts, known)["i"].counted.keys() == {
        ("tracker", "1"),
        ("tracker", "2"),
    }


def test_items_are_read_where_they_differ_in_weight() -> None:
    facts = {"i/1": scope("i/1", [item("1", "done", 3.0), item("2", "open", 1.0)])}
    ways: list[dict[str, Any]] = [{"weight_by": "points"}, {"unit": "leaf"}, {"containers": "mean"}]
    for way in ways:
        each = initiative(**way)
        assert not is_tallied(each)
        assert deliver_works([each], facts, {"i/1": tally(facts["i/1"])})["i"].counted


class Unread(Mapping[str, ScopeFacts]):
    """Scopes of which none may be read."""

    def __getitem__(self, ref: str) -> ScopeFacts:
        raise AssertionError(ref)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def test_items_of_counted_scopes_are_not_read_when_their_source_fails() -> None:
    """Seen red with the look at the tallies in `explain_silence` removed."""
    counted = {"i/1": tally(scope("i/1", [item("1", "done"), item("2")]))}
    failing = {"tracker": source("tracker", day(0), error="it is down")}
    known = replace(history(HALF, sources=failing), scopes=Unread(), tallies=counted)
    assert evaluate(book(initiatives=(initiative(),)), known, HALF).initiatives[0].progress == 0.5
