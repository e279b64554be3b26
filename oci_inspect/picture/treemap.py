"""A still map of a plot: both sides next to each other, folders in folders, all of it rectangles.

Inside a folder, and between the two sides, areas are in proportion to bytes. Folders have a strip
for their name and an edge where there is room, so that areas of different folders compare only
roughly. Nothing is lost: what is too small to be seen is one tile a folder, with their number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

from oci_inspect.picture.pieces import Kind
from oci_inspect.picture.plot import Leaf, Plot
from oci_inspect.picture.squarify import Rect, squarify


class Tile(NamedTuple):
    """A rectangle of the map; of a folder whose content is drawn, ``inside`` is where.

    ``side`` is 0 or 1. ``depth`` counts from 0, the folder that is a whole side, whose ``name`` and
    ``path`` are empty. A ``name`` may span folders that have nothing else in them (``usr/share``).
    ``size`` is in bytes, ``paths`` are those that are no folders, on this side. ``layer_index`` and
    ``kind`` are those of most of its bytes. What stands for smaller things has ``is_rest``, the
    path of their folder, and no name.
    """

    rect: Rect
    inside: Rect | None
    side: int
    depth: int
    name: bytes
    path: bytes
    size: int
    paths: int
    layer_index: int
    kind: int
    is_folder: bool
    is_rest: bool

    @property
    def is_open(self) -> bool:
        """Whether tiles of what is in it follow."""
        return self.inside is not None


@dataclass(frozen=True, slots=True)
class Spacing:
    """Lengths, in the unit of the box.

    ``header`` is how high the strip with a folder's name is, ``edge`` what stays free around its
    content, ``gap`` what is between the sides. What would have a smaller area than ``least``
    squared is folded. A folder is not opened that has a side shorter than ``open_from``, or nothing
    in it as large as ``largest`` squared: many small tiles say less than one with a name.
    """

    header: float = 18.0
    edge: float = 2.0
    gap: float = 10.0
    least: float = 11.0
    open_from: float = 30.0
    largest: float = 0.0


class _Item(NamedTuple):
    """Something in a folder, before it has a place; ``plot`` where it is a folder."""

    size: int
    name: bytes
    paths: int
    layer_index: int
    kind: int
    plot: Plot | None


def treemap(
    plot: Plot, kinds: Sequence[Kind], box: Rect, spacing: Spacing | None = None, most: int = 400
) -> list[Tile]:
    """The tiles of a map in ``box``, each folder before what is in it; about ``most`` at most.

    The sides stand next to each other, the first on the left, or above where the box is higher than
    wide. A side without bytes takes no room, and what has none has no tile. Each layer and kind is
    that of most bytes. The largest folders are opened first, until there are enough tiles.
    """
    spacing = spacing or Spacing()
    found: list[Tile] = []
    waiting: list[tuple[float, int, Tile, Plot]] = []
    for side, rect in _sides(plot.sums, box, spacing.gap):
        layer, kind = _most_of([plot], [], kinds, side)
        size, count = plot.sums[side], plot.counts[side]
        tile = Tile(rect, None, side, 0, b"", b"", size, count, layer, kind, True, False)
        _wait(waiting, found, tile, plot)
    while waiting:
        _, place, tile, folder = heappop(waiting)
        room = most - len(found)
        items = _items(folder, kinds, tile.side)
        inside = _inside(tile.rect, spacing)
        if room < 2 or (tile.depth and min(tile.rect.width, tile.rect.height) < spacing.open_from):
            continue
        shown, rest = _fold(folder, items, inside, spacing.least, room, kinds, tile.side)
        share = shown[0].size / folder.sums[tile.side] if shown else 0.0
        if tile.depth and share * inside.width * inside.height < max(1.0, spacing.largest**2):
            continue
        found[place] = tile._replace(inside=inside)
        if rest is not None:
            shown.append(rest)
            shown.sort(key=lambda item: -item.size)
        rects = squarify([item.size for item in shown], inside)
        for item, rect in zip(shown, rects, strict=True):
            is_rest = item is rest
            path = tile.path + b"/" + item.name if tile.path and item.name else tile.path
            below = Tile(
                rect, None, tile.side, tile.depth + 1, item.name, path or item.name,
                item.size, item.paths, item.layer_index, item.kind, item.plot is not None, is_rest,
            )  # fmt: skip
            if item.plot is None:
                found.append(below)
            else:
                _wait(waiting, found, below, item.plot)
    return found


def _wait(
    waiting: list[tuple[float, int, Tile, Plot]], found: list[Tile], tile: Tile, plot: Plot
) -> None:
    heappush(waiting, (-tile.rect.width * tile.rect.height, len(found), tile, plot))
    found.append(tile)


def _sides(sums: Sequence[int], box: Rect, gap: float) -> list[tuple[int, Rect]]:
    """Where each side is that has bytes."""
    filled = [side for side in (0, 1) if sums[side] > 0]
    if len(filled) < 2:
        return [(side, box) for side in filled]
    along = max(box.width, box.height)
    gap = min(gap, along / 10)
    first = (along - gap) * sums[0] / (sums[0] + sums[1])
    if box.height > box.width:
        rest = Rect(box.x, box.y + first + gap, box.width, box.height - first - gap)
        return [(0, Rect(box.x, box.y, box.width, first)), (1, rest)]
    rest = Rect(box.x + first + gap, box.y, box.width - first - gap, box.height)
    return [(0, Rect(box.x, box.y, first, box.height)), (1, rest)]


def _inside(rect: Rect, spacing: Spacing) -> Rect:
    """Where a folder's content goes: below the strip, and within the edge, where there is room."""
    roomy = rect.height >= 2.5 * spacing.header and rect.width >= 2 * spacing.header
    top = spacing.header if roomy else 0.0
    edge = spacing.edge if min(rect.width, rect.height) >= 8 * spacing.edge else 0.0
    height = rect.height - max(top, edge) - edge
    return Rect(rect.x + edge, rect.y + max(top, edge), rect.width - 2 * edge, height)


