"""Answers about three scopes of one tracker, with items and containers anywhere and of any sort."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from hypothesis import strategies as st

from okr_sync.core.facts import Collected, Container, ContainerKind, ItemKind, ItemState, Members, Miss
from tests.store.builders import HOUR, NOW, epic, item, pulled

DAY = 24 * HOUR
SCOPES = ("a/1", "a/2", "b/1")


@st.composite
def worlds(draw: st.DrawFn) -> Collected:
    """Return an answer about three scopes, with items and containers anywhere and of any sort."""
    hours = st.integers(0, 24 * 80)
    ids = [str(number) for number in range(draw(st.integers(0, 9)))]
    held = {name: draw(st.frozensets(st.sampled_from([*ids, "x"]), max_size=4)) for name in ("e1", "e2", "e3", "e4")}
    if draw(st.booleans()):  # a site where each stands in one place, as they mostly do
        held = {name: frozenset(ids[place::4]) for place, name in enumerate(held)}
    items = []
    for id_ in ids:
        state = draw(st.sampled_from(get_args(ItemState)))
        ended = NOW - draw(hours) * HOUR if state == "done" and draw(st.booleans()) else None
        one = replace(item(id_, state=state), kind=draw(st.sampled_from(get_args(ItemKind))), done_at=ended)
        resolution = draw(st.sampled_from([None, "Fixed", "Won’t Do"]))
        items.append(replace(one, resolution=resolution, created=draw(st.sampled_from([None, NOW - 90 * DAY, NOW]))))
    containers = tuple(_container(draw, name) for name in held if draw(st.integers(0, 9)))
    places = st.sampled_from([("e1",), ("e2",), ("e1", "e2"), ("e3", "e4"), ()])
    answered = {ref: draw(places) for ref in SCOPES if draw(st.integers(0, 9))}
    misses = {ref: Miss("gone", "it is gone") for ref in SCOPES if not draw(st.integers(0, 5))}
    members = tuple(Members(name, some, whole=True) for name, some in held.items())
    brought = replace(pulled(*items), containers=containers, members=members, scopes=answered, misses=misses)
    return replace(brought, hidden=frozenset(ids[:1]) if not draw(st.integers(0, 3)) else frozenset())


def _container(draw: st.DrawFn, name: str) -> Container:
    kind = draw(st.sampled_from(get_args(ContainerKind)))
    return replace(epic(name), kind=kind, state=draw(st.sampled_from(get_args(ItemState))))
