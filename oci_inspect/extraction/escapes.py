"""Which symbolic links lead out of the folder that a tree is put into."""

from __future__ import annotations

from oci_inspect.filesystem.tree import Folder, Node, UnionTree
from oci_inspect.layer.entries import SYMLINK
from oci_inspect.limits import DEFAULT_LIMITS, Limits

_BUDGET = 1 << 24
"""Bytes of the texts of further links on the way, for all links together."""


class Escapes:
    """Tells of each symbolic link whether it leads out, other links of the tree being followed.

    Outside of a container an absolute link begins at the root of the machine, and ``..`` in the
    topmost folder leads out. What would cost too much to follow counts as leading out.
    """

    def __init__(self, tree: UnionTree, limits: Limits = DEFAULT_LIMITS) -> None:
        self._tree = tree
        self._links = limits.links
        self._budget = _BUDGET

    def leads_out(self, path: bytes, target: bytes) -> bool:
        """Whether the link at ``path``, whose text is ``target``, leads out."""
        if target.startswith(b"/"):
            return True
        if b".." not in target and b"/" not in target and self._plain(path, target):
            return False
        way: list[Node | None] = [self._tree.root]
        for part in path.split(b"/")[:-1]:
            way.append(_child(way[-1], part))
        ahead = target.split(b"/")[::-1]
        links = 0
        while ahead:
            part = ahead.pop()
            if part == b"..":
                way.pop()
                if not way:
                    return True
                continue
            if part in (b"", b"."):
                continue
            child = _child(way[-1], part)
            text = self._link(child)
            if text is None:
                way.append(child)
                continue
            links += 1
            self._budget -= len(text)
            if text.startswith(b"/"):
                return True
            if links > self._links:
                return False  # the kernel gives up, too
            if self._budget < 0:
                return True
            ahead += text.split(b"/")[::-1]
        return False

    def _plain(self, path: bytes, name: bytes) -> bool:
        """Whether a link to its neighbour ends there."""
        folder = self._tree.lookup(path.rpartition(b"/")[0])
        return self._link(_child(folder, name)) is None

    def _link(self, node: Node | None) -> bytes | None:
        if node is None or isinstance(node, Folder) or self._tree.kind_of(node) != SYMLINK:
            return None
        layer, row = self._tree.locate(node)
        return self._tree.tables[layer].linknames.get(row, b"")


def _child(node: Node | None, name: bytes) -> Node | None:
    return node.get(name) if isinstance(node, Folder) else None
