"""Rectangles of given areas, that fill another."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oci_inspect.picture.squarify import Rect, squarify

SIZES = st.lists(st.integers(1, 10**6), min_size=1, max_size=40).map(
    lambda sizes: sorted(sizes, reverse=True)
)
SIDES = st.floats(1, 5000)
BOXES = st.builds(Rect, st.floats(-100, 100), st.floats(-100, 100), SIDES, SIDES)


@given(SIZES, BOXES)
def test_areas_are_in_proportion_and_the_order_is_kept(sizes, box):
    found = squarify(sizes, box)
    assert len(found) == len(sizes)
    scale = box.width * box.height / sum(sizes)
    for size, rect in zip(sizes, found, strict=True):
        assert rect.width * rect.height == pytest.approx(size * scale, rel=1e-6)


@given(SIZES, BOXES)
def test_all_lie_inside(sizes, box):
    slack = 1e-6 * (box.width + box.height)
    for rect in squarify(sizes, box):
        assert rect.x >= box.x - slack
        assert rect.y >= box.y - slack
        assert rect.x + rect.width <= box.x + box.width + slack
        assert rect.y + rect.height <= box.y + box.height + slack


@given(SIZES, BOXES)
def test_none_lies_upon_another(sizes, box):
    slack = 1e-6 * (box.width + box.height)
    found = squarify(sizes, box)
    for i, one in enumerate(found):
        for other in found[i + 1 :]:
            wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
            high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
            assert wide <= slack or high <= slack


def test_the_example_of_the_paper():
    """Bruls, Huizing and van Wijk, figure 4: 6, 6, 4, 3, 2, 2, 1 in a box of 6 by 4."""
    found = squarify([6, 6, 4, 3, 2, 2, 1], Rect(0, 0, 6, 4))
    expected = [
        (0, 0, 3, 2),
        (0, 2, 3, 2),
        (3, 0, 12 / 7, 7 / 3),
        (3 + 12 / 7, 0, 9 / 7, 7 / 3),
        (3, 7 / 3, 6 / 5, 5 / 3),
        (4.2, 7 / 3, 6 / 5, 5 / 3),
        (5.4, 7 / 3, 3 / 5, 5 / 3),
    ]
    for rect, wanted in zip(found, expected, strict=True):
        assert rect == pytest.approx(wanted)


def test_equal_sizes_in_a_square_are_squares():
    for count in (4, 9, 16):
        for rect in squarify([1] * count, Rect(0, 0, 100, 100)):
            assert rect.width == pytest.approx(100 / count**0.5)
            assert rect.height == pytest.approx(rect.width)


def test_halving_sizes_stay_near_squares():
    found = squarify([2**i for i in range(20, 0, -1)], Rect(0, 0, 800, 600))
    assert max(max(r.width / r.height, r.height / r.width) for r in found) < 3


@pytest.mark.parametrize("box", [Rect(1, 2, 0, 5), Rect(1, 2, 5, 0), Rect(1, 2, 0, 0)])
def test_where_there_is_no_room_each_has_its_rectangle(box):
    assert squarify([3, 2, 1], box) == [Rect(1, 2, 0, 0)] * 3


def test_nothing_is_nothing():
    assert squarify([], Rect(0, 0, 5, 5)) == []


def test_sizes_of_very_different_kinds():
    found = squarify([10**15, 1], Rect(0, 0, 1000, 1000))
    assert found[0].width * found[0].height == pytest.approx(10**6)
    for one, other in pairwise(found):
        assert one.x + one.width <= other.x + 1e-6 or one.y + one.height <= other.y + 1e-6
