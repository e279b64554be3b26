"""What fuzzing found: sums that were off by a piece, and rectangles beyond their frame."""

from __future__ import annotations

import pytest

from oci_inspect.layer.entries import FILE
from oci_inspect.picture.pieces import IMAGE_KINDS, Piece
from oci_inspect.picture.plot import plant
from oci_inspect.picture.squarify import Rect, squarify

SHADOWED = 6


@pytest.mark.parametrize("room", range(0, 120, 3))
def test_pieces_that_are_the_same_in_everything_are_each_kept_or_counted(room: int) -> None:
    """A layer that has a path four times, each time as large: three dead files, all alike."""
    pieces = [Piece(b"a", 7, 0, SHADOWED, FILE)] * 3 + [Piece(b"a", 7, 0, 0, FILE)]
    root = plant(lambda: pieces, IMAGE_KINDS, room)
    assert (root.sums, root.counts) == ([7, 21], [1, 3])
    assert len(root.leaves) + sum(one.paths for one in root.rests) == 4
    assert sum(one.size for one in (*root.leaves, *root.rests)) == 28


@pytest.mark.parametrize(
    ("sizes", "frame"),
    [
        ([506310288128460165, 835, 13], Rect(0.0, 0.0, 14134.0, 14648.0)),
        ([2**61, 2**60, 2**59 + 1, 6681, 337, *[145] * 9, 28, 5], Rect(0.0, 0.0, 17411.0, 258.0)),
    ],
)
def test_sliver_of_a_rectangle_stays_inside(sizes: list[int], frame: Rect) -> None:
    """A few bytes beside an exabyte: what is left for them must not be an error of rounding."""
    for rect in squarify(sizes, frame):
        assert 0 <= rect.x + rect.width <= frame.width * (1 + 1e-9)
        assert 0 <= rect.y + rect.height <= frame.height * (1 + 1e-9)
