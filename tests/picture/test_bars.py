"""The bar of layers: worked out by hand, and what holds for any layers."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from oci_inspect.picture.bars import Segment, bar_segments


def test_widths_are_in_proportion_to_bytes():
    assert bar_segments([10, 30, 60], [0, 15, 60], 200, 2) == [
        Segment(0, 20, 0),
        Segment(20, 60, 30),
        Segment(80, 120, 120),
    ]


def test_a_small_layer_is_as_wide_as_the_least_and_the_others_share_the_rest():
    # 1 of 1,000 bytes would be 0.1 of 100; it gets 4, and 999 : 0 : 999 of the other 96.
    assert bar_segments([999, 1, 0, 999], [0, 0, 0, 0], 100, 4) == [
        Segment(0, 48, 0),
        Segment(48, 4, 0),
        Segment(52, 0, 0),
        Segment(52, 48, 0),
    ]


def test_one_that_only_falls_below_the_least_because_of_another_gets_it_too():
    # In proportion 12 of 120 would be 10 of 100, just enough; the four ones take 40 of the room.
    assert [one.width for one in bar_segments([12, 1, 1, 1, 1, 104], [0] * 6, 100, 10)] == [
        10, 10, 10, 10, 10, 50,
    ]  # fmt: skip


def test_more_layers_than_there_is_room_for_share_it_evenly():
    found = bar_segments([1] * 499 + [10**12], [0] * 500, 1000, 10)
    assert [one.width for one in found] == [2] * 500


def test_layers_without_bytes_have_no_width():
    assert bar_segments([0, 0], [0, 0], 100, 5) == [Segment(0, 0, 0), Segment(0, 0, 0)]
    assert bar_segments([], [], 100, 5) == []


def test_a_byte_of_the_dead_is_seen_and_so_is_a_byte_of_the_living():
    assert bar_segments([10**9], [1], 100, 1)[0].dead == 1
    assert bar_segments([10**9], [10**9 - 1], 100, 1)[0].dead == 99
    assert bar_segments([10**9], [10**9], 100, 1)[0].dead == 100


LAYERS = st.lists(
    st.one_of(
        st.just((0, 0)),
        st.integers(1, 10**13).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
        st.integers(1, 50).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    ),
    max_size=60,
)


@given(layers=LAYERS, width=st.integers(1, 90_000), least=st.integers(0, 500))
def test_whatever_the_layers_the_bar_is_filled_in_order_and_none_is_lost(layers, width, least):
    sizes, dead = [one[0] for one in layers], [one[1] for one in layers]
    found = bar_segments(sizes, dead, width, least)
    assert len(found) == len(layers)
    x = 0
    for one in found:
        assert one.x == x
        x += one.width
    filled = sum(size > 0 for size in sizes)
    assert x == (width if filled else 0)
    least = min(least, width // filled) if filled else 0
    for size, gone, one in zip(sizes, dead, found, strict=True):
        assert one.width >= least if size else one.width == 0
        assert 0 <= one.dead <= one.width
        if gone == size:
            assert one.dead == one.width
        if gone == 0:
            assert one.dead == 0
        if 0 < gone < size and one.width >= 2:
            assert 0 < one.dead < one.width


@given(layers=LAYERS, width=st.integers(100, 90_000), least=st.integers(0, 500))
def test_those_above_the_least_are_in_proportion_to_each_other(layers, width, least):
    sizes = [one[0] for one in layers]
    found = bar_segments(sizes, [0] * len(sizes), width, least)
    filled = sum(size > 0 for size in sizes)
    if not filled:
        return
    least = min(least, width // filled)
    wide = [(size, one.width) for size, one in zip(sizes, found, strict=True) if size]
    free = [(size, part) for size, part in wide if part > least + 1]
    for size, part in free:
        for other, its in free:
            exact = Fraction(size, other) * its
            # Each width is off by one unit at most.
            assert abs(part - exact) <= 1 + Fraction(size, other)
    # A larger layer is never narrower, but for the rounding.
    wide.sort()
    assert all(b >= a - 1 for (_, a), (_, b) in pairwise(wide))
