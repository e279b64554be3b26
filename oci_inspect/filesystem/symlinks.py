"""Following symbolic links inside a tree that is being merged: lexically, and never out of it."""

from __future__ import annotations

from typing import NamedTuple

from oci_inspect.filesystem.tree import Folder, Node, UnionTree
from oci_inspect.layer.entries import SYMLINK


class Step(NamedTuple):
    """The first symbolic link on a path: where it is, its reference, what is behind it."""

    path: bytes
    link: int
    rest: bytes

    def target(self, tree: UnionTree) -> bytes:
        """The path that the whole path stands for, with this one link followed."""
        return join(target_of(tree, self.path, self.link), self.rest)


def join(folder: bytes, rest: bytes) -> bytes:
    """Two paths from the root as one; either may be the root itself."""
    return folder + b"/" + rest if folder and rest else folder or rest


def target_of(tree: UnionTree, path: bytes, link: int) -> bytes:
    """Where the symbolic link ``link`` at ``path`` leads, from the root, clamped there."""
    layer = tree.layer_of(link)
    text = tree.tables[layer].linknames.get(link - tree.bases[layer], b"")
    parts = [] if text.startswith(b"/") else path.split(b"/")[:-1]
    for part in text.split(b"/"):
        if part == b"..":
            if parts:
                parts.pop()
        elif part not in (b"", b"."):
            parts.append(part)
    return b"/".join(parts)


def first_link(tree: UnionTree, path: bytes, base: int) -> Step | None:
    """The first part of a path that is a symbolic link with a reference from ``base`` on."""
    node: Node = tree.root
    parts = path.split(b"/") if path else []
    for i, part in enumerate(parts):
        if not isinstance(node, Folder):
            return None
        child = node.children.get(part)
        if child is None:
            return None
        if not isinstance(child, Folder) and child >= base and tree.kind(child) == SYMLINK:
            return Step(b"/".join(parts[: i + 1]), child, b"/".join(parts[i + 1 :]))
        node = child
    return None


def follow(tree: UnionTree, path: bytes, base: int, most: int) -> bytes | None:
    """The path with its links from ``base`` on followed, at most ``most``; None in a ring."""
    for _ in range(most + 1):
        step = first_link(tree, path, base)
        if step is None:
            return path
        path = step.target(tree)
    return None


def leads_to_folder(tree: UnionTree, path: bytes, link: int, most: int) -> bool:
    """Whether the symbolic link at ``path`` ends, over at most ``most`` links, in a folder."""
    for _ in range(most):
        path = target_of(tree, path, link)
        node = tree.lookup(path)
        if isinstance(node, Folder):
            return True
        if node is None or tree.kind(node) != SYMLINK:
            return False
        link = node
    return False