def _items(folder: Plot, kinds: Sequence[Kind], side: int) -> list[_Item]:
    """What a folder has on a side, the largest first, but for what the plot folded already."""
    items = [
        _Item(leaf.size, leaf.name, 1, leaf.layer_index, leaf.kind, None)
        for leaf in folder.leaves
        if leaf.size > 0 and kinds[leaf.kind].side == side
    ]
    for one in folder.folders.values():
        if one.sums[side] > 0:
            name, inner = _chain(one, kinds, side)
            items.append(_Item(inner.sums[side], name, inner.counts[side], -1, -1, inner))
    items.sort(key=lambda item: (-item.size, item.name, item.layer_index, item.kind))
    return items


def _chain(folder: Plot, kinds: Sequence[Kind], side: int) -> tuple[bytes, Plot]:
    """The innermost of folders that have nothing but each other in them, and all their names."""
    names = [folder.name]
    while True:
        below = [one for one in folder.folders.values() if one.sums[side] > 0]
        if len(below) != 1 or below[0].sums[side] < folder.sums[side]:
            return b"/".join(names), folder
        if below[0].counts[side] < folder.counts[side]:
            return b"/".join(names), folder
        folder = below[0]
        names.append(folder.name)


def _fold(
    folder: Plot,
    items: Sequence[_Item],
    inside: Rect,
    least: float,
    room: int,
    kinds: Sequence[Kind],
    side: int,
) -> tuple[list[_Item], _Item | None]:
    """What is shown of a folder, with layers and kinds, and one item for all else."""
    whole = folder.sums[side]
    area = inside.width * inside.height
    shown: list[_Item] = []
    for item in items[: room - 1]:
        if item.size * area < least * least * whole:
            break
        shown.append(item)
    left = items[len(shown) :]
    if len(left) == 1 and left[0].plot is None and left[0].size == whole - sum(i[0] for i in shown):
        shown, left = [*shown, left[0]], []  # one alone need not be called smaller things
    shown = [_told(item, kinds, side) for item in shown]
    size = whole - sum(item.size for item in shown)
    count = folder.counts[side] - sum(item.paths for item in shown)
    if size <= 0:
        return shown, None
    plots = [item.plot for item in left if item.plot is not None]
    leaves = [Leaf(i.name, i.size, i.layer_index, i.kind, 0) for i in left if i.plot is None]
    layer, kind = _most_of(plots, leaves, kinds, side, folder)
    return shown, _Item(size, b"", count, layer, kind, None)


def _told(item: _Item, kinds: Sequence[Kind], side: int) -> _Item:
    if item.plot is None:
        return item
    layer, kind = _most_of([item.plot], [], kinds, side)
    return item._replace(layer_index=layer, kind=kind)


def _most_of(
    plots: Sequence[Plot],
    leaves: Sequence[Leaf],
    kinds: Sequence[Kind],
    side: int,
    folded: Plot | None = None,
) -> tuple[int, int]:
    """The layer and the kind of most bytes, in folders with all below them and in single files."""
    layers: Counter[int] = Counter()
    by_kind: Counter[int] = Counter()

    def add(layer: int, kind: int, size: int) -> None:
        if kinds[kind].side == side:
            layers[layer] += size
            by_kind[kind] += size

    for leaf in leaves:
        add(leaf.layer_index, leaf.kind, leaf.size)
    if folded is not None:
        for rest in folded.rests:
            add(rest.layer_index, rest.kind, rest.size)
    stack = list(plots)
    while stack:
        plot = stack.pop()
        for leaf in plot.leaves:
            add(leaf.layer_index, leaf.kind, leaf.size)
        for rest in plot.rests:
            add(rest.layer_index, rest.kind, rest.size)
        stack += plot.folders.values()
    return _first_most(layers), _first_most(by_kind)


def _first_most(counter: Counter[int]) -> int:
    return max(counter, key=lambda key: (counter[key], -key), default=-1)
