"""How much GitHub is asked for at once after it ran out of time: laws for any ceiling and outage."""

from __future__ import annotations

from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from connectors.github_sizes import Sizes

MOST = 100


def drive(sizes: Sizes, total: int, bears: int, outage: int = 0) -> tuple[int, int]:
    """Ask for `total` of a server that bears `bears` at once, after `outage` refusals of whatever it is asked; return
    how many requests were answered and how many refused.
    """
    left, answered, refused = total, 0, 0
    while left:
        count = min(left, sizes.of("x"))
        if outage > 0 or count > bears:
            outage, refused = outage - 1, refused + 1
            sizes.refused("x", count)
        else:
            left, answered = left - count, answered + 1
            sizes.answered("x", count)
    return answered, refused


@given(st.integers(1, 5000), st.integers(1, MOST))
def test_any_ceiling_is_found_at_the_cost_of_few_refusals(total: int, bears: int) -> None:
    """Twice down from the top at most, then one refusal for every sixteen answers, ever fewer.

    Red with a PATIENCE of 1: every answer is followed by a refusal.
    """
    answered, refused = drive(Sizes({"x": MOST}), total, bears)
    floor = (bears + 1) // 2  # halving, from whatever was asked, ends at half of what is borne, rounded up, or above
    assert answered <= ceil(total / floor) + 1
    assert refused <= 8 + answered / 16


@given(st.integers(1, 5000), st.integers(0, 4))
def test_an_outage_costs_its_refusals_and_little_more(total: int, outage: int) -> None:
    """A server that was down for a moment gets whole questions again at once: 1.2 times the healthy requests and five.

    Red when `answered` doesn't go back to the goal: what follows an outage is asked in small pieces.
    """
    answered, refused = drive(Sizes({"x": MOST}), total, MOST, outage)
    assert answered + refused <= 1.2 * ceil(total / MOST) + 5


@given(st.integers(200, 5000), st.integers(1, 50))
def test_what_was_learnt_spares_the_way_down(total: int, bears: int) -> None:
    """The next process begins with the size that worked.

    Red when `recall` does nothing.
    """
    first, second = Sizes({"x": MOST}), Sizes({"x": MOST})
    drive(first, total, bears)
    second.recall(first.learnt())
    assert 1 <= second.of("x") <= bears
    _, refused = drive(second, 2 * bears, bears)
    assert refused <= 1


@given(st.integers(1, 50))
def test_a_ceiling_that_was_lifted_is_noticed(bears: int) -> None:
    """After enough answers twice as much is tried, up to the most."""
    sizes = Sizes({"x": MOST})
    drive(sizes, 1000, bears)
    drive(sizes, 60 * MOST, MOST)
    assert sizes.of("x") == MOST
    assert sizes.learnt() == {}


def test_sizes_of_another_version_are_left_alone() -> None:
    """Only known kinds and sizes below the most are taken from a cursor."""
    sizes = Sizes({"x": MOST})
    sizes.recall({"x": 0, "y": 3})
    sizes.recall({"x": 1000})
    assert sizes.of("x") == MOST


def test_late_answers_to_larger_questions_change_nothing() -> None:
    """Many threads ask at once: nine more refusals of the first size halve it once, and don't after it settled."""
    sizes = Sizes({"x": MOST})
    for _ in range(10):
        sizes.refused("x", 100)
    assert sizes.of("x") == 50
    sizes.answered("x", 50)
    for _ in range(10):
        sizes.refused("x", 100)
    assert sizes.of("x") == 50
