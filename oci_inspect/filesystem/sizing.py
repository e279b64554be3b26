"""Sizes of folders: the bytes of a listing, added up from the leaves to a depth."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from oci_inspect.filesystem.items import Item
from oci_inspect.layer.entries import DIRECTORY


class SizeNode:
    """A path with all that is below it.

    ``size`` is in bytes, each inode counted once, ``files`` how many regular files there are,
    ``layers`` the bytes by the index of the layer that holds them. ``item`` is None where the
    listing has no entry for the path itself.
    """

    __slots__ = ("children", "files", "item", "layers", "name", "size")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.item: Item | None = None
        self.size = 0
        self.files = 0
        self.layers: dict[int, int] = {}
        self.children: dict[bytes, SizeNode] = {}

    @property
    def is_folder(self) -> bool:
        """Whether things can lie below it."""
        return bool(self.children) or self.item is None or self.item.kind == DIRECTORY

    @property
    def layer(self) -> int | None:
        """The layer that holds most of its bytes; that of its entry where it has none."""
        if self.layers:
            return min(self.layers, key=lambda layer: (-self.layers[layer], layer))
        return None if self.item is None else self.item.layer_index

    def sorted(self) -> list[SizeNode]:
        """Its children, the largest first."""
        return sorted(self.children.values(), key=lambda one: (-one.size, one.name))

    def _count(self, item: Item, size: int) -> None:
        self.size += size
        self.files += 1
        layer = item.layer_index
        if layer is not None and size:
            self.layers[layer] = self.layers.get(layer, 0) + size


def add_up(
    items: Iterable[Item],
    top: bytes,
    depth: int,
    weigh: Callable[[Item], int] | None = None,
) -> SizeNode:
    """The items below ``top`` as a tree of sizes, down to ``depth`` levels below it.

    What lies deeper is counted where it goes out of sight. ``weigh`` says how many bytes an item
    has, where that is not its size.
    """
    root = SizeNode(top)
    skipped = len(top) + 1 if top else 0
    several: set[tuple[int | None, int]] = set()
    for item in items:
        node = root
        chain = [root]
        parts = item.path[skipped:].split(b"/", depth)
        for part in parts[:depth] if item.path != top else ():
            child = node.children.get(part)
            if child is None:
                child = node.children[part] = SizeNode(part)
            node = child
            chain.append(node)
        if len(parts) <= depth and node.item is None:
            node.item = item
        if item.entry is None or not item.size:
            continue
        size = item.size if weigh is None else weigh(item)
        if item.links > 1 and weigh is None:
            inode = item.layer_index, item.entry.offset
            if inode in several:
                size = 0
            several.add(inode)
        for one in chain:
            one._count(item, size)
    return root
