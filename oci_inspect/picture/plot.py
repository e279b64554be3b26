"""Pieces put into folders, and what is small folded together, so that a picture stays small.

What is kept is the largest: piece by piece, each with the folders above it, until the room is full.
What is left is counted where it lies, in the innermost folder that was kept. So no byte is lost,
whatever the room.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import nlargest
from typing import NamedTuple

from oci_inspect.layer.entries import DIRECTORY
from oci_inspect.picture.pieces import Kind, Piece

FOLDER_COST = 40
GROUP_COST = 24
LEAF_COST = 2
LEAST_COST = LEAF_COST + 2
"""What stands around the name of a folder, around paths of one sort in it, and around each."""


class Leaf(NamedTuple):
    """One path in its folder, under its own name; see :class:`Piece`."""

    name: bytes
    size: int
    layer_index: int
    kind: int
    type: int


class Rest(NamedTuple):
    """Smaller things of one kind in a folder, or below it: how many, and their bytes.

    ``layer_index`` is the layer that has most of their bytes.
    """

    kind: int
    layer_index: int
    paths: int
    size: int


class Plot:
    """A folder: what is in it, and the bytes on each side of the picture, all below it included.

    ``counts`` are the paths below it that are no folders, on each side. ``leaves`` and the children
    of ``sorted_folders`` are the largest first.
    """

    __slots__ = ("_rests", "_sorts", "counts", "folders", "leaves", "name", "sums")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.sums = [0, 0]
        self.counts = [0, 0]
        self.folders: dict[bytes, Plot] = {}
        self.leaves: list[Leaf] = []
        self._sorts: set[tuple[int, int, int]] = set()
        self._rests: dict[int, dict[int, list[int]]] = {}

    @property
    def size(self) -> int:
        """The bytes of both sides."""
        return self.sums[0] + self.sums[1]

    @property
    def rests(self) -> list[Rest]:
        """What was folded, a kind each."""
        found = []
        for kind, layers in sorted(self._rests.items()):
            most = max(layers, key=lambda layer: (layers[layer][1], layers[layer][0], -layer))
            paths = sum(one[0] for one in layers.values())
            size = sum(one[1] for one in layers.values())
            found.append(Rest(kind, most, paths, size))
        return found

    def sorted_folders(self) -> list[Plot]:
        """The folders in it, the largest first."""
        return sorted(self.folders.values(), key=lambda one: (-one.size, one.name))

    def walk(self) -> Iterator[tuple[Plot, Plot | None]]:
        """Every folder with the one it is in, each before what is in it, the largest first."""
        stack: list[tuple[Plot, Plot | None]] = [(self, None)]
        while stack:
            plot, parent = stack.pop()
            yield plot, parent
            stack += ((below, plot) for below in reversed(plot.sorted_folders()))

    def lookup(self, path: bytes) -> Plot | None:
        """The folder at a path below this one, None where it is not there or was folded."""
        node: Plot | None = self
        for part in path.split(b"/") if path else ():
            node = node.folders.get(part) if node is not None else None
        return node

    def _fold(self, piece: Piece) -> None:
        layers = self._rests.setdefault(piece.kind, {})
        sums = layers.setdefault(piece.layer_index, [0, 0])
        sums[0] += 1
        sums[1] += piece.size


def plant(
    pieces: Callable[[], Iterable[Piece]],
    kinds: Sequence[Kind],
    room: int,
    cost: Callable[[bytes], int] = len,
) -> Plot:
    """Put pieces into folders; those that ``room`` is too small for are counted, not kept.

    ``room`` is in the unit of ``cost``, which says what a name takes; what stands around names is
    counted with it. ``pieces`` is asked three times for the same pieces, so that no more of them
    are held than may be kept. Folders are kept where they have something in them that is; an empty
    one where there is room.
    """
    garden = _Garden(kinds, cost)
    sizes = array("q", (one.size for one in pieces()))
    large = _Candidates(pieces(), sizes, room)
    kept = bytearray(len(sizes))
    for number, piece in large.in_order():
        room -= garden.place(piece, room)
        if room < 0:
            break
        kept[number] = 1
    del large, sizes
    for piece, is_kept in zip(pieces(), kept, strict=True):
        garden.count(piece, bool(is_kept))
    return garden.rolled_up()


class _Candidates:
    """The largest pieces that ``room`` can be for; of those of the size where it ends, the first.

    Folders' paths are held once each, however many pieces lie in them.
    """

    def __init__(self, pieces: Iterable[Piece], sizes: array[int], room: int) -> None:
        most, folders = room // LEAST_COST, room // FOLDER_COST
        least, ties = -1, 0
        if len(sizes) > most:
            top = nlargest(most + 1, sizes)
            least = top[-1]
            ties = most - sum(size > least for size in top)
        self._numbers = array("q")
        self._names: list[bytes] = []
        self._folders: list[bytes] = []
        self._facts: list[tuple[int, int, int, int]] = []
        known: dict[bytes, bytes] = {}
        same: dict[tuple[int, int, int, int], tuple[int, int, int, int]] = {}
        for number, piece in enumerate(pieces):
            if piece.size == least and ties:
                ties -= 1
            elif piece.size <= least:
                continue
            if piece.type == DIRECTORY:
                folders -= 1
                if folders < 0:
                    continue
            folder, _, name = piece.path.rpartition(b"/")
            facts = piece[1:]
            self._numbers.append(number)
            self._names.append(name)
            self._folders.append(known.setdefault(folder, folder))
            self._facts.append(facts if piece.size else same.setdefault(facts, facts))

    def in_order(self) -> Iterator[tuple[int, Piece]]:
        """The largest first, then by folder and name; with each the number at which it came."""
        names, folders, facts = self._names, self._folders, self._facts
        order = list(range(len(names)))
        # One after the other: no keys have to be made.
        for column in (3, 2, 1):
            order.sort(key=lambda i, column=column: facts[i][column])  # type: ignore[misc]
        order.sort(key=names.__getitem__)
        order.sort(key=folders.__getitem__)
        order.sort(key=lambda i: facts[i][0], reverse=True)
        for i in order:
            path = folders[i] + b"/" + names[i] if folders[i] else names[i]
            yield self._numbers[i], Piece(path, *facts[i])


class _Garden:
    """The folders that are kept, also by their paths."""

    def __init__(self, kinds: Sequence[Kind], cost: Callable[[bytes], int]) -> None:
        self._root = Plot(b"")
        self._plots = {b"": self._root}
        self._sides = [kind.side for kind in kinds]
        self._cost = cost

    def place(self, piece: Piece, room: int) -> int:
        """Put a piece into its folder where there is room for it; what it costs, in either case."""
        is_folder = piece.type == DIRECTORY
        path, _, name = (piece.path, b"", b"") if is_folder else piece.path.rpartition(b"/")
        plot = self._plots.get(path)
        needed = 0
        missing: list[bytes] = []
        if plot is None:
            _, missing = self._innermost(path)
            needed += sum(FOLDER_COST + self._cost(one) for one in missing)
        if not is_folder:
            needed += LEAF_COST + self._cost(name) + len(str(piece.size))
            needed += GROUP_COST if plot is None or piece[2:] not in plot._sorts else 0
        if needed > room:
            return room + 1
        if plot is None:
            plot = self._make(path)
        if not is_folder:
            plot.leaves.append(Leaf(name, *piece[1:]))
            plot._sorts.add(piece[2:])
        return needed

    def count(self, piece: Piece, kept: bool) -> None:
        """Add a piece to the innermost folder around it that is kept, to its rest if not kept."""
        if piece.type == DIRECTORY:
            return
        path = piece.path.rpartition(b"/")[0]
        plot = self._plots.get(path) or self._innermost(path)[0]
        side = self._sides[piece.kind]
        plot.sums[side] += piece.size
        plot.counts[side] += 1
        if not kept:
            plot._fold(piece)

    def rolled_up(self) -> Plot:
        """The root, once all is counted: each folder with all that is below it."""
        above = [(plot, parent) for plot, parent in self._root.walk() if parent is not None]
        for plot, parent in reversed(above):
            for side in (0, 1):
                parent.sums[side] += plot.sums[side]
                parent.counts[side] += plot.counts[side]
        return self._root

    def _innermost(self, path: bytes) -> tuple[Plot, list[bytes]]:
        """The innermost folder on the way to a path, and the parts of the path behind it."""
        plot = self._root
        parts = path.split(b"/")
        for i, part in enumerate(parts):
            below = plot.folders.get(part)
            if below is None:
                return plot, parts[i:]
            plot = below
        return plot, []

    def _make(self, path: bytes) -> Plot:
        plot, missing = self._innermost(path)
        for part in missing:
            below = plot.folders[part] = Plot(part)
            plot = below
        self._plots[path] = plot
        return plot
