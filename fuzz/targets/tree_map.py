"""The picture of an image: whatever the room, no byte and no path is lost; areas are as wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from fuzz.choices import Choices
from fuzz.target import Target, check, same
from oci_inspect.layer.entries import DIRECTORY, FILE
from oci_inspect.picture.pieces import IMAGE_KINDS, Piece
from oci_inspect.picture.plot import Plot, plant
from oci_inspect.picture.squarify import Rect, squarify


def pieces_of(choices: Choices) -> list[Piece]:
    """Paths of an image, folders among them; a name is never both."""
    found = []
    for _ in range(choices.below(40)):
        if not choices.left:
            break
        depth = choices.below(5)
        parts = [b"d%d" % choices.below(3) for _ in range(depth)]
        kind = choices.below(len(IMAGE_KINDS))
        if choices.below(5) == 0:
            found.append(Piece(b"/".join([*parts, b"d%d" % choices.below(3)]), 0, 0, 0, DIRECTORY))
        else:
            name = b"f%d" % choices.below(20) * (1 + choices.below(3))
            found.append(
                Piece(b"/".join([*parts, name]), choices.size() >> 2, choices.below(4), kind, FILE)
            )
    return found


def run(data: bytes) -> None:
    """Plant pieces in some room; then cut a rectangle by their sizes."""
    choices = Choices(data)
    room = choices.number(2)
    pieces = pieces_of(choices)
    root = plant(lambda: pieces, IMAGE_KINDS, room)
    sums, counts = [0, 0], [0, 0]
    for one in pieces:
        if one.type != DIRECTORY or one.size:
            sums[IMAGE_KINDS[one.kind].side] += one.size
            counts[IMAGE_KINDS[one.kind].side] += 1
    same(root.sums, sums, "bytes of the root")
    same(root.counts, counts, "paths of the root")
    for plot, _ in root.walk():
        _adds_up(plot)
    leaves = Counter(
        (leaf.size, leaf.layer_index, leaf.kind) for plot, _ in root.walk() for leaf in plot.leaves
    )
    check(not leaves - Counter((one.size, one.layer_index, one.kind) for one in pieces), "leaves")
    _cut(sorted((one.size for one in pieces if one.size), reverse=True), choices)


def _adds_up(plot: Plot) -> None:
    """A folder is its leaves, its folders and its rest, on each side."""
    sums, counts = [0, 0], [0, 0]
    for leaf in plot.leaves:
        sums[IMAGE_KINDS[leaf.kind].side] += leaf.size
        counts[IMAGE_KINDS[leaf.kind].side] += 1
    for rest in plot.rests:
        sums[IMAGE_KINDS[rest.kind].side] += rest.size
        counts[IMAGE_KINDS[rest.kind].side] += rest.paths
    for below in plot.folders.values():
        for side in (0, 1):
            sums[side] += below.sums[side]
            counts[side] += below.counts[side]
    same((plot.sums, plot.counts), (sums, counts), f"folder {plot.name!r}")


def _cut(sizes: list[int], choices: Choices) -> None:
    inside = Rect(0.0, 0.0, float(choices.number(2)), float(choices.number(2)))
    found = squarify(sizes, inside)
    same(len(found), len(sizes), "rectangles")
    total, area = sum(sizes), inside.width * inside.height
    slack = 1e-6 * (1 + inside.width + inside.height)
    for size, one in zip(sizes, found, strict=True):
        check(one.width >= -slack and one.height >= -slack, f"{one}")
        check(one.x + one.width <= inside.width + slack, f"{one} beyond {inside}")
        check(one.y + one.height <= inside.height + slack, f"{one} beyond {inside}")
        if area:
            wanted = area * size / total
            check(abs(one.width * one.height - wanted) <= 1e-6 * area + 1e-9, f"{one} for {wanted}")


def seeds() -> Iterable[bytes]:
    """Bytes that make some pieces each."""
    yield bytes(range(120))
    yield b"\xff\x10" + bytes(range(255, 60, -1))
    yield b"\x40\x00\x27" + b"\x02\x01\x02\x01\x01\x05\x00\x03\x44" * 20


TARGETS = (Target("tree_map", run, seeds, most=600),)
