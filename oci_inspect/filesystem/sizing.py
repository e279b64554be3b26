"""Sizes of folders: the bytes of a listing, added up from the leaves to a depth."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappush, heappushpop

from oci_inspect.filesystem.items import Item
from oci_inspect.layer.entries import DIRECTORY, SYMLINK


class SizeNode:
    """A path with all that is below it.

    ``size`` is in bytes, each inode counted once, ``files`` how many regular files there are,
    ``layers`` the bytes by the index of the layer that holds them. ``kind`` is None where the
    listing has no entry for the path itself, and ``item`` is that entry where more is to be said of
    it than its kind. ``folded`` are how many things in it were counted but not kept, and their
    bytes.
    """

    __slots__ = ("_layer", "_layers", "children", "files", "folded", "item", "kind", "name", "size")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.kind: int | None = None
        self.item: Item | None = None
        self.size = 0
        self.files = 0
        self.children: dict[bytes, SizeNode] = _NONE
        self.folded = (0, 0)
        self._layer: int | None = None
        self._layers: dict[int, int] | None = None

    @property
    def is_folder(self) -> bool:
        """Whether things can lie below it."""
        return bool(self.children) or self.kind is None or self.kind == DIRECTORY

    @property
    def layers(self) -> dict[int, int]:
        """The bytes by layer."""
        if self._layers is not None:
            return self._layers
        return {} if self._layer is None or not self.size else {self._layer: self.size}

    @property
    def layer(self) -> int | None:
        """The layer that holds most of its bytes; that of its entry where it has none."""
        layers = self.layers
        return min(layers, key=lambda one: (-layers[one], one)) if layers else self._layer

    def sorted(self) -> list[SizeNode]:
        """Its children, the largest first."""
        return sorted(self.children.values(), key=lambda one: (-one.size, one.name))

    def child(self, name: bytes) -> SizeNode:
        """The child of this name, made where it is missing."""
        if self.children is _NONE:
            self.children = {}
        found = self.children.get(name)
        if found is None:
            found = self.children[name] = SizeNode(name)
        return found

    def describe(self, item: Item) -> None:
        """Keep what there is to say of the path itself; the first that is said counts."""
        if self.kind is not None:
            return
        self.kind = item.kind
        if item.lost is not None or item.deletion is not None or item.kind == SYMLINK:
            self.item = item
        if not self.size:
            self._layer = item.layer_index

    def count(self, layer: int | None, size: int) -> None:
        """Count a file at or below it."""
        self.files += 1
        if not size or layer is None:
            return
        if not self.size:
            self._layer = layer
        elif layer != self._layer and self._layers is None:
            assert self._layer is not None
            self._layers = {self._layer: self.size}
        if self._layers is not None:
            self._layers[layer] = self._layers.get(layer, 0) + size
        self.size += size


_NONE: dict[bytes, SizeNode] = {}
"""The children of what has none; nothing is ever put into it."""


def add_up(
    items: Iterable[Item],
    top: bytes,
    depth: int,
    weigh: Callable[[Item], int] | None = None,
    most: int | None = None,
) -> SizeNode:
    """The items below ``top`` as a tree of sizes, down to ``depth`` levels below it.

    What lies deeper is counted where it goes out of sight. ``weigh`` says how many bytes an item
    has, where that is not its size. Of a merged tree no more than the ``most`` largest things of a
    folder that are none themselves need be kept, and one: all others are ``folded``.
    """
    root = SizeNode(top)
    skipped = len(top) + 1 if top else 0
    several: set[tuple[int | None, int]] = set()
    largest: dict[int, _Largest] = {}
    for item in items:
        node = root
        chain = [root]
        parts = item.path[skipped:].split(b"/", depth)
        ends = len(parts) <= depth
        beside = None
        if item.path != top:
            leaf = most is not None and ends and item.kind != DIRECTORY
            for part in parts[: len(parts) - 1 if leaf else depth]:
                node = node.child(part)
                chain.append(node)
            if leaf:
                assert most is not None
                beside = largest.get(id(node)) or _Largest(node, most + 1)
                largest[id(node)] = beside
                node = SizeNode(parts[-1])
                chain.append(node)
        if ends:
            node.describe(item)
        if item.entry is not None and item.size:
            size = item.size if weigh is None else weigh(item)
            if item.links > 1 and weigh is None:
                inode = item.layer_index, item.entry.offset
                if inode in several:
                    size = 0
                several.add(inode)
            for one in chain:
                one.count(item.layer_index, size)
        if beside is not None:
            beside.add(node)
    for beside in largest.values():
        beside.settle()
    return root


class _Largest:
    """The largest leaves of a folder, which come in the order of their names."""

    def __init__(self, folder: SizeNode, most: int) -> None:
        self._folder = folder
        self._most = most
        self._heap: list[tuple[int, int, SizeNode]] = []
        self._count = 0
        self._folded = [0, 0]

    def add(self, leaf: SizeNode) -> None:
        self._count += 1
        one = leaf.size, -self._count, leaf  # of those of one size, the first
        if len(self._heap) < self._most:
            heappush(self._heap, one)
            return
        size, _, _ = heappushpop(self._heap, one)
        self._folded[0] += 1
        self._folded[1] += size

    def settle(self) -> None:
        """Put those that were kept into their folder."""
        count, size = self._folded
        self._folder.folded = count, size
        for _, _, leaf in sorted(self._heap, key=lambda one: -one[1]):
            if self._folder.children is _NONE:
                self._folder.children = {}
            self._folder.children[leaf.name] = leaf
