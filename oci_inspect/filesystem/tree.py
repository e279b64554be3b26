"""The merged tree: what a container would see.

A folder is an object, everything else a plain number: the *reference* of its entry, counted over
the rows of all layers. Two names of one inode are the same number. A million entries fit that way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from oci_inspect.layer.entries import DIRECTORY, Entry, EntryTable

IMPLIED = -1
"""The reference of a folder that no entry describes."""


class Folder:
    """A folder: its entry's reference and its children by name."""

    __slots__ = ("children", "reference")

    def __init__(self, reference: int = IMPLIED) -> None:
        self.reference = reference
        self.children: dict[bytes, Folder | int] = {}


Node = Folder | int


class Located(NamedTuple):
    """A node of the tree with its path and the layer its entry is in (None: an implied folder)."""

    path: bytes
    node: Node
    layer_index: int | None


@dataclass(frozen=True, slots=True)
class UnionTree:
    """The tree of a stack of layers. ``bases[i]`` is the reference of layer ``i``'s first row."""

    root: Folder
    tables: Sequence[EntryTable]
    bases: Sequence[int]

    def layer_of(self, reference: int) -> int:
        """The index of the layer an entry is in."""
        return bisect_right(self.bases, reference) - 1

    def entry(self, node: Node) -> Entry | None:
        """The entry behind a node, None for an implied folder."""
        reference = node.reference if isinstance(node, Folder) else node
        if reference == IMPLIED:
            return None
        layer = self.layer_of(reference)
        return self.tables[layer].row(reference - self.bases[layer])

    def kind(self, node: Node) -> int:
        """The type of a node, one of the codes of :mod:`oci_inspect.layer.entries`."""
        if isinstance(node, Folder):
            return DIRECTORY
        layer = self.layer_of(node)
        return self.tables[layer].types[node - self.bases[layer]]

    def walk(self) -> Iterator[Located]:
        """Everything below the root, each folder before what is in it, names in byte order."""
        stack: list[tuple[bytes, Node]] = [(b"", self.root)]
        while stack:
            path, node = stack.pop()
            if path:
                reference = node.reference if isinstance(node, Folder) else node
                yield Located(
                    path, node, None if reference == IMPLIED else self.layer_of(reference)
                )
            if isinstance(node, Folder):
                prefix = path + b"/" if path else b""
                stack.extend(
                    (prefix + name, child)
                    for name, child in sorted(node.children.items(), reverse=True)
                )

    def lookup(self, path: bytes) -> Node | None:
        """The node at a path as it is written, no link followed; None where there is none."""
        node: Node = self.root
        for part in path.split(b"/") if path else ():
            if not isinstance(node, Folder):
                return None
            child = node.children.get(part)
            if child is None:
                return None
            node = child
        return node
