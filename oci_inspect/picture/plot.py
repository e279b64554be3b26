"""Pieces put into folders, and what is small folded together, so that a picture stays small.

What is kept is the largest: piece by piece, each with the folders above it, until the room is full.
What is left is counted where it lies, in the innermost folder that was kept. So no byte is lost,
whatever the room.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import nlargest
from operator import itemgetter
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
    are held than are kept. Folders are kept where they have something in them that is; an empty one
    where there is room.
    """
    sieve = _Sieve((one.size for one in pieces()), room // LEAST_COST)
    large = sieve.largest(pieces())
    for column in (4, 3, 2, 0):
        large.sort(key=itemgetter(column))
    large.sort(key=itemgetter(1), reverse=True)
    root = Plot(b"")
    last = None
    for piece in large:
        room -= _place(root, piece, cost, room)
        if room < 0:
            break
        last = _order(piece)
    del large
    for piece, large_enough in sieve.sort_out(pieces()):
        kept = large_enough and last is not None and _order(piece) <= last
        _count(root, piece, kinds[piece.kind].side, kept)
    return root


def _order(piece: Piece) -> tuple[int, bytes, int, int, int]:
    """The largest first; a folder, which has no bytes of its own, with the rest."""
    return -piece.size, piece.path, piece.layer_index, piece.kind, piece.type


class _Sieve:
    """Lets the ``most`` largest through; of those of the size where it ends, the first that come.

    So it can be asked again for the same pieces, and none has to be held for that.
    """

    def __init__(self, sizes: Iterable[int], most: int) -> None:
        ordered = array("q", sizes)
        self._least, self._ties = -1, 0
        if len(ordered) > most:
            top = nlargest(most + 1, ordered)
            self._least = top[-1]
            self._ties = most - sum(size > self._least for size in top)

    def sort_out(self, pieces: Iterable[Piece]) -> Iterator[tuple[Piece, bool]]:
        """Each piece, and whether it comes through."""
        ties = self._ties
        for piece in pieces:
            large = piece.size > self._least
            if not large and ties and piece.size == self._least:
                large = True
                ties -= 1
            yield piece, large

    def largest(self, pieces: Iterable[Piece]) -> list[Piece]:
        """Those that come through, as they come."""
        return [piece for piece, large in self.sort_out(pieces) if large]


def _place(root: Plot, piece: Piece, cost: Callable[[bytes], int], room: int) -> int:
    """Put a piece into its folder where there is room for it; what it costs, in either case."""
    parts = piece.path.split(b"/")
    folders = parts if piece.type == DIRECTORY else parts[:-1]
    node: Plot | None = root
    sort = piece[2:]
    needed = 0
    for i, part in enumerate(folders):
        below = node.folders.get(part) if node is not None else None
        if below is None:
            needed += sum(FOLDER_COST + cost(one) for one in folders[i:])
            node = None
            break
        node = below
    if piece.type != DIRECTORY:
        needed += LEAF_COST + cost(parts[-1]) + len(str(piece.size))
        needed += GROUP_COST if node is None or sort not in node._sorts else 0
    if needed > room:
        return room + 1
    node = root
    for part in folders:
        found = node.folders.get(part)
        if found is None:
            found = node.folders[part] = Plot(part)
        node = found
    if piece.type != DIRECTORY:
        node.leaves.append(Leaf(parts[-1], *piece[1:]))
        node._sorts.add(sort)
    return needed


def _count(root: Plot, piece: Piece, side: int, kept: bool) -> None:
    """Add a piece to the sums of the folders above it, and to the rest of one if not kept."""
    node = root
    folder = piece.type == DIRECTORY
    if folder and not piece.size:
        return
    node.sums[side] += piece.size
    node.counts[side] += 1
    for part in piece.path.split(b"/")[:-1]:
        below = node.folders.get(part)
        if below is None:
            break
        node = below
        node.sums[side] += piece.size
        node.counts[side] += 1
    if not kept:
        node._fold(piece)
