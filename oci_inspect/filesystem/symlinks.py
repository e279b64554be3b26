"""Following symbolic links inside a tree that is being merged: lexically, and never out of it."""

from __future__ import annotations

from oci_inspect.errors import LimitExceededError
from oci_inspect.filesystem.tree import Folder, Node, UnionTree
from oci_inspect.layer.entries import SYMLINK
from oci_inspect.limits import Limits


def join(folder: bytes, rest: bytes) -> bytes:
    """Two paths from the root as one; either may be the root itself."""
    return folder + b"/" + rest if folder and rest else folder or rest


class LinkFollower:
    """Follows links, up to ``limits.links`` for a path and ``limits.link_bytes`` in all.

    Forty links, each to the end of a long path, make a walk of thousands of steps of a short name,
    and a long path of each name behind them: without the second bound a small layer could take
    hours and gigabytes. Beyond it the methods raise :class:`LimitExceededError`.
    """

    def __init__(self, tree: UnionTree, limits: Limits) -> None:
        self._tree = tree
        self._links = limits.links
        self._most = limits.link_bytes
        self._spent = 0

    def spend(self, size: int) -> None:
        """Count bytes of paths that stand for shorter ones because of links."""
        self._spent += size
        if self._spent > self._most:
            raise LimitExceededError("link_bytes", self._most, self._spent, "the image")

    def follow(self, path: bytes, base: int) -> bytes | None:
        """The path with its links that have a reference from ``base`` on followed.

        None where there are too many of them: they lead around in a ring.
        """
        tree = self._tree
        followed = 0
        done: list[bytes] = []
        ahead = path.split(b"/")[::-1] if path else []
        node: Node | None = tree.root
        while ahead and isinstance(node, Folder):
            part = ahead.pop()
            node = node.get(part)
            if isinstance(node, int) and node >= base and tree.kind(node) == SYMLINK:
                followed += 1
                if followed > self._links:
                    return None
                target = self._target(done, node)
                ahead += reversed(target)
                done, node = [], tree.root
            else:
                done.append(part)
        return b"/".join(done + ahead[::-1])

    def leads_to_folder(self, path: bytes, link: int) -> bool:
        """Whether the symbolic link at ``path`` ends, over other links, in a folder."""
        tree = self._tree
        parts = path.split(b"/")
        for _ in range(self._links):
            parts = self._target(parts[:-1], link)
            node = tree.lookup(b"/".join(parts))
            if isinstance(node, Folder):
                return True
            if node is None or tree.kind(node) != SYMLINK:
                return False
            link = node
        return False

    def _target(self, folder: list[bytes], link: int) -> list[bytes]:
        """Where a symbolic link in ``folder`` leads, as parts from the root, clamped there."""
        tree = self._tree
        layer, row = tree.locate(link)
        text = tree.tables[layer].linknames.get(row, b"")
        parts = [] if text.startswith(b"/") else folder[:]
        self.spend(len(text) + sum(map(len, parts)) + len(parts))
        text = text.removeprefix(b"/")
        around = b"/%b/" % text
        if b"//" not in around and b"/./" not in around and b"/../" not in around:
            return parts + text.split(b"/")
        for part in text.split(b"/"):
            if part == b"..":
                if parts:
                    parts.pop()
            elif part not in (b"", b"."):
                parts.append(part)
        return parts
